// What all connections have in common: their arguments, and where a page stands in its list.
import type { ArgBuilder } from '@pothos/core';
import type { Context, GraphSettings } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { FollowList, UserId } from '../follow/model.ts';
import { builder } from './builder.ts';

export type ConnectionArguments = { first?: number | null; after?: string | null; last?: number | null };

export const DEFAULT_PAGE_SIZE = 20;

export const connectionArguments = (t: ArgBuilder<typeof builder.$inferSchemaTypes>) => ({
  first: t.int({
    defaultValue: DEFAULT_PAGE_SIZE,
    description: "How many members to return: from 0 to the deployment's maximum, 100 by default.",
  }),
  after: t.string({ description: 'The cursor of the edge to go on after.' }),
});

/** What a router takes a page for: `first`, which has a default, so that no composer takes an assumed size beside it. */
export const LIST_SIZE = {
  slicingArguments: ['first'],
  sizedFields: ['edges', 'nodes'],
  requireOneSlicingArgument: false,
};

/** How many members are wanted, when that is no more than the deployment allows. */
export function checkFirst(wanted: number | null | undefined, { maxPageSize }: GraphSettings, name = 'first'): number {
  const members = wanted ?? DEFAULT_PAGE_SIZE;
  if (members >= 0 && members <= maxPageSize) return members;
  throw new GatewayError('BAD_USER_INPUT', `"${name}" must be between 0 and ${maxPageSize}, not ${members}.`);
}

/** How many members a connection is priced for: none where `checkFirst` refuses it. */
export function pricedMembers({ first, last }: ConnectionArguments, { maxPageSize }: GraphSettings): number {
  const members = last ?? first ?? DEFAULT_PAGE_SIZE;
  return members <= maxPageSize ? members : 0;
}

/** Why a viewer may not see a list, in words that a frontend's developer can act on. */
export function denied(viewer: Context['viewer'], owner: UserId, list: FollowList): GatewayError {
  const remedy = viewer ? '' : ' Logging in may help.';
  return new GatewayError('FORBIDDEN', `You may not see the ${list} of "${owner}".${remedy}`);
}

export type PageInfo = {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
};

export const pageInfoOf = (
  edges: readonly { cursor: string }[],
  hasNextPage: boolean,
  hasPreviousPage: boolean,
): PageInfo => ({
  hasNextPage,
  hasPreviousPage,
  startCursor: edges[0]?.cursor ?? null,
  endCursor: edges.at(-1)?.cursor ?? null,
});

export const PageInfoType = builder.objectRef<PageInfo>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  directives: { shareable: {} },
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      nullable: false,
      description:
        'Whether more members follow. Never false while some remain; when it is true, the last page can turn out empty.',
      complexity: 0,
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      nullable: false,
      description:
        'Whether members come before this page. Where the list is not read whole: whether it was asked for with `after`.',
      complexity: 0,
    }),
    startCursor: t.exposeString('startCursor', {
      description: 'The cursor of the first edge; null when the page is empty.',
      complexity: 0,
    }),
    endCursor: t.exposeString('endCursor', {
      description: 'The cursor of the last edge, to go on with as `after`; null when the page is empty.',
      complexity: 0,
    }),
  }),
});
