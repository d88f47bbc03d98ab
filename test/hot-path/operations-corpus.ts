// The operations of schema/operations, with variables that fit, and with all that do not.
import { readdirSync, readFileSync } from 'node:fs';
import { personId } from '../../src/sandbox/seed.ts';
import { type Ask, get, type Header, post } from './asks.ts';

const FOLDER = new URL('../../schema/operations/', import.meta.url);

export type Operation = { name: string; query: string };

export const OPERATIONS: readonly Operation[] = readdirSync(FOLDER)
  .sort()
  .map((file) => {
    const query = readFileSync(new URL(file, FOLDER), 'utf8');
    return { name: /(?:query|mutation|subscription) (\w+)/.exec(query)?.[1] ?? file, query };
  });

export const isQuery = ({ query }: Operation): boolean => /^query /m.test(query);
const isSubscription = ({ query }: Operation): boolean => /^subscription /m.test(query);

export const as = (userId: string): Header => ['x-viewer-id', userId];
export const ACCEPTS_EVENTS: Header = ['accept', 'text/event-stream'];

const VIEWERS: readonly Header[][] = [[], [as(personId(1))], [as('UserID_001')], [as('nobody_at_all')]];

const IDS = ['UserID_001', personId(2), 'star_100k', 'hermit', 'fan_000007', 'nobody_at_all'];
const ODD_IDS = ['', ' ', 'two words', 'a:b', '{x}', 'é', 'x'.repeat(33), '__proto__', 'constructor', '\u0000'];
const WRONG_IDS = [null, 42, 4.5, 1e21, true, [], ['UserID_001'], {}, { id: 'UserID_001' }, 2 ** 53, -0];
const FIRSTS = [0, 1, 3, 20, 100, 101, 1000, -1, null, '3', 2.5, 2.0, 1e10, true, [5], {}];

/** What a variable may be sent as, by its name. */
function valuesOf(variable: string, cursors: readonly string[]): unknown[] {
  if (variable === 'userId' || variable === 'id') return [...IDS, ...ODD_IDS, ...WRONG_IDS];
  if (variable === 'first') return FIRSTS;
  if (variable === 'after') return [null, '', 'made-up', 7, [], ...cursors, ...cursors.map(forged), '='.repeat(4000)];
  const lists = [
    IDS,
    [],
    [null],
    'UserID_002',
    [IDS[0], IDS[0]],
    ODD_IDS,
    WRONG_IDS,
    null,
    7,
    {},
    many(100),
    many(101),
  ];
  if (variable === 'userIds') return lists;
  return [...lists.slice(0, 6).map((userIds) => ({ userIds })), null, {}, [], 'text', { userIds: ['a'], more: 1 }];
}

const many = (count: number): string[] => Array.from({ length: count }, (_, at) => personId(at + 1));
const forged = (cursor: string): string => `${cursor.slice(0, -2)}${cursor.endsWith('AA') ? 'BB' : 'AA'}`;

/** All operations: by all kinds of viewers with their defaults, and with each variable in all ways that are known. */
export function operationAsks(cursors: readonly string[]): Ask[] {
  return OPERATIONS.flatMap((operation) => {
    const { name, query } = operation;
    const variables = Array.from(query.matchAll(/\$(\w+):/g), ([, variable]) => variable as string);
    const asked = (title: string, params: object, headers: readonly Header[] = []): Ask => {
      const titled = `${name}, ${title}`;
      return post(titled, params, isSubscription(operation) ? [ACCEPTS_EVENTS, ...headers] : headers);
    };
    const viewer = name.startsWith('Viewer') || !isQuery(operation) ? [as(personId(3))] : [];
    return [
      ...VIEWERS.map((headers) => asked(`as ${headers[0]?.[1] ?? 'nobody'}`, { query }, headers)),
      ...variables.flatMap((variable) =>
        [undefined, ...valuesOf(variable, cursors)].map((value) =>
          asked(
            `${variable} ${JSON.stringify(value)?.slice(0, 80)}`,
            { query, variables: { [variable]: value } },
            viewer,
          ),
        ),
      ),
      asked('a variable that it has not', { query, variables: { unknown: 1 } }, viewer),
      asked('its name', { query, operationName: name }, viewer),
      asked('another name', { query, operationName: 'Another' }, viewer),
      asked('with its cost', { query, operationName: name, extensions: { cost: true } }, viewer),
    ];
  });
}

/** The same by GET, as caches see them: again with the tag that came, with another, and as somebody. */
export function getAsks(): Ask[] {
  return OPERATIONS.flatMap((operation) => {
    const { name, query } = operation;
    const by = (title: string, params: Record<string, unknown>, headers: readonly Header[] = []) =>
      get(`${name} by GET ${title}`, { query, ...params }, headers);
    return [
      ...VIEWERS.map((headers) => by(`as ${headers[0]?.[1] ?? 'nobody'}`, {}, headers)),
      by('with variables', { variables: { userId: personId(4), first: 2 } }),
      by('with a name', { operationName: name }),
      by('with its cost', { extensions: { cost: true } }),
      by('if another', {}, [['if-none-match', '"other"']]),
      by('if any', {}, [['if-none-match', '*']]),
      by('as a stream', {}, [ACCEPTS_EVENTS]),
    ];
  });
}
