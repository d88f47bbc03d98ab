// What HTTP caches may do with an answer that was asked for by GET.
import { createHash } from 'node:crypto';

/** What an answer is, as far as caches care. */
export type Cacheability = {
  /** Whether nobody is logged in, and it would be the same if somebody were. */
  isPublic: boolean;
  /** False when it holds an error, or something stale, or is not the answer of a query. */
  isWhole: boolean;
  /** How long all that is in it still answers by itself, in milliseconds; infinite when nothing was read for it. */
  freshMs: number;
};

/** What holds for everything that is nobody else's business, or worth no second look. */
export const NOT_STORED = 'private, no-store';
/** Nothing was read for it: ids alone, or what the schema says of itself. */
const TIMELESS_MS = 60_000;

/** The `Cache-Control` of an answer. */
export function cacheControlOf({ isPublic, isWhole, freshMs }: Cacheability): string {
  if (!isWhole) return NOT_STORED;
  // Whoever is logged in may have changed something since, or just have logged in, and must see it: their cache asks
  // again, at the cost of a 304.
  if (!isPublic) return 'private, no-cache';
  const seconds = Math.floor((Number.isFinite(freshMs) ? freshMs : TIMELESS_MS) / 1000);
  return seconds > 0 ? `public, max-age=${seconds}` : 'public, no-cache';
}

/** A strong validator: other bytes, or another type, are another representation. */
export function entityTagOf(type: string, body: string): string {
  return `"${createHash('sha256').update(type).update('\n').update(body).digest('base64url').slice(0, 27)}"`;
}

/** Whether an `If-None-Match` header names this representation. A cache that compresses weakens the tag. */
export function isNamedBy(header: string | undefined, tag: string): boolean {
  if (!header) return false;
  return header.trim() === '*' || header.split(',').some((named) => named.trim().replace(/^W\//, '') === tag);
}

/** The `Vary` of an answer, beside what it varies with already. */
export function varyOf(known: number | string | readonly string[] | undefined, names: readonly string[]): string {
  if (known === undefined) return names.join(', ');
  const all = String(known ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return [...new Set([...all, ...names])].join(', ');
}
