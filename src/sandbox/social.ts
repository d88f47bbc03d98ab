// What people have beside follows and profiles: whom they block since when, and which of their devices are connected.
import type { WireStatus } from '../tencent/wire.ts';

export const PLATFORMS = ['iPhone', 'Android', 'Web', 'PC', 'iPad', 'Mac'] as const;
export type Platform = (typeof PLATFORMS)[number];

type Dependencies = { now: () => number; get(id: string): object };

export function createSocial({ now, get }: Dependencies) {
  const blocks = new Map<string, Map<string, number>>();
  const devices = new Map<string, Map<Platform, WireStatus>>();
  const hasBlocked = (from: string, to: string): boolean => blocks.get(from)?.has(to) ?? false;

  return {
    hasBlocked,
    /** Everybody that `id` blocks with the time in seconds, the latest first. */
    blockedBy: (id: string): [id: string, time: number][] => [...(blocks.get(id) ?? [])].reverse(),
    /** Answers whether anything changed. */
    setBlocked(from: string, to: string, isBlocked: boolean): boolean {
      get(to);
      if (!get(from) || hasBlocked(from, to) === isBlocked) return false;
      const list = blocks.get(from) ?? new Map<string, number>();
      blocks.set(from, list);
      if (isBlocked) list.set(to, Math.floor(now() / 1000));
      else list.delete(to);
      return true;
    },
    /** The devices that are reachable, and how. */
    devices: (id: string): [Platform, WireStatus][] => [...(devices.get(id) ?? [])],
    setDevice(id: string, platform: Platform, status: WireStatus): void {
      if (!get(id)) return;
      const own = devices.get(id) ?? new Map<Platform, WireStatus>();
      devices.set(id, own);
      if (status === 'Offline') own.delete(platform);
      else own.set(platform, status);
    },
  };
}
