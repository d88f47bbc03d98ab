// The cache of whole answers by itself: what it keeps, for how long it is right, and how much room it takes.
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import type { Profile } from '../../src/follow/model.ts';
import { CALL, HEAD, openCache, pageOf } from './sources.ts';

const BODY = '{"data":{"user":null}}';

type Opened = ReturnType<typeof openCache>;
type Ask = Parameters<NonNullable<Parameters<Opened['keep']>[2]>>[0];

/** Asks one question of each kind that memory can answer again. */
function askEverything(ask: Ask): void {
  ask.isKnownMissing('star');
  ask.maySee('star', 'fans');
  void ask.readPage(HEAD, CALL);
  ask.now.counts('star', CALL);
  ask.now.profile('star', CALL);
}

describe('an answer that was kept', () => {
  test('is found as it was, by one look at each thing that it was made from, and nobody else is asked', () => {
    const { find, keep, asked, upstream } = openCache();
    keep('key', BODY, askEverything);
    expect(find('key')).toBe(BODY);
    expect(asked).toEqual(['isKnownMissing', 'maySee', 'page', 'counts', 'profile']);
    expect(upstream).toEqual([]);
  });

  test('is the same letter by letter, in whichever script', () => {
    const { find, keep } = openCache();
    const body = JSON.stringify({ nick: '签名 é 👩‍👩‍👧 \u0000\u007f\u0080ÿ\ud800' });
    keep('key', body);
    expect(find('key')).toBe(body);
  });

  test('is found by its own key alone', () => {
    const { find, keep } = openCache();
    keep('1 {"a":1}', BODY);
    for (const key of ['1 {"a":2}', '1 {"a":"1"}', '1 ', '11 {"a":1}', '__proto__', 'constructor', ''])
      expect(find(key)).toBeUndefined();
  });

  test('that was made from nothing stays right', () => {
    const { find, keep } = openCache();
    keep('key', BODY);
    expect(find('key')).toBe(BODY);
  });

  test('is right as long as counts are the same numbers, whichever object has them', () => {
    const { find, keep, known } = openCache();
    keep('key', BODY, askEverything);
    known.counts = { fans: 1, follows: 2, mutuals: 0 };
    expect(find('key')).toBe(BODY);
  });

  test.each<[string, (opened: Opened['known']) => void]>([
    ['a page is another one', (known) => (known.page = pageOf('anna'))],
    ['a page is no longer fresh', (known) => (known.page = undefined)],
    ['a count of fans changes', (known) => (known.counts = { fans: 2, follows: 2, mutuals: 0 })],
    ['a count of follows changes', (known) => (known.counts = { fans: 1, follows: 3, mutuals: 0 })],
    ['a count of mutuals changes', (known) => (known.counts = { fans: 1, follows: 2, mutuals: 1 })],
    ['counts are no longer fresh', (known) => (known.counts = undefined)],
    ['a profile is another one', (known) => (known.profile = { nick: 'Star' } as Profile)],
    ['a profile is no longer fresh', (known) => (known.profile = undefined)],
    ['an account is missing', (known) => (known.isMissing = true)],
    ['the rule of who may see it says no', (known) => (known.maySee = false)],
    ['memory says that there is no such account', (known) => (known.failure = new GatewayError('USER_NOT_FOUND', ''))],
    ['the rule of who may see it fails', (known) => (known.failure = new Error('a bug of a deployer'))],
  ])('is forgotten when %s, and does not come back', (_title, change) => {
    const { cache, find, keep, known } = openCache();
    keep('key', BODY, askEverything);
    const before = { ...known };
    change(known);
    expect(find('key')).toBeUndefined();
    expect(cache.bytes().answers).toBe(0);
    Object.assign(known, before);
    expect(find('key')).toBeUndefined();
  });

  test('that says that there is no such account is forgotten when there is one', () => {
    const { find, keep, known } = openCache({ isMissing: true });
    keep('key', BODY, (ask) => ask.isKnownMissing('star'));
    expect(find('key')).toBe(BODY);
    known.isMissing = false;
    expect(find('key')).toBeUndefined();
  });

  test('gives way to a newer one', () => {
    const { find, keep } = openCache();
    keep('key', BODY);
    keep('key', '{}');
    expect(find('key')).toBe('{}');
  });
});

describe('no answer is kept', () => {
  test.each<[string, Partial<Opened['known']>, (ask: Ask) => unknown]>([
    ['a page that had to be waited for', { page: undefined }, (ask) => ask.readPage(HEAD, CALL)],
    ['counts that had to be waited for', {}, (ask) => ask.readCounts(['star'], CALL)],
    ['profiles that had to be waited for', {}, (ask) => ask.readProfiles(['star'], CALL)],
    ['relations that had to be waited for', {}, (ask) => ask.readRelations('anna', ['star'], CALL)],
    ['a relation, which is a viewer’s affair', {}, (ask) => ask.now.relation('anna', 'star', CALL)],
    ['known fans, which are a viewer’s affair', {}, (ask) => ask.findKnownFans('anna', 'star', CALL)],
    ['what profile tags the app lacks', {}, (ask) => ask.refusedTags()],
  ])('that was made from %s', (_title, known, question) => {
    const { cache, find, keep } = openCache(known);
    keep('key', BODY, (ask) => {
      askEverything(ask);
      void Promise.resolve(question(ask)).catch(() => {});
    });
    expect(find('key')).toBeUndefined();
    expect(cache.bytes().answers).toBe(0);
  });

  test('that was made from more than 50 things, since to look at them would take as long as to make it', () => {
    const { find, keep } = openCache();
    const asking = (times: number) => (ask: Ask) => {
      for (let time = 0; time < times; time++) ask.now.profile('star', CALL);
    };
    keep('50', BODY, asking(50));
    keep('51', BODY, asking(51));
    expect([find('50'), find('51')]).toEqual([BODY, undefined]);
  });

  test('that is larger than the whole cache, and what is in there stays', () => {
    const { find, keep } = openCache({ maxBytes: 2000 });
    keep('small', BODY);
    keep('large', 'x'.repeat(2000));
    expect([find('small'), find('large')]).toEqual([BODY, undefined]);
  });
});
