// A sandbox on a free port for one test, with a caller that speaks its wire.
import { SANDBOX_APP, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { type Command, type Envelope, type ItemResult, pathOf, type WireProfileItem } from '../../src/tencent/wire.ts';
import { createTestClock } from '../support/clock.ts';
import { openSandbox } from '../support/sandbox.ts';

type Item = ItemResult & {
  FollowTime: number;
  FollowType?: number;
  FollowerCount?: number;
  MutualFollowingCount?: number;
  ProfileItem?: WireProfileItem[];
  Relation?: string;
};

/** What any command answers, of the fields that tests look into (CONTRACT 4, 6, 10 to 12). */
type Answer = Envelope & {
  ResultItem: Item[];
  FollowItem?: Item[];
  NextCursor: string;
  FollowInfo: Item[];
  BlackListCheckItem: Item[];
  Fail_Account?: string[];
  QueryResult: object[];
  Users: { UserID: string }[];
  Cursor: string;
};

/** 2023-11-14T22:13:20Z. */
export const START_MS = 1_700_000_000_000;

/** A clock that stands still until it is advanced. */
export const manualClock = () => createTestClock(START_MS);

/** The UserSig of an admin, or of somebody else. */
export const signAs = (userId: string, issuedAt = START_MS / 1000) =>
  signUserSig({ ...SANDBOX_APP, userId, issuedAt, expireSeconds: 86_400 });

/** Starts without people unless asked; the clock stands still unless one is given. */
export async function startSandbox(options: SandboxOptions = {}) {
  const clock = options.clock ?? manualClock();
  const sandbox = await openSandbox({ ...options, clock });
  const usersig = signAs(SANDBOX_APP.admin, Math.floor(clock.now() / 1000));

  async function call(command: Command, body: unknown): Promise<Answer> {
    const search = { sdkappid: '1400000000', identifier: 'administrator', usersig, random: '7', contenttype: 'json' };
    const url = `${sandbox.url}${pathOf(command)}?${new URLSearchParams(search)}`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Answer;
  }

  /** Follows NextCursor to its end, at most 50 pages. */
  async function pages(id: string, FollowType: number, WantNum: number): Promise<Item[][]> {
    const read: Item[][] = [];
    let StartCursor = '';
    do {
      const page = await call('follow_get', { From_Account: id, FollowType, StartCursor, WantNum });
      if (page.ErrorCode !== 0) throw new Error(`follow_get failed with ${page.ErrorCode}: ${page.ErrorInfo}`);
      read.push(page.FollowItem ?? []);
      StartCursor = page.NextCursor;
    } while (StartCursor !== '' && read.length < 50);
    return read;
  }

  return { ...sandbox, call, pages };
}

/** A first page request for somebody's fans. */
export const firstPage = (id: string, WantNum = 100) => ({ From_Account: id, FollowType: 1, StartCursor: '', WantNum });
