// gql.tada in an app that has the packed contract and the page's code: only its types matter.
import type { ResultOf, VariablesOf } from 'gql.tada';
import { graphql } from './graphql.ts';

const Profile = graphql(`
  query Profile($id: ID!) {
    user(id: $id) { nick birthday gender profileItems { value } fans(first: 1) { totalCount edges { node { id } } } }
  }
`);

export const variables: VariablesOf<typeof Profile> = { id: 'star' };
export const result: ResultOf<typeof Profile> = {
  user: {
    nick: null,
    birthday: '2000-02-29',
    gender: 'FEMALE',
    profileItems: [{ value: 1 }],
    fans: { totalCount: 1, edges: [{ node: { id: 'anna' } }] },
  },
};
// @ts-expect-error
export const number: ResultOf<typeof Profile> = { user: { ...result.user, nick: 1 } };
