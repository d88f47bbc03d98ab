// Every document and every variable of the set is refused: with a 4xx, a code, and no call to the upstream.
import { expect, test } from 'vitest';
import { openEmptyGateway, post, readRefusal } from '../http/requests.ts';
import { ATTACKS } from './attack-set.ts';

test.each(Object.entries(ATTACKS))('%s', async (_title, [query, variables = '{}']) => {
  const gateway = await openEmptyGateway();
  const body = `{"query":${JSON.stringify(query)},"variables":${variables}}`;
  const headers = { accept: 'application/graphql-response+json' };
  const response = await post(gateway, body, undefined, headers);
  expect(response.status).toBeGreaterThanOrEqual(400);
  const { errors } = await readRefusal(gateway, response);
  // What is told of mistakes is no way to have us write much.
  expect(errors?.length).toBeLessThanOrEqual(11);
});
