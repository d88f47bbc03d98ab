// A Relay frontend in a folder of its own, made by Relay's compiler.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import compiler from 'relay-compiler';
import { scalarsOf } from '../../schema/codegen/shape.ts';
import { createSchema } from '../../src/graph/schema.ts';
import { LISTS, type List } from './lists.ts';

const PLACES = { src: './src', schema: './schema.graphql', artifactDirectory: './made' };
const SCHEMA = fileURLToPath(new URL('../../schema/schema.graphql', import.meta.url));

export const moduleOf = (list: List): string => `${list[0]?.toUpperCase()}${list.slice(1)}`;

/** A screen with one of the lists, which is loaded page by page. */
const listScreen = (list: List) => `
  fragment ${moduleOf(list)}_user on User
    @refetchable(queryName: "${moduleOf(list)}PageQuery")
    @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
      ${list}(first: $count, after: $cursor) @connection(key: "${moduleOf(list)}_${list}") {
        edges { node { id nick viewerIsFollowing } }
      }
    }
  query ${moduleOf(list)}Query($userId: ID!) { user(id: $userId) { ...${moduleOf(list)}_user } }`;

/** What is asked, by module: Relay wants documents to begin with their module's name. */
const MODULES: Record<string, string> = {
  ...Object.fromEntries(LISTS.map((list) => [moduleOf(list), listScreen(list)])),
  // Puts new fans on top of a list.
  Events: `subscription EventsFansSubscription($userId: ID!, $after: String, $connections: [ID!]!) {
    followEvents(userId: $userId, after: $after) {
      __typename
      cursor
      ... on FanGained {
        edge @prependEdge(connections: $connections) { cursor followedAt node { id nick viewerIsFollowing } }
        owner { id fansCount }
      }
      ... on FanLost { user { id @deleteEdge(connections: $connections) } owner { id fansCount } }
    }
  }`,
  // Minds which fields of a user failed.
  Header: 'query HeaderQuery($userId: ID!) { user(id: $userId) { id nick @catch viewerIsFollowing @catch } }',
  // A list that is searched, sorted, and loaded in both directions.
  Search: `
    fragment Search_user on User
      @refetchable(queryName: "SearchPageQuery")
      @argumentDefinitions(
        matching: { type: "String" }, orderBy: { type: "FollowOrder" },
        first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }
      ) {
        follows(matching: $matching, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before)
          @connection(key: "Search_follows") {
          edges { node { id nick } }
        }
      }
    query SearchQuery($userId: ID!, $matching: String, $orderBy: FollowOrder, $first: Int, $last: Int) {
      user(id: $userId) { ...Search_user @arguments(matching: $matching, orderBy: $orderBy, first: $first, last: $last) }
    }`,
};

/** Compiles the frontend against the schema; rejects with what the compiler complains of. */
export async function compileFrontend() {
  const folder = await mkdtemp(join(tmpdir(), 'relay-app-'));
  const made = join(folder, 'made');
  await Promise.all([mkdir(join(folder, 'src')), mkdir(made), copyFile(SCHEMA, join(folder, 'schema.graphql'))]);
  for (const [name, documents] of Object.entries(MODULES))
    await writeFile(join(folder, 'src', `${name}.js`), `graphql\`${documents}\`;`);
  // This process reads what is made with `require`.
  const customScalarTypes = scalarsOf(createSchema());
  const settings = { customScalarTypes, language: 'javascript', ...PLACES, eagerEsModules: false };
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(settings));
  await promisify(execFile)(compiler, ['relay.config.json'], { cwd: folder });
  const load = createRequire(join(made, 'app.cjs'));
  return {
    load: <T>(artifact: string): T => load(`./${artifact}.graphql.js`),
    remove: () => rm(folder, { recursive: true }),
  };
}
