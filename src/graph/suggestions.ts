// "People you may know": users whom several of the viewer's follows follow.
import { findSuggestions, type Suggestion, type Suggestions } from '../follow/suggestions.ts';
import { builder } from './builder.ts';
import { checkFirst, checkMaySee, connectionArguments, LIST_SIZE, pricedMembers } from './connection.ts';
import { PER_CALL, price } from './cost.ts';
import { UserType } from './user.ts';

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
