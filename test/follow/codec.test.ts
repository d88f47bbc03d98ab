// A value written for Redis is read back as it was; anything else is read as nothing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as codec from '../../src/follow/codec.ts';
import type { Profile } from '../../src/follow/model.ts';

const text = fc.string({ unit: 'grapheme' });
const number = fc.integer({ min: 0 });
const profile: fc.Arbitrary<Profile> = fc.record({
  nick: fc.option(text),
  avatar: fc.option(text),
  gender: fc.option(fc.constantFrom('UNKNOWN', 'FEMALE', 'MALE')),
  birthday: fc.option(text),
  location: fc.option(text),
  selfSignature: fc.option(text),
  language: fc.option(number),
  level: fc.option(number),
  role: fc.option(number),
  allowType: fc.option(fc.constantFrom('NEED_CONFIRM', 'ALLOW_ANY', 'DENY_ANY')),
  adminForbidType: fc.option(fc.constantFrom('NONE', 'SEND_OUT')),
  messageSettings: fc.option(number),
  customFields: fc.array(fc.record({ key: text, value: text })),
  items: fc.array(fc.record({ tag: text, value: fc.oneof(text, number) })),
  version: fc.option(number),
  whole: fc.boolean(),
});
const page: fc.Arbitrary<codec.CachedPage> = fc
  .record({
    members: fc.array(fc.record({ id: text, time: number, profile: fc.option(profile) }), { maxLength: 5 }),
    next: text,
    count: fc.option(number),
    isPartial: fc.boolean(),
  })
  .map(({ members, next, count, isPartial }) => ({
    ids: members.map(({ id }) => id),
    times: members.map(({ time }) => time),
    next,
    count,
    partial: isPartial ? members.map(({ profile }) => profile) : null,
  }));
const counts = fc.record({ fans: number, follows: number, mutuals: number });
const relation = fc.constantFrom('NONE', 'FAN', 'FOLLOWING', 'MUTUAL');

const KINDS: readonly [string, codec.Codec<never>, fc.Arbitrary<unknown>][] = [
  ['profile', codec.profile as codec.Codec<never>, profile],
  ['page', codec.page as codec.Codec<never>, page],
  ['counts', codec.counts as codec.Codec<never>, counts],
  ['relation', codec.relation as codec.Codec<never>, relation],
];

type Holder = Record<string, unknown>;

/** Every place in a JSON value that something stands in. */
const placesIn = (holder: unknown): [Holder, string][] =>
  typeof holder !== 'object' || holder === null
    ? []
    : Object.entries(holder).flatMap(([key, value]) => [[holder as Holder, key], ...placesIn(value)]);

describe.each(KINDS)('a %s', (_kind, { encode, decode }, values) => {
  test('comes back as it was', () => {
    // fast-check makes objects without a prototype, JSON makes them with one.
    fc.assert(
      fc.property(values, (value) => {
        expect(decode(encode(value as never))).toEqual(structuredClone(value));
      }),
    );
  });

  test('cut short anywhere is nothing', () => {
    fc.assert(
      fc.property(values, fc.nat(), (value, at) => {
        const written = encode(value as never);
        expect(decode(written.slice(0, at % written.length))).toBeNull();
      }),
    );
  });

  test('with any part of it replaced by what is never written is nothing', () => {
    fc.assert(
      fc.property(values, fc.nat(), (value, at) => {
        const root: Holder = { text: JSON.parse(encode(value as never)) };
        const places = placesIn(root);
        const [holder, key] = places[at % places.length] ?? [root, 'text'];
        holder[key] = {};
        expect(decode(JSON.stringify(root.text))).toBeNull();
      }),
    );
  });
});
