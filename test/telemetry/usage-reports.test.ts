// Usage of the schema as Hive receives it.
import { expect, test } from 'vitest';
import { ask, openClient } from '../subscriptions/sockets.ts';
import { openGateway } from '../support/gateway.ts';
import { startReceiver } from '../support/receiver.ts';

const HIVE_TOKEN = 'a'.repeat(32);

async function openReported(more: Record<string, string> = {}) {
  const hive = await startReceiver();
  const env = { HIVE_TOKEN, HIVE_ENDPOINT: `${hive.url}/usage`, ...more };
  const gateway = await openGateway({ env });
  gateway.sandbox.world.importAccount('star');
  return { ...gateway, hive };
}

test('operations are reported with client, time and outcome, and without literals and variables', async () => {
  const { hive, ...gateway } = await openReported();
  const other = 'other: user(id: "hunter2") { fans(first: 7) { nodes { id } } }';
  const query = `query Screen($id: ID!) { user(id: $id) { nick } ${other} }`;
  const client = { 'graphql-client-name': 'ios', 'graphql-client-version': '2' };
  await (await gateway.send(query, { id: 'hunter2' }, client)).text();
  for (let n = 0; n < 2; n++) await gateway.data('query Star { user(id: "star") { nick } }');
  await ask(openClient(gateway), '{ __typename }');
  await gateway.query('{ nonsense');
  await gateway.instance.close();
  expect(hive.received).toMatchObject([{ headers: { authorization: `Bearer ${HIVE_TOKEN}` } }]);
  expect(JSON.stringify(hive.received)).not.toMatch(/hunter2|: 7/);
  const { size, map, operations } = JSON.parse(hive.received[0]?.body ?? '');
  expect(size).toBe(4);
  type Reported = {
    operationMapKey: string;
    execution: { ok: boolean; duration: number };
    metadata?: { client: object };
  };
  const reported = operations.map(({ operationMapKey, execution, metadata }: Reported) => {
    expect(execution.duration).toBeGreaterThan(0);
    return [map[operationMapKey].operationName, execution.ok, metadata?.client];
  });
  expect(reported).toEqual([
    ['Screen', false, { name: 'ios', version: '2' }],
    ['Star', true, undefined],
    ['Star', true, undefined],
    ['anonymous', true, undefined],
  ]);
  expect(Object.values<{ fields: string[] }>(map)[0]?.fields).toContain('User.fans');
});

test("an organization's token reports to its target", async () => {
  const { hive, ...gateway } = await openReported({ HIVE_TOKEN: `hvo1/${HIVE_TOKEN}`, HIVE_TARGET: 'a/b/c' });
  await gateway.data('{ __typename }');
  await gateway.instance.close();
  expect(hive.received.map(({ path }) => path)).toEqual(['/usage/a/b/c']);
});

test('while Hive does not answer, queries are answered, and at most two reports are kept', async () => {
  const { hive, ...gateway } = await openReported();
  hive.hold();
  for (let n = 0; n < 2500; n += 50)
    await Promise.all(Array.from({ length: 50 }, () => gateway.data('query Q { __typename }')));
  hive.release();
  await gateway.instance.close();
  // One that was given up may have come in part, and comes again.
  const reports = new Set(hive.received.map(({ body }) => body));
  const told = Array.from(reports, (report) => JSON.parse(report).size).reduce((sum, size) => sum + size, 0);
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThan(2400);
});

test('a token that Hive refuses is an error in the log, which does not repeat it', async () => {
  const { hive, ...gateway } = await openReported();
  hive.answerWith(401);
  await gateway.data('{ __typename }');
  await gateway.instance.close();
  const lines = gateway.logLines.filter((line) => line.includes('Hive')).map((line) => JSON.parse(line));
  expect(lines).toMatchObject([{ level: 50, msg: 'Hive takes nothing; it is dropped', failure: 401 }]);
  expect(gateway.logLines.join()).not.toContain(HIVE_TOKEN);
});
