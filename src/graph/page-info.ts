import { builder } from './builder.ts';

/** Where a connection's page stands in its list (Relay cursor connections, 5.1). */
export type PageInfo = {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
};

export const PageInfoType = builder.objectRef<PageInfo>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      nullable: false,
      description:
        'Whether more members follow. Never false while some remain; when it is true, the last page can turn out empty.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      nullable: false,
      description: 'Whether the page was asked for with `after`. Lists can only be paged forward.',
    }),
    startCursor: t.exposeString('startCursor', {
      description: 'The cursor of the first edge; null when the page is empty.',
    }),
    endCursor: t.exposeString('endCursor', {
      description: 'The cursor of the last edge, to go on with as `after`; null when the page is empty.',
    }),
  }),
});
