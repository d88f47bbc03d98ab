// The audits of the GraphQL-over-HTTP specification, as graphql-http ships them.
import { serverAudits } from 'graphql-http';
import { expect, test } from 'vitest';
import { openGateway } from '../support/gateway.ts';
import { bugs } from './requests.ts';

/** How many audits of each level there are; a new version of the suite may bring more. */
const AUDITS = { MUST: 13, SHOULD: 23, MAY: 25 };

test('every audit of the specification holds, MUST, SHOULD and MAY', async () => {
  const gateway = await openGateway({ sandbox: { people: 3 } });
  const counts = { MUST: 0, SHOULD: 0, MAY: 0 };
  const failed: string[] = [];
  for (const { id, name, fn } of serverAudits({ url: `${gateway.url}/graphql` })) {
    const result = await fn();
    counts[name.split(' ', 1)[0] as keyof typeof counts] += 1;
    if (result.status !== 'ok') failed.push(`${id} ${name}: ${result.reason}`);
  }
  expect(failed).toEqual([]);
  expect(counts).toEqual(AUDITS);
  expect(bugs(gateway)).toEqual([]);
});
