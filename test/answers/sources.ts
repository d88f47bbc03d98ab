// What answers are made from, in a test's hands: sources that count what they are asked, and answers made from them.

import type { FollowCounts, FollowPage, PageQuery, Profile } from '../../src/follow/model.ts';
import { createRecording, noteSight, type Recording, recorded, type Sources } from '../../src/follow/recording.ts';
import type { CallOptions } from '../../src/follow/services.ts';
import { createAnswerCache } from '../../src/operations/answer-cache.ts';

export const CALL: CallOptions = {
  signal: new AbortController().signal,
  deadlineAt: Number.POSITIVE_INFINITY,
};
export const HEAD: PageQuery = { userId: 'star', list: 'fans', start: '', size: 100 };

export const pageOf = (...ids: string[]): FollowPage => ({
  entries: ids.map((id) => ({ user: { id, profile: null }, followedAt: 1_700_000_000 })),
  next: '',
});

/** What memory knows: a test changes it as it likes. */
export type Known = {
  page: FollowPage | undefined;
  counts: FollowCounts | undefined;
  profile: Profile | undefined;
  isMissing: boolean;
  maySee: boolean;
  /** Has every question that memory answers throw this. */
  failure: Error | null;
};

/** Sources over `known`; `asked` names each question that memory was asked, `upstream` each that went further. */
export function createSources(known: Known) {
  const asked: string[] = [];
  const upstream: string[] = [];
  const remembered = <V>(name: string, value: () => V): V => {
    asked.push(name);
    if (known.failure) throw known.failure;
    return value();
  };
  const further = (name: string) => {
    upstream.push(name);
    // Nobody waits for it.
    return new Promise<never>(() => {});
  };
  const sources: Sources = {
    now: {
      page: () => remembered('page', () => known.page),
      counts: () => remembered('counts', () => known.counts),
      profile: () => remembered('profile', () => known.profile),
      relation: () => remembered('relation', () => 'NONE' as const),
    },
    isKnownMissing: () => remembered('isKnownMissing', () => known.isMissing),
    maySee: () => remembered('maySee', () => known.maySee),
  };
  const whole: Parameters<typeof recorded>[0] = {
    ...sources,
    readPage: () => known.page ?? further('page'),
    readCounts: () => further('counts'),
    readProfiles: () => further('profiles'),
    readRelations: () => further('relations'),
    findKnownFans: () => further('known fans'),
    refusedTags: () => [],
  };
  return { sources, whole, asked, upstream };
}

/** A cache over what is known, and what an answer may ask while it is made. */
export function openCache({ maxBytes = 1_000_000, ...changed }: Partial<Known> & { maxBytes?: number } = {}) {
  const known: Known = {
    page: pageOf('anna'),
    counts: { fans: 1, follows: 2, mutuals: 0 },
    profile: { nick: 'Star' } as Profile,
    isMissing: false,
    maySee: true,
    failure: null,
    ...changed,
  };
  const { sources, whole, asked, upstream } = createSources(known);
  const cache = createAnswerCache({ longest: 10_000_000, maxBytes, sources });

  /** Makes an answer by asking what `make` asks, and has it kept; the recording that it was kept with. */
  function keep(key: string, body: string, make: (ask: ReturnType<typeof asks>) => void = () => {}): Recording {
    const recording = createRecording();
    make(asks(recording));
    asked.length = 0;
    cache.keep(key, body, recording);
    return recording;
  }
  const asks = (recording: Recording) => ({
    ...recorded(whole, recording),
    maySee(...asked: Parameters<Sources['maySee']>) {
      const may = sources.maySee(...asked);
      noteSight(recording, ...asked, may, may);
      return may;
    },
  });
  return { known, cache, keep, find: (key: string) => textOf(cache.find(key)), asked, upstream };
}

/** An answer as a text, however its bytes are kept: as they are, or with a letter for each. */
function textOf(bytes: string | Uint8Array | undefined): string | undefined {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1').toString() : bytes && Buffer.from(bytes).toString();
}
