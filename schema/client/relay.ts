// What Relay's runtime needs to know of the graph; its compiler gets `relay.json`.
import { type MissingFieldHandler, ROOT_ID } from 'relay-runtime';
import { lookups } from './shape.ts';

/** `missingFieldHandlers` of `Environment`: a user whom another query has brought is shown at once. */
export const missingFieldHandlers: MissingFieldHandler[] = [
  {
    kind: 'linked',
    handle: ({ name }, parent, { id }) => (parent?.getDataID() === ROOT_ID && name in lookups ? id : undefined),
  },
];
