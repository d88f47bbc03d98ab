declare module '@wundergraph/composition' {
  import type { DocumentNode } from 'graphql';

  export function federateSubgraphs(parameters: {
    subgraphs: { name: string; url: string; definitions: DocumentNode }[];
    version: '1';
  }): { success: boolean; errors?: Error[]; federatedGraphAST?: DocumentNode };
}
