// Notes the questions that an answer was made from, so that one look tells later whether it would be the same again.
import type { FindKnownFans } from './known-fans.ts';
import type { FollowMemory, RememberedNow } from './memory.ts';
import type { FollowCounts, FollowList, UserId } from './model.ts';
import type { CallOptions } from './services.ts';

/** What answers questions at once, now. */
export type Sources = Pick<FollowMemory, 'isKnownMissing'> & {
  readonly now: RememberedNow;
  maySee(owner: UserId, list: FollowList): boolean;
};

type Reading = (sources: Sources, call: CallOptions) => boolean;

export type Recording = {
  note(reading: Reading): void;
  /** Something was asked that cannot be asked again at once. */
  spoil(): void;
  readonly isWhole: boolean;
  /** How many questions there were. */
  readonly length: number;
  /** Whether each question, asked again now, has the same answer, by itself fresh. Asks nobody but the memory. */
  holds(sources: Sources): boolean;
};

/** To look at more takes longer than to answer anew. */
const MOST_READINGS = 50;

/** Memory never waits, so nothing of this is ever looked at. */
const NOBODY: CallOptions = { signal: new AbortController().signal, deadlineAt: Number.POSITIVE_INFINITY };

export function createRecording(): Recording {
  const readings: Reading[] = [];
  let isWhole = true;
  return {
    note(reading) {
      if (readings.length < MOST_READINGS) readings.push(reading);
      else isWhole = false;
    },
    spoil() {
      isWhole = false;
    },
    get isWhole() {
      return isWhole;
    },
    get length() {
      return readings.length;
    },
    holds(sources) {
      try {
        return isWhole && readings.every((isSame) => isSame(sources, NOBODY));
      } catch {
        // By now it is known that there is no such account.
        return false;
      }
    },
  };
}

type Recorded = Pick<
  FollowMemory,
  'readPage' | 'readCounts' | 'readProfiles' | 'readRelations' | 'refusedTags' | 'isKnownMissing' | 'now'
> & { findKnownFans: FindKnownFans };

/** The same sources, which note in `recording` what they are asked. */
export function recorded<S extends Recorded>(sources: S, recording: Recording): S {
  const { now } = sources;
  const spoiling =
    <Parameters extends unknown[], R>(ask: (...parameters: Parameters) => R) =>
    (...parameters: Parameters): R => {
      recording.spoil();
      return ask(...parameters);
    };
  return {
    ...sources,
    readPage(query, call) {
      const page = sources.readPage(query, call);
      // The same page is the same object until something about it changes.
      if (page instanceof Promise) recording.spoil();
      else {
        const isPage = identityOf(page);
        recording.note(({ now }, nobody) => isPage(now.page(query, nobody)));
      }
      return page;
    },
    now: {
      ...now,
      counts(userId, call) {
        const counts = now.counts(userId, call);
        if (counts) recording.note(({ now }, nobody) => isSame(now.counts(userId, nobody), counts));
        return counts;
      },
      profile(userId, call) {
        const profile = now.profile(userId, call);
        if (profile) {
          const isProfile = identityOf(profile);
          recording.note(({ now }, nobody) => isProfile(now.profile(userId, nobody)));
        }
        return profile;
      },
      relation: spoiling(now.relation),
    },
    isKnownMissing(userId) {
      const isMissing = sources.isKnownMissing(userId);
      recording.note(({ isKnownMissing }) => isKnownMissing(userId) === isMissing);
      return isMissing;
    },
    readCounts: spoiling(sources.readCounts),
    readProfiles: spoiling(sources.readProfiles),
    readRelations: spoiling(sources.readRelations),
    findKnownFans: spoiling(sources.findKnownFans),
    refusedTags: spoiling(sources.refusedTags),
  };
}

/**
 * Notes what whoever asks may see, and `nobody` in particular: a deployer's own rule may change its mind. What only one of
 * the two may see is no answer for everybody.
 */
export function noteSight(recording: Recording, owner: UserId, list: FollowList, may: boolean, nobody: boolean): void {
  if (nobody === may) recording.note(readingOf(owner, list, may));
  else recording.spoil();
}

/** Made here, out of reach of the request, which would stay as long as the answer with all that it has read. */
const readingOf =
  (owner: UserId, list: FollowList, may: boolean): Reading =>
  ({ maySee }) =>
    maySee(owner, list) === may;

/** Tells an object from all others without keeping it alive: memory alone decides for how long, within its own bounds. */
function identityOf(known: object): (other: object | undefined) => boolean {
  const reference = new WeakRef(known);
  return (other) => other !== undefined && reference.deref() === other;
}

function isSame(counts: FollowCounts | undefined, known: FollowCounts): boolean {
  return (
    counts !== undefined &&
    counts.fans === known.fans &&
    counts.follows === known.follows &&
    counts.mutuals === known.mutuals
  );
}
