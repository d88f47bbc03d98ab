// Random operations over the schema: nested lists, aliases, fragments, variables, counts, relations, known fans.
import fc from 'fast-check';

export type RandomOperation = { query: string; variables: Record<string, unknown> };

/** A selection, and what its document needs beside it. */
type Part = { text: string; fragments: string[]; variables: Record<string, [type: string, value: unknown]> };

const NOTHING: Part = { text: '', fragments: [], variables: {} };
const part = (text: string): Part => ({ ...NOTHING, text });

function join(parts: readonly Part[], make: (texts: string[]) => string): Part {
  return {
    text: make(parts.map(({ text }) => text)),
    fragments: parts.flatMap(({ fragments }) => fragments),
    variables: Object.assign({}, ...parts.map(({ variables }) => variables)),
  };
}

/** Not shrunk: small names are soon the same, which makes the document invalid and hides what was found. */
const name = fc.noShrink(fc.noBias(fc.integer({ min: 0, max: 1_000_000_000 }))).map((n) => `n${n}`);

/** A value as it stands in the document, or by a variable. */
const written = (type: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Part> =>
  fc
    .tuple(fc.boolean(), name, value)
    .map(([byVariable, variable, given]) =>
      byVariable
        ? { text: `$${variable}`, fragments: [], variables: { [variable]: [type, given] } }
        : part(JSON.stringify(given)),
    );

export type OperationKind = 'query' | 'mutation' | 'entities';

/** The operations of a kind over users with these ids; lists may be nested `depth` deep. */
export function randomOperation(
  ids: readonly string[],
  cursorOf: (id: string) => string,
  depth: number,
  kind: OperationKind = 'query',
) {
  const id = fc.constantFrom(...ids);
  const leaf = fc.oneof(
    fc
      .constantFrom('id', 'nick', 'avatar', 'fansCount', 'followsCount', 'viewerIsFollowing', 'viewerCanFollow')
      .map(part),
    fc.constantFrom('profileItems { tag }', 'customFields { key }', 'isFollowingViewer', 'mutualsCount').map(part),
    written('ID!', id).map((value) => join([value], ([text]) => `relationTo(userId: ${text})`)),
  );

  /** Fields under an alias of their own each, which may stand behind a fragment or a condition. */
  function selection(field: fc.Arbitrary<Part>, type: string): fc.Arbitrary<Part> {
    const dressed = fc
      .tuple(
        field,
        name,
        fc.constantFrom('plain', 'spread', 'inline', 'include', 'skip'),
        written('Boolean!', fc.boolean()),
      )
      .map(([inner, alias, dress, condition]): Part => {
        const aliased = join([inner], ([text]) => `${alias}: ${text}`);
        if (dress === 'spread')
          return {
            ...aliased,
            text: `...F${alias}`,
            fragments: [...aliased.fragments, `fragment F${alias} on ${type} { ${aliased.text} }`],
          };
        if (dress === 'inline') return join([aliased], ([text]) => `... on ${type} { ${text} }`);
        if (dress === 'plain') return aliased;
        return join([aliased, condition], ([text, when]) => `... @${dress}(if: ${when}) { ${text} }`);
      });
    return fc
      .array(dressed, { minLength: 1, maxLength: 4 })
      .map((parts) => join([...parts, part('__typename')], (texts) => texts.join(' ')));
  }

  function user(levels: number): fc.Arbitrary<Part> {
    if (levels === 0) return selection(leaf, 'User');
    const members = user(levels - 1);
    const shape = fc.oneof(
      members.map((inner) => join([inner], ([text]) => `nodes { ${text} }`)),
      members.map((inner) => join([inner], ([text]) => `edges { cursor node { ${text} } }`)),
      fc.tuple(members, members).map((both) => join(both, ([a, b]) => `nodes { ${a} } edges { node { ${b} } }`)),
      fc.constant(part('pageInfo { hasNextPage }')),
    );
    const list = fc
      .tuple(
        fc.constantFrom('fans', 'follows', 'mutuals'),
        fc.option(written('Int', fc.integer({ min: 0, max: levels > 1 ? 6 : 30 }))),
        fc.option(shape, { freq: 8 }),
        fc.boolean(),
        fc.option(id.map(cursorOf), { freq: 2 }),
      )
      .map(([list, first, members, total, after]) =>
        join([first ?? part(''), members ?? part('')], ([size, inner]) => {
          const given = [size && `first: ${size}`, after && list === 'fans' && `after: "${after}"`].filter(Boolean);
          return `${list}${given.length > 0 ? `(${given.join(', ')})` : ''} { ${inner} ${total || !inner ? 'totalCount' : ''} }`;
        }),
      );
    const known = members.map((inner) => join([inner], ([text]) => `knownFans(first: 3) { count nodes { ${text} } }`));
    return selection(
      fc.oneof({ weight: 4, arbitrary: leaf }, { weight: 4, arbitrary: list }, { weight: 1, arbitrary: known }),
      'User',
    );
  }

  const below = user(depth);
  const root = fc.oneof(
    fc.tuple(written('ID!', id), below).map((both) => join(both, ([one, inner]) => `user(id: ${one}) { ${inner} }`)),
    fc
      .tuple(written('[ID!]!', fc.array(id, { maxLength: 30 })), user(Math.max(0, depth - 1)))
      .map((both) => join(both, ([some, inner]) => `users(ids: ${some}) { ${inner} }`)),
    below.map((inner) => join([inner], ([text]) => `viewer { ${text} }`)),
  );
  const change = fc
    .tuple(
      fc.constantFrom('followUsers', 'unfollowUsers'),
      written('[ID!]!', fc.array(id, { minLength: 1, maxLength: 60, size: 'max' })),
      below,
      below,
      below,
    )
    .map(([field, ...parts]) =>
      join(
        parts,
        ([targets, changed, unchanged, viewer]) =>
          `${field}(input: { userIds: ${targets} }) { results { ... on FollowChanged { user { ${changed} } } ... on FollowUnchanged { user { ${unchanged} } } } viewer { ${viewer} } }`,
      ),
    );
  const reference = id.map((id) => ({ __typename: 'User', id }));
  const entities = fc
    .tuple(name, fc.array(reference, { minLength: 1, maxLength: 120, size: 'max' }), below)
    .map(([variable, references, inner]): Part => {
      const given: Part = { ...NOTHING, variables: { [variable]: ['[_Any!]!', references] } };
      return join([given, inner], ([, text]) => `_entities(representations: $${variable}) { ... on User { ${text} } }`);
    });
  const type = kind === 'mutation' ? 'Mutation' : 'Query';
  const fields = { query: root, mutation: change, entities };
  return selection(fields[kind], type).map(({ text, fragments, variables }): RandomOperation => {
    const declared = Object.entries(variables).map(([variable, [type]]) => `$${variable}: ${type}`);
    const operation = type.toLowerCase();
    const head = declared.length > 0 ? `${operation} (${declared.join(', ')})` : operation;
    return {
      query: `${head} { ${text} } ${fragments.join(' ')}`,
      variables: Object.fromEntries(Object.entries(variables).map(([variable, [, value]]) => [variable, value])),
    };
  });
}
