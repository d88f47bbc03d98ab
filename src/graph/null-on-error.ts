// What the schema says of fields that are nullable so that a failure does not erase more than the field.
import { DirectiveLocation, GraphQLDirective, GraphQLInt, GraphQLList, GraphQLNonNull } from 'graphql';

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
