// What changed in the contract since its last release, for the change log, and to refuse a break that is not declared.
import {
  buildSchema,
  findBreakingChanges,
  findDangerousChanges,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  print,
} from 'graphql';

/** Sentences by what they mean to clients; a dangerous change breaks those that do not expect it, such as a new enum value. */
export type Changes = Record<'Breaking' | 'Dangerous' | 'Safe', string[]>;

/** Directives without which a type no longer fits a supergraph. */
export const KEPT_DIRECTIVES = ['key', 'shareable'];

/** The changes from one SDL, which may have directives of routers that it does not define, to another. */
export function compareSdls(released: string, current: string): Changes {
  const before = buildSchema(released, { assumeValidSDL: true });
  const now = buildSchema(current, { assumeValidSDL: true });
  const sentencesOf = (changes: { description: string }[]) => changes.map(({ description }) => description);
  const Breaking = [...sentencesOf(findBreakingChanges(before, now)), ...lostDirectives(before, now)];
  const Safe = safeChanges(before, now).filter((sentence) => !Breaking.includes(sentence));
  return {
    Breaking: Breaking.sort(),
    Dangerous: sentencesOf(findDangerousChanges(before, now)).sort(),
    Safe: Safe.sort(),
  };
}

/** Deprecated members whose reason does not say from which day on they may be gone. */
export function undatedDeprecations(schema: GraphQLSchema): string[] {
  return [...membersOf(schema)]
    .filter(([, { deprecationReason }]) => deprecationReason && !/\b20\d\d-\d\d-\d\d\b/.test(deprecationReason))
    .map(([name]) => name);
}

/** The change log with these as what is not released yet. */
export function withUnreleased(changelog: string, changes: Changes): string {
  const parts = Object.entries(changes).filter(([, sentences]) => sentences.length > 0);
  const text = parts.map(([kind, sentences]) => `### ${kind}\n\n${sentences.map((it) => `- ${it}\n`).join('')}\n`);
  return changelog.replace(/(?<=^## Unreleased\n\n)[\s\S]*?(?=^## |$(?![\s\S]))/m, () => text.join(''));
}

/** The change log once that is released. */
export const withRelease = (changelog: string, version: string, day: string): string =>
  changelog.replace('## Unreleased\n', `## Unreleased\n\n## ${version} – ${day}\n`);

/** graphql's own comparison takes no notice of directives. */
function lostDirectives(before: GraphQLSchema, now: GraphQLSchema): string[] {
  const directivesOf = (schema: GraphQLSchema) =>
    Object.values(schema.getTypeMap()).flatMap(({ name, astNode }) =>
      (astNode?.directives ?? [])
        .filter((directive) => KEPT_DIRECTIVES.includes(directive.name.value))
        .map((directive) => `${print(directive)} was removed from ${name}.`),
    );
  return directivesOf(before).filter((directive) => !directivesOf(now).includes(directive));
}

function safeChanges(before: GraphQLSchema, now: GraphQLSchema): string[] {
  const known = membersOf(before);
  return [...membersOf(now)].flatMap(([name, { owner, type, deprecationReason: reason, isOutput }]) => {
    const old = known.get(name);
    // Input that is added concerns clients that send it: graphql's own comparison tells of it.
    if (!old) return owner === null || (isOutput && known.has(owner)) ? [`${name} was added.`] : [];
    const changes = type === old.type ? [] : [`${name} changed type from ${old.type} to ${type}.`];
    if (reason && reason !== old.deprecationReason) changes.push(`${name} is deprecated: ${reason}`);
    if (!reason && old.deprecationReason) changes.push(`${name} is no longer deprecated.`);
    return changes;
  });
}

type Member = { owner: string | null; type?: string; deprecationReason?: string | null; isOutput: boolean };

/** Types, fields, arguments and enum values, by name. */
function membersOf(schema: GraphQLSchema): Map<string, Member> {
  const members = new Map<string, Member>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    members.set(type.name, { owner: null, isOutput: false });
    const fields = isEnumType(type) ? type.getValues() : 'getFields' in type ? Object.values(type.getFields()) : [];
    const isOutput = !isEnumType(type) && !isInputObjectType(type);
    for (const field of fields) {
      const { deprecationReason } = field;
      const name = `${type.name}.${field.name}`;
      const kind = 'type' in field ? String(field.type) : undefined;
      members.set(name, { owner: type.name, type: kind, deprecationReason, isOutput });
      for (const arg of 'args' in field ? field.args : []) {
        const member = {
          owner: name,
          type: String(arg.type),
          deprecationReason: arg.deprecationReason,
          isOutput: false,
        };
        members.set(`${name} arg ${arg.name}`, member);
      }
    }
  }
  return members;
}
