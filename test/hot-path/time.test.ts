// Time passes and the upstream fails: what is fresh, stale, too old, or cannot be had, is told alike by all ways.
import { expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { personId } from '../../src/sandbox/seed.ts';
import { ERROR_TABLE } from '../../src/tencent/error-table.ts';
import { type Ask, get, post } from './asks.ts';
import { askAll, compare, type Difference, differencesLeft, expectNone } from './compare.ts';
import { as, isQuery, OPERATIONS } from './operations-corpus.ts';
import { openSiblings, type Siblings } from './siblings.ts';

const VIEWER = as(personId(1));
/** Whole answers to nobody in particular are kept of trusted documents. */
const WITH_ANSWERS_KEPT = { TRUSTED_DOCUMENTS: 'log' };
const SECOND_MS = 1000;
const WEEK_MS = 7 * 86_400_000;

const BY_ALL: readonly Ask[] = OPERATIONS.filter(isQuery).flatMap(({ name, query }) => [
  post(name, { query }),
  post(`${name} as a viewer`, { query }, [VIEWER]),
  get(`${name} by GET`, { query }),
]);
const SCREEN_QUERY = `{ user(id: "${personId(2)}") { id nick fansCount viewerIsFollowing fans(first: 3) { edges { cursor node { id nick } } } } }`;
const SCREEN = post('a screen', { query: SCREEN_QUERY });
const SCREEN_AS_VIEWER = post('a screen of a viewer', { query: SCREEN_QUERY }, [VIEWER]);
const CHANGE = post('a change', { query: followOf('followUsers') }, [VIEWER]);
const CHANGE_BACK = post('the change back', { query: followOf('unfollowUsers') }, [VIEWER]);

function followOf(field: string): string {
  return `mutation { ${field}(input: { userIds: ["${personId(2)}", "hermit", "nobody"] }) { results { __typename ... on FollowFailure { reason message } } viewer { id followsCount } } }`;
}

function armAll({ all }: Siblings, faults: FaultPatch | null): void {
  for (const { house } of all) {
    house.sandbox.faults.reset();
    if (faults) house.sandbox.faults.set(faults);
  }
}

test('answers grow stale and too old at the same time in all ways', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const differences: Difference[] = [];
  for (const seconds of [0, 1, 15, 16, 31, 300, 3600, 86_400]) {
    differences.push(...(await compare(siblings, BY_ALL, { times: 2, stepMs: 0 })));
    siblings.clock.advance(seconds * SECOND_MS);
  }
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

test('while the upstream is away all ways tell the same of what they remember, and of what they do not', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const differences = await compare(siblings, BY_ALL, { stepMs: 0 });
  armAll(siblings, { httpError: true });
  const asked = { stepMs: 10 * SECOND_MS, timePasses: true };
  differences.push(...(await compare(siblings, BY_ALL, asked)));
  expect((await askAll(siblings, SCREEN, true))[0]).toContain('"UPSTREAM_UNAVAILABLE"');
  siblings.clock.advance(3600 * SECOND_MS);
  differences.push(...(await compare(siblings, BY_ALL, asked)));
  armAll(siblings, null);
  siblings.clock.advance(60 * SECOND_MS);
  differences.push(...(await compare(siblings, BY_ALL, asked)));
  expect((await askAll(siblings, SCREEN, true))[0]).not.toContain('errors');
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

/** One code for each way in which one is told and tried again. */
const KINDS_OF_ERRORS = [
  ...new Map(
    ERROR_TABLE.map((rule) => [`${rule.publicCode} ${rule.retry} ${rule.throttled} ${rule.undone}`, rule]),
  ).values(),
];
const FAULTS: readonly FaultPatch[] = [
  ...KINDS_OF_ERRORS.map(
    ({ codes }): FaultPatch => ({ error: { code: typeof codes === 'number' ? codes : codes[0] } }),
  ),
  { error: { code: 60007, times: 2 } },
  { silence: { commands: ['follow_get'] } },
  { silence: true },
  { reset: true },
  { reset: { every: 2 } },
  { httpError: { status: 200, body: '<html>' } },
  { truncatedJson: true },
  { answerLost: true },
  { expiredUserSig: true },
  { wrongRegion: true },
  { featureOff: true },
  { itemFailure: { ids: [personId(2), 'hermit'], code: 30007 } },
  { unknownFailsAll: true },
  { offsetCursor: true },
  { shortPages: { keep: 1 } },
  { extraEmptyPage: true },
  { stuckCursor: true },
  { duplicates: true },
  { missingFollowItem: true },
  { missingProfileItem: true },
  { unknownFields: true },
  { missingErrorCode: true },
  { missingErrorInfo: true },
  { countsLag: { ms: 20_000 }, listsLag: { ms: 20_000 } },
];

test('every fault of the upstream shows alike in all ways, with something stale to fall back on or with nothing', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const differences: Difference[] = [];
  const asks = [SCREEN, SCREEN_AS_VIEWER, CHANGE, SCREEN, CHANGE_BACK, SCREEN_AS_VIEWER];
  const asked = { stepMs: 40 * SECOND_MS, timePasses: true };
  for (const [at, faults] of FAULTS.entries()) {
    armAll(siblings, faults);
    const found = await compare(siblings, asks, { ...asked, times: 2 });
    armAll(siblings, null);
    siblings.clock.advance(61 * SECOND_MS);
    found.push(...(await compare(siblings, [SCREEN_AS_VIEWER], asked)));
    siblings.clock.advance(at % 2 === 0 ? WEEK_MS : 31 * SECOND_MS);
    differences.push(...found.map((difference) => `${JSON.stringify(faults)}: ${difference}`));
  }
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});
