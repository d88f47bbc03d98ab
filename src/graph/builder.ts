// The schema's vocabulary. Pothos' defaults hold: a field may be null and an argument left out unless they say otherwise.
import SchemaBuilder from '@pothos/core';
import complexity from '@pothos/plugin-complexity';
import directives from '@pothos/plugin-directives';
import { DirectiveLocation, GraphQLDirective, GraphQLInt, GraphQLList, GraphQLNonNull } from 'graphql';
import type { Context } from '../context.ts';
import { price } from './cost.ts';

export const builder = new SchemaBuilder<{
  Context: Context;
  Scalars: {
    ID: { Input: string; Output: string };
    Date: { Input: string; Output: string };
    DateTime: { Input: number; Output: number | string };
    ProfileValue: { Input: string | number; Output: string | number };
    URL: { Input: string; Output: string };
  };
}>({
  plugins: [complexity, directives],
  directives: { useGraphQLToolsUnorderedDirectives: true },
  // Checked before anything runs, not when the first field does.
  complexity: { disabled: true, fieldComplexity: price(0) },
});

/** `1700000000` becomes `2023-11-14T22:13:20Z`: the upstream's clock has no fractions, so the text has none either. */
export const dateTimeOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

// Scalars are for output: their values are made valid where the upstream's answer is parsed, so none of them can fail.
builder.scalarType('Date', {
  description: 'A calendar date without a time zone, `YYYY-MM-DD`.',
  specifiedByURL: 'https://scalars.graphql.org/chillicream/local-date.html',
  serialize: (date) => date,
});

builder.scalarType('DateTime', {
  description: 'An instant in UTC with a resolution of one second, `YYYY-MM-DDThh:mm:ssZ`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  // Members of lists bring it as text, made once: for a hundred of them it would be a sixth of an answer.
  serialize: (time) => (typeof time === 'number' ? dateTimeOf(time) : time),
});

/** The time of an event, which has it in epoch milliseconds. */
export const timeField = (description: string) => ({
  ...{ type: 'DateTime' as const, nullable: false as const, description },
  resolve: ({ at }: { at: number }) => Math.floor(at / 1000),
});

builder.scalarType('ProfileValue', {
  description: 'The value of a raw profile item: a string or a number, as Tencent Cloud Chat keeps it.',
  serialize: (value) => value,
});

builder.scalarType('URL', {
  description: 'An absolute `http` or `https` URL.',
  specifiedByURL: 'https://url.spec.whatwg.org/',
  serialize: (url) => url,
});

/** As Relay and Apollo's clients know it; clients that do may type such a field as if it were never null. */
export const semanticNonNull = new GraphQLDirective({
  name: 'semanticNonNull',
  description:
    'Null here only together with an error at the same place. `levels` tells of what: 0 is the field, 1 the items of its list.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: { levels: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLInt))), defaultValue: [0] } },
});

/** The directives of a field that is null only with an error, and of a list of which the items are. */
export const NULL_ON_ERROR = { semanticNonNull: {} };
export const ITEMS_NULL_ON_ERROR = { semanticNonNull: { levels: [1] } };
