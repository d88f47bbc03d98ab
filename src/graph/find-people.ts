// People to find: by nick or id in all of the app, and "people you may know".
import { GatewayError } from '../errors.ts';
import { PER_CALL } from '../follow/model.ts';
import { findSuggestions, type Suggestion, type Suggestions } from '../follow/suggestions.ts';
import { builder, NULL_ON_ERROR } from './builder.ts';
import {
  checkFirst,
  checkMaySee,
  connectionArguments,
  LIST_SIZE,
  pricedMembers,
  readForward,
  userConnection,
} from './connection.ts';
import { price } from './cost.ts';
import { UserType } from './user.ts';

/** The upstream's page (CONTRACT 12), and the most of one answer: each page is one of the app's two calls a second. */
const PAGE_SIZE = 100;
const MAX_WORDS = 5;
const MAX_LENGTH = 100;
/** A search has a hundredth of the calls that others have, so an operation cannot have many of them. */
const CALLS = 50;

function wordsOf(text: string): string[] {
  const words = text.split(/\s+/).filter(Boolean);
  if (words.length > 0 && words.length <= MAX_WORDS && text.length <= MAX_LENGTH && text.isWellFormed()) return words;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `"text" must have 1 to ${MAX_WORDS} words, and ${MAX_LENGTH} letters at most, none of them half a character.`,
  );
}

const [UserConnectionType] = userConnection('User', {
  page: 'One page of the users who were found.',
  edge: 'A user who was found.',
  cursor: 'Resumes the same search right after this user when passed as `after`. Opaque.',
});

builder.queryField('searchUsers', (t) =>
  t.field({
    type: UserConnectionType,
    description:
      'The users whose nick has all the words in it, or whose id is one of them, as the upstream finds them: the newest changes may be missing. Two searches a second are for the whole app; each is kept for a minute.',
    args: {
      text: t.arg.string({ required: true, description: 'One to five words.' }),
      ...connectionArguments(t.arg),
    },
    complexity: price(CALLS, pricedMembers),
    directives: { ...NULL_ON_ERROR, cost: { weight: CALLS }, listSize: LIST_SIZE },
    async resolve(_root, { text, ...args }, { settings, load }) {
      if (!settings.userSearch)
        throw new GatewayError(
          'FEATURE_NOT_ENABLED',
          'This deployment offers no search for users: USER_SEARCH is off.',
        );
      const words = wordsOf(text);
      const scope = { userId: '', list: `search:${words.join(' ')}` } as const;
      const pageSettings = { ...settings, maxPageSize: Math.min(PAGE_SIZE, settings.maxPageSize) };
      return readForward(args, scope, pageSettings, (start) => load.search(words, start));
    },
  }),
);

const SuggestionType = builder.objectRef<Suggestion>('Suggestion').implement({
  description: 'Somebody whom the viewer may want to follow.',
  fields: (t) => ({
    user: t.expose('user', { type: UserType, nullable: false, description: 'The user.' }),
    via: t.expose('via', {
      type: [UserType],
      nullable: false,
      description: "Those of the viewer's follows who follow this user, at least two, as far as was looked.",
      complexity: price(0, (_args, { suggestionsMaxCalls }) => suggestionsMaxCalls),
    }),
  }),
});

const SuggestionsType = builder.objectRef<Suggestions>('Suggestions').implement({
  description: 'People whom the viewer may want to follow.',
  fields: (t) => ({
    nodes: t.expose('nodes', {
      type: [SuggestionType],
      nullable: false,
      description: "Those whom most of the viewer's follows follow come first.",
    }),
    isComplete: t.exposeBoolean('isComplete', {
      nullable: false,
      description:
        "Whether all of the viewer's follows, and all whom they follow, were looked at: false for many viewers.",
    }),
  }),
});

builder.queryField('suggestions', (t) =>
  t.field({
    type: SuggestionsType,
    description:
      "People whom at least two of the viewer's follows follow, as far as the viewer may see that; nobody whom the viewer follows or blocks. Null for an anonymous viewer.",
    args: { first: connectionArguments(t.arg).first },
    complexity: price(
      (args, settings) => settings.suggestionsMaxCalls + Math.ceil(pricedMembers(args, settings) / PER_CALL.blocks),
      pricedMembers,
    ),
    directives: { cost: { weight: 10 }, listSize: { ...LIST_SIZE, sizedFields: ['nodes'] } },
    async resolve(_root, args, context) {
      const { viewer, settings, load, maySee } = context;
      const first = checkFirst(args.first, settings);
      if (!viewer) return null;
      checkMaySee(context, viewer.userId, 'follows');
      const sources = { ...load, maySeeFollows: (userId: string) => maySee(userId, 'follows') };
      const { suggestionsMaxCalls: maxPages, chunkSize: pageSize } = settings;
      return findSuggestions(viewer.userId, sources, { first, maxPages, pageSize });
    },
  }),
);
