// A Relay frontend in a folder of its own, and Relay's compiler.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import compiler from 'relay-compiler';
import { onTestFinished } from 'vitest';
import { scalarsOf } from '../../schema/codegen/shape.ts';
import { createSchema } from '../../src/graph/schema.ts';
import { LISTS, type List } from './lists.ts';

/** Modules of a frontend by name, with the documents in each. Relay wants a document to begin with its module's name. */
export type Modules = Record<string, readonly string[]>;

export type RelayApp = {
  /** The names of what the compiler has made. */
  artifacts: string[];
  load<T>(artifact: string): T;
};

const PLACES = { src: './src', schema: './schema.graphql', artifactDirectory: './made' };
const SCHEMA = fileURLToPath(new URL('../../schema/schema.graphql', import.meta.url));
const customScalarTypes = scalarsOf(createSchema());

export const moduleOf = (list: List): string => `${list[0]?.toUpperCase()}${list.slice(1)}`;

/** A screen with one of the lists, which is loaded page by page. */
export const listModule = (list: List): Modules => {
  const name = moduleOf(list);
  return {
    [name]: [
      `fragment ${name}_user on User
        @refetchable(queryName: "${name}PageQuery")
        @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
          ${list}(first: $count, after: $cursor) @connection(key: "${name}_${list}") {
            edges { node { id nick viewerIsFollowing } }
          }
        }`,
      `query ${name}Query($userId: ID!) { user(id: $userId) { ...${name}_user } }`,
    ],
  };
};

/** What follows and unfollows. */
const BUTTON: Modules = {
  FollowButton: ['followUsers', 'unfollowUsers'].map(
    (field) => `mutation FollowButton_${field}_Mutation($input: ${field[0]?.toUpperCase()}${field.slice(1)}Input!) {
      ${field}(input: $input) {
        results {
          __typename
          ... on FollowChanged { user { id viewerIsFollowing } }
          ... on FollowUnchanged { user { id viewerIsFollowing } }
          ... on FollowFailure { userId reason message }
        }
        viewer { id followsCount }
      }
    }`,
  ),
};

/** What hears of new fans and puts them on top of a list, and of new profiles. */
const EVENTS: Modules = {
  Events: [
    `subscription EventsFansSubscription($userId: ID!, $after: String, $connections: [ID!]!) {
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
    `subscription EventsProfilesSubscription($userIds: [ID!]!) {
      profileChanged(userIds: $userIds) { __typename ... on ProfileChanged { user { id nick } } }
    }`,
  ],
};

/** What shows one user, and minds which of its fields failed. */
const HEADER: Modules = {
  Header: ['query HeaderQuery($userId: ID!) { user(id: $userId) { id nick @catch viewerIsFollowing @catch } }'],
};

/** A list that is searched, sorted, and loaded in both directions. */
const SEARCH: Modules = {
  Search: [
    `fragment Search_user on User
      @refetchable(queryName: "SearchPageQuery")
      @argumentDefinitions(
        matching: { type: "String" }, orderBy: { type: "FollowOrder" },
        first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }
      ) {
        follows(matching: $matching, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before)
          @connection(key: "Search_follows") {
          edges { node { id nick } }
        }
      }`,
    `query SearchQuery($userId: ID!, $matching: String, $orderBy: FollowOrder, $first: Int, $last: Int) {
      user(id: $userId) { ...Search_user @arguments(matching: $matching, orderBy: $orderBy, first: $first, last: $last) }
    }`,
  ],
};

/** A whole frontend. */
export const FRONTEND: Modules = Object.assign({}, ...LISTS.map(listModule), BUTTON, EVENTS, HEADER, SEARCH);

/** Compiles a frontend against the schema; rejects with what the compiler complains of. */
export async function compile(
  modules: Modules,
  language: 'javascript' | 'typescript' = 'javascript',
): Promise<RelayApp> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-app-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const made = join(folder, 'made');
  await Promise.all([mkdir(join(folder, 'src')), mkdir(made), copyFile(SCHEMA, join(folder, 'schema.graphql'))]);
  for (const [name, documents] of Object.entries(modules)) {
    const tags = documents.map((document) => `graphql\`${document}\`;`);
    const path = join(folder, 'src', `${name}.${language === 'typescript' ? 'ts' : 'js'}`);
    await writeFile(path, `import { graphql } from 'relay-runtime';\n${tags.join('\n')}\n`);
  }
  // This process reads what is made with `require`.
  const settings = { customScalarTypes, language, ...PLACES, eagerEsModules: false };
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(settings));
  await promisify(execFile)(compiler, ['relay.config.json'], { cwd: folder });
  const load = createRequire(join(made, 'app.cjs'));
  return {
    artifacts: (await readdir(made)).map((name) => name.replace(/\.graphql\.[jt]s$/, '')),
    load: (artifact) => load(`./${artifact}.graphql.js`),
  };
}
