// Whose address a request counts under: what trusted proxies say is believed, what clients say is not.
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createClientAddresses } from '../../src/http/client-address.ts';

/** A request as it arrives from `peer`. */
const from = (peer: string, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress: peer }, headers }) as unknown as IncomingMessage;
const told = (...addresses: string[]) => ({ 'x-forwarded-for': addresses.join(', ') });

test('without proxies whoever has connected is the client, whatever the headers say', () => {
  const { addressOf } = createClientAddresses(0);
  expect(addressOf(from('192.0.2.1', { ...told('198.51.100.7'), forwarded: 'for=198.51.100.7' }))).toBe('192.0.2.1');
});

describe('behind a number of proxies', () => {
  const { addressOf } = createClientAddresses(2);
  test.each([
    ['each proxy has noted who asked it', ['198.51.100.7', '10.0.0.2'], '198.51.100.7'],
    ['what a client makes up stands before that', ['6.6.6.6', '198.51.100.7', '10.0.0.2'], '198.51.100.7'],
    ['a request that took a shorter way is its first proxy’s note', ['10.0.0.2'], '10.0.0.2'],
  ])('%s', (_title, notes, client) => {
    expect(addressOf(from('10.0.0.1', told(...notes)))).toBe(client);
  });
});

describe('behind proxies of known networks', () => {
  const { addressOf } = createClientAddresses(['10.0.0.0/8', '2001:db8::/32', '192.0.2.9']);
  test.each([
    ['a stranger is believed nothing', '203.0.113.5', ['198.51.100.7'], '203.0.113.5'],
    [
      'the first address that is no proxy is the client',
      '10.0.0.1',
      ['6.6.6.6', '198.51.100.7', '10.9.9.9'],
      '198.51.100.7',
    ],
    ['a single address is a network too', '192.0.2.9', ['198.51.100.7'], '198.51.100.7'],
    ['its neighbour is not', '192.0.2.8', ['198.51.100.7'], '192.0.2.8'],
    ['IPv6 is one of them', '2001:db8::1', ['198.51.100.7'], '198.51.100.7'],
    ['an IPv4 address on an IPv6 socket is one', '::ffff:10.0.0.1', ['198.51.100.7'], '198.51.100.7'],
    ['a request between proxies counts under the first', '10.0.0.1', ['10.0.0.3', '10.0.0.2'], '10.0.0.3'],
    ['a client may have an IPv6 address', '10.0.0.1', ['2001:dead::7'], '2001:dead::7'],
    ['ports are no part of an address', '10.0.0.1', ['[2001:dead::7]:443', '10.0.0.2:8080'], '2001:dead::7'],
    ['behind an unknown address nobody is believed', '10.0.0.1', ['198.51.100.7', 'unknown'], '10.0.0.1'],
    ['nor behind nonsense', '10.0.0.1', ['198.51.100.7', '1.2.3', ''], '10.0.0.1'],
  ])('%s', (_title, peer, notes, client) => {
    expect(addressOf(from(peer, told(...notes)))).toBe(client);
  });

  test.each([
    ['for=198.51.100.7', '198.51.100.7'],
    ['For="198.51.100.7:4711";proto=https;by=10.0.0.1', '198.51.100.7'],
    ['proto=http;for="[2001:dead::7]:4711"', '2001:dead::7'],
    ['for=6.6.6.6, for=198.51.100.7, for=10.0.0.2', '198.51.100.7'],
    ['for=_hidden', '10.0.0.1'],
    ['by=198.51.100.7', '10.0.0.1'],
    ['xfor=198.51.100.7', '10.0.0.1'],
  ])('the header "Forwarded: %s" names %s', (forwarded, client) => {
    expect(addressOf(from('10.0.0.1', { forwarded }))).toBe(client);
  });

  test('where both headers are there and differ, one is made up, and neither is believed', () => {
    const both = (forwarded: string) => addressOf(from('10.0.0.1', { ...told('198.51.100.7'), forwarded }));
    expect(both('for=198.51.100.7')).toBe('198.51.100.7');
    expect(both('for=6.6.6.6')).toBe('10.0.0.1');
  });
});

test('notes without end are read in a moment', () => {
  const { addressOf } = createClientAddresses(['0.0.0.0/0']);
  expect(addressOf(from('10.0.0.1', { 'x-forwarded-for': `${'10.0.0.1,'.repeat(1600)}${' '.repeat(8000)}x` }))).toBe(
    '10.0.0.1',
  );
  expect(addressOf(from('10.0.0.1', { forwarded: `${';'.repeat(8000)}${' '.repeat(8000)}for` }))).toBe('10.0.0.1');
});
