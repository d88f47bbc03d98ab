// Compiled execution over the gateway's own schema, resolvers and loaders, above a world in which some users are
// remembered, some have to be asked for, and some fail.
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { execute, parse } from 'graphql';
import { expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { compileOperation } from '../../src/execution/compile.ts';
import { createTexts } from '../../src/execution/texts.ts';
import { createLoaders, type LoaderSources } from '../../src/follow/loaders.ts';
import { UNSET_PROFILE } from '../../src/follow/model.ts';
import { createServedSchema } from '../../src/graph/federation.ts';
import { encodeCursor } from '../../src/graph/item-cursor.ts';
import { type OperationKind, randomOperation } from '../limits/random-operation.ts';
import { asText } from './as-text.ts';

const schema = createServedSchema({ introspection: true });
const cursorKey = createSecretKey(Buffer.alloc(32, 1));
const IDS = Array.from({ length: 30 }, (_, n) => `user_${n}`);
const VIEWER = 'user_3';
const numRuns = Number(process.env.FUZZ_RUNS) || 100;

const numberOf = (id: string) => Number(id.slice('user_'.length));
const isRemembered = (id: string) => numberOf(id) % 2 === 0;
const cursorOf = (userId: string) =>
  encodeCursor(
    cursorKey,
    { userId, list: 'fans' },
    { start: '', size: 100, index: 4, userId: 'user_4', followedAt: 96 },
  );

const profileOf = (id: string) => ({
  ...UNSET_PROFILE,
  nick: `Nick of ${id}`,
  customFields: [{ key: 'Color', value: 'red' }],
  items: [{ tag: 'Tag_Profile_IM_Level', value: 7 }],
  whole: true,
});
const entries = IDS.map((id) => ({
  user: { id, profile: numberOf(id) % 3 ? profileOf(id) : null },
  followedAt: 100 - numberOf(id),
}));

/** A context in which users with a number below `failing` fail and `missing` does not exist; `asked` gets the batches that the loaders ask for. */
function contextOf(failing: number, missing: string | null) {
  const asked: string[] = [];
  const batch = <T>(kind: string, answerOf: (id: string) => T) => {
    return async (ids: readonly string[]): Promise<Map<string, T | GatewayError>> => {
      asked.push(`${kind} ${ids}`);
      return new Map(
        ids.map((id) => [
          id,
          numberOf(id) < failing ? new GatewayError('UPSTREAM_UNAVAILABLE', `${id} fails`) : answerOf(id),
        ]),
      );
    };
  };
  const remembered = <T>(answerOf: (id: string) => T) => {
    return (id: string) => (isRemembered(id) && numberOf(id) >= failing ? answerOf(id) : undefined);
  };
  const counts = () => ({ fans: 1, follows: 2, mutuals: 3 });
  const readRelations = batch('relations', () => 'MUTUAL' as const);
  const sources: LoaderSources = {
    now: {
      counts: remembered(counts),
      profile: remembered(profileOf),
      relation: (_from, to) => remembered(() => 'FAN' as const)(to),
    },
    readCounts: batch('counts', counts),
    readProfiles: batch('profiles', profileOf),
    readRelations: (_from, ids) => readRelations(ids),
    findKnownFans: async () => ({ members: entries.slice(0, 5), exact: true }),
  };
  const page = { entries, next: '' };
  const context = {
    settings: { maxPageSize: 100, chunkSize: 100, userIdPattern: /^\w+$/, cursorKey, maxTargets: 100 },
    viewer: { userId: VIEWER },
    load: createLoaders(sources, () => ({}) as ReturnType<Parameters<typeof createLoaders>[1]>),
    maySee: () => true,
    readPage: ({ userId }: { userId: string }) => {
      if (numberOf(userId) < failing) return Promise.reject(new Error(`The list of ${userId} fails`));
      return isRemembered(userId) ? page : Promise.resolve(page);
    },
    isKnownMissing: (id: string) => id === missing,
    refusedTags: () => [],
  };
  return { context, asked };
}

/** Kept over all runs, as a gateway keeps it. */
const texts = createTexts(1_000_000);

test.each<[title: string, kind: OperationKind, failing: number]>([
  ['queries', 'query', 0],
  ['queries of which some fail', 'query', 2],
  ['references of a router', 'entities', 0],
])('random %s have the general executor’s data and ask for the same batches', async (_title, kind, failing) => {
  let [answered, failed, refused] = [0, 0, 0];
  const property = fc.asyncProperty(
    randomOperation(IDS, cursorOf, kind === 'query' ? 2 : 1, kind),
    async ({ query, variables }) => {
      const document = parse(query);
      const compiled = compileOperation(schema, document, null, texts);
      if (!compiled) {
        // Each condition has a variable of its own.
        expect(query.match(/@(skip|include)\(if: \$/g)?.length).toBeGreaterThan(4);
        refused++;
        return;
      }
      // Who does not exist is null to a query, and an error to a router.
      const missing = kind === 'query' ? 'user_8' : null;
      const [ours, theirs] = [contextOf(failing, missing), contextOf(failing, missing)];
      const ourRun = asText(compiled).run;
      const run = await ourRun(ours.context, variables);
      const { data, errors } = await execute({
        schema,
        document,
        contextValue: theirs.context,
        variableValues: variables,
      });
      expect(run).toBe(errors ? null : JSON.stringify(data));
      if (run) expect(ours.asked).toEqual(theirs.asked);
      // The second time some of it is kept from the first.
      expect(await ourRun(ours.context, variables)).toBe(run);
      // And somebody else gets their own.
      const other = { viewer: { userId: 'user_5' } };
      const otherWay = await execute({
        schema,
        document,
        contextValue: { ...theirs.context, ...other },
        variableValues: variables,
      });
      expect(await ourRun({ ...ours.context, ...other }, variables)).toBe(
        otherWay.errors ? null : JSON.stringify(otherWay.data),
      );
      // A run that gives up, as on a cursor of another viewer's list, asks for less.
      if (run && !otherWay.errors) expect(ours.asked).toEqual(theirs.asked);
      if (run) answered++;
      else failed++;
    },
  );
  await fc.assert(property, { numRuns });
  expect(answered).toBeGreaterThan(numRuns / 8);
  expect(refused).toBeLessThan(numRuns * 0.8);
  if (failing > 0) expect(failed).toBeGreaterThan(0);
});

test('changes are left to the general executor', () => {
  const property = fc.property(randomOperation(IDS, cursorOf, 1, 'mutation'), ({ query }) => {
    expect(compileOperation(schema, parse(query), null)).toBeNull();
  });
  fc.assert(property, { numRuns: 20 });
});
