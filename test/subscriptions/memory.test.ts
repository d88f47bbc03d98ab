// What a subscription that lasts for days takes in memory.
import { expect, test } from 'vitest';
import { heldMemory } from '../support/garbage.ts';
import { openGateway } from '../support/gateway.ts';
import { openReadySocket } from './sockets.ts';

const SUBSCRIPTIONS = 60;
const RELATIONS = Array.from({ length: 30 }, (_, n) => `to${n}: relationTo(userId: "p${n}")`).join(' ');

test('the events that a subscription has told leave nothing behind', { timeout: 60_000 }, async () => {
  const gateway = await openGateway({ env: { AUTH: 'development' } });
  const { sandbox } = gateway;
  sandbox.world.importAccount('star');
  for (let n = 0; n < 50; n++) sandbox.world.importAccount(`p${n}`);
  const socket = await openReadySocket(gateway, { headers: { 'x-viewer-id': 'star' } });
  for (let n = 0; n < SUBSCRIPTIONS; n++)
    socket.subscribe(
      String(n),
      `subscription { followEvents(userId: "star") { ... on FanGained { user { ${RELATIONS} } } } }`,
    );
  await gateway.as('star').query('{ viewer { id } }');

  async function tellNewFans(from: number, to: number): Promise<number> {
    for (let n = from; n < to; n++)
      await gateway
        .as(`p${n}`)
        .query('mutation { followUsers(input: { userIds: ["star"] }) { results { __typename } } }');
    await expect.poll(() => socket.messages.length, { timeout: 20_000 }).toBe(1 + SUBSCRIPTIONS * to);
    return heldMemory();
  }
  const before = await tellNewFans(0, 10);
  const after = await tellNewFans(10, 40);
  expect(after - before).toBeLessThan(4_000_000);
});
