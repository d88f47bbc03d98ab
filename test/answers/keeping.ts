// A house that keeps whole answers, asked as frontends ask, and a way to see from outside whether one was kept.
import { readdirSync, readFileSync } from 'node:fs';
import { parse, print } from 'graphql';
import type { MaySee } from '../../src/auth/visibility.ts';
import { directoryOf } from '../documents/asking.ts';
import { createHastyClock, type TestClock } from '../support/clock.ts';
import { type Answer, type HouseOptions, openHouse, type Replica } from '../support/house.ts';

const OPERATIONS = new URL('../../schema/operations/', import.meta.url);

/** The text of one of the gateway's own trusted documents, by the beginning of its file's name. */
export function trustedText(name: string): string {
  const file = readdirSync(OPERATIONS).find((each) => each.startsWith(name));
  if (!file) throw new Error(`There is no operation ${name}`);
  return print(parse(readFileSync(new URL(file, OPERATIONS), 'utf8')));
}

export const FANS = trustedText('01');
export const PROFILE_HEADER = trustedText('04');
export const PEOPLE = trustedText('05');

/** Every answer is kept as soon as it can be: the short way is open from the first question on. */
export const KEEPING = { HOT_PATH: '0', TRUSTED_DOCUMENTS: 'log', AUTH: 'development' };

/** A rule of who may see what, which a test can have deny the next so many questions. */
export function createMoodyRule() {
  const mood = { denials: 0, asked: 0 };
  const maySee: MaySee = () => {
    mood.asked++;
    if (mood.denials === 0) return true;
    mood.denials--;
    return false;
  };
  return { mood, maySee };
}

export type Keeping = Awaited<ReturnType<typeof openKeeping>>;

export type KeepingOptions = Omit<HouseOptions, 'clock' | 'maySee'> & {
  clock?: TestClock;
  /** Documents of the deployer's own, trusted by their names. */
  documents?: Record<string, string>;
};

/** Opens it with nobody in it but who is added. */
export async function openKeeping({ env = {}, sandbox, clock = createHastyClock(), documents }: KeepingOptions = {}) {
  const { mood, maySee } = createMoodyRule();
  const path = documents && { TRUSTED_DOCUMENTS_PATH: directoryOf({ 'own.json': documents }) };
  const house = await openHouse({
    clock,
    maySee,
    env: { ...KEEPING, ...path, ...env },
    sandbox: { emptyWorld: true, clock, rateLimits: Number.POSITIVE_INFINITY, ...sandbox },
  });
  return { ...house, clock, mood };
}

export type Asked = { status: number; text: string; answer: Answer };

/** Asks in nobody's name, or with these headers. */
export async function ask(
  { url }: Pick<Replica, 'url'>,
  body: object | string,
  headers: Record<string, string> = {},
): Promise<Asked> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, answer: JSON.parse(text) as Answer };
}

/** The user that an answer shows; it must be free of errors. */
export function userIn<T>({ text, answer: { data, errors } }: Asked): T {
  if (errors || !data?.user) throw new Error(`No user: ${text}`);
  return data.user as T;
}

/** Asks until an answer is kept, if it ever is: the long way has brought all that it needs into memory by then. */
export async function askUntilKept(
  replica: Pick<Replica, 'url'>,
  body: object | string,
  headers: Record<string, string> = {},
): Promise<Asked> {
  for (let times = 0; times < 3; times++) await ask(replica, body, headers);
  return ask(replica, body, headers);
}

/**
 * Whether the answer to what asks for one list once has been kept. Who makes an answer anew asks the rule two times
 * before it is refused: on the short way, and on the long one, which words the refusal. A kept answer is one look more.
 */
export async function isKept(
  house: Pick<Keeping, 'url' | 'mood'>,
  body: object,
  headers: Record<string, string> = {},
): Promise<boolean> {
  house.mood.denials = 2;
  const { answer } = await ask(house, body, headers);
  house.mood.denials = 0;
  return answer.errors === undefined;
}
