// The gateway's own changes are told by itself and by the upstream's webhook: subscribers hear of each once.
import { expect, test } from 'vitest';
import { subscribe } from '../support/event-stream.ts';
import { FANS, follow, gained, openPeople } from './people.ts';

test.each([
  ['slower than the answer', { webhookDelay: { ms: 60 } }],
  ['faster than the answer', { latency: { ms: 60, commands: ['follow_add' as const] } }],
])('a follow whose webhook is %s is told once', async (_order, fault) => {
  const gateway = await openPeople({ WEBHOOK_TOKEN: 'token of the test', WEBHOOK_PATH: '/hooks' });
  const { sandbox } = gateway;
  sandbox.webhooks.connect({ url: `${gateway.url}/hooks`, token: 'token of the test' });
  const stream = await subscribe(gateway, FANS);
  sandbox.faults.set(fault);
  await follow(gateway, 'anna');
  await sandbox.webhooks.settled();
  expect(sandbox.webhooks.deliveries().map(({ outcome }) => outcome)).toEqual(['answered']);
  // The outcome of the webhook is known when the look that it asks for has been answered.
  await gateway.as('bert').data('{ viewer { relationTo(userId: "star") } }');
  sandbox.faults.reset();
  await follow(gateway, 'bert');
  expect([await stream.answer(), await stream.answer()]).toEqual([gained('anna'), gained('bert')]);
});
