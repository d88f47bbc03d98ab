// Whose address a request counts under: what trusted proxies say is believed, what clients say is not.
import { expect, test } from 'vitest';
import { openEmptyGateway } from './requests.ts';

const NETWORKS = '127.0.0.0/8, 10.0.0.0/8, 2001:db8::/32';

/** The statuses of two requests, of which one client may make only the first. */
async function askFrom(trustProxy: string, ...addresses: string[]): Promise<number[]> {
  const gateway = await openEmptyGateway({ RATE_LIMIT_PER_MINUTE: '1', TRUST_PROXY: trustProxy });
  const statuses: number[] = [];
  for (const address of addresses)
    statuses.push((await gateway.send('{ __typename }', {}, { 'x-forwarded-for': address })).status);
  return statuses;
}

test.each([
  ['no proxy is trusted', '0', '198.51.100.7', '198.51.100.8'],
  ['the one who connects is no trusted proxy', '10.0.0.0/8', '198.51.100.7', '198.51.100.8'],
  [
    'a client makes up what stands before two proxies’ notes',
    '2',
    '6.6.6.6, 198.51.100.7, 10.0.0.2',
    '198.51.100.7, 10.0.0.2',
  ],
  [
    'a client makes up what stands before the last address that is no proxy',
    NETWORKS,
    '6.6.6.6, 198.51.100.7',
    '198.51.100.7, 10.9.9.9',
  ],
  ['a proxy has an IPv6 address', NETWORKS, '198.51.100.7, 2001:db8::1', '198.51.100.7'],
  ['an IPv4 address is written as IPv6', NETWORKS, '::ffff:198.51.100.7', '198.51.100.7'],
  ['a proxy notes ports', NETWORKS, '198.51.100.7:4711', '198.51.100.7:4712'],
  ['a proxy notes ports of IPv6 addresses', NETWORKS, '[2001:dead::7]:4711', '2001:dead::8'],
])('when %s, the client is the same', async (_title, trustProxy, ...addresses) => {
  expect(await askFrom(trustProxy, ...addresses)).toEqual([200, 429]);
});

test.each([
  ['a number of proxies', '2', '198.51.100.7, 10.0.0.2', '198.51.100.8, 10.0.0.2'],
  ['proxies of known networks', NETWORKS, '198.51.100.7, 10.0.0.2', '198.51.100.8, 10.0.0.2'],
])('behind %s, clients of two addresses are two', async (_title, trustProxy, ...addresses) => {
  expect(await askFrom(trustProxy, ...addresses)).toEqual([200, 200]);
});
