// A value written for Redis is read back as it was; anything else is read as nothing.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as codec from '../../src/follow/codec.ts';

const text = fc.string({ unit: 'grapheme' });
const number = fc.integer({ min: 0 });
const each = <V>(names: string, value: V) => Object.fromEntries(names.split(' ').map((name) => [name, value]));
const profile = fc.record({
  ...each('nick avatar birthday location selfSignature', fc.option(text)),
  ...each('language level role messageSettings version', fc.option(number)),
  gender: fc.option(fc.constantFrom('UNKNOWN', 'FEMALE', 'MALE')),
  allowType: fc.option(fc.constantFrom('NEED_CONFIRM', 'ALLOW_ANY', 'DENY_ANY')),
  adminForbidType: fc.option(fc.constantFrom('NONE', 'SEND_OUT')),
  customFields: fc.array(fc.record({ key: text, value: text })),
  items: fc.array(fc.record({ tag: text, value: fc.oneof(text, number) })),
});
const members = fc.array(fc.tuple(text, number), { maxLength: 5 });
const page = fc.tuple(members, text, fc.option(number)).map(([members, next, count]) => ({
  ids: members.map(([id]) => id),
  times: members.map(([, time]) => time),
  ...{ next, count },
}));

const KINDS: readonly [string, codec.Codec<never>, fc.Arbitrary<unknown>][] = [
  ['profile', codec.profile as codec.Codec<never>, profile],
  ['page', codec.page as codec.Codec<never>, page],
  ['counts', codec.counts as codec.Codec<never>, fc.record({ fans: number, follows: number, mutuals: number })],
  ['relation', codec.relation as codec.Codec<never>, fc.constantFrom('NONE', 'FAN', 'FOLLOWING', 'MUTUAL')],
];

test.each(['gender', 'allowType', 'adminForbidType'])('a profile whose %s is a later release’s is nothing', (field) => {
  const { encode, decode } = codec.profile as codec.Codec<never>;
  fc.assert(
    fc.property(profile, (value) => {
      expect(decode(encode({ ...value, [field]: 'LATER' } as never))).toBeNull();
    }),
  );
});

type Holder = Record<string, unknown>;

/** Every place in a JSON value that something stands in. */
const placesIn = (holder: unknown): [Holder, string][] =>
  typeof holder !== 'object' || holder === null
    ? []
    : Object.entries(holder).flatMap(([key, value]) => [[holder as Holder, key], ...placesIn(value)]);

test.each(KINDS)('a %s comes back as it was', (_kind, { encode, decode }, values) => {
  // fast-check makes objects without a prototype, JSON makes them with one.
  fc.assert(
    fc.property(values, (value) => {
      expect(decode(encode(value as never))).toEqual(structuredClone(value));
    }),
  );
});

test.each(KINDS)(
  'a %s cut short anywhere, or with any part replaced by what is never written, is nothing',
  (_kind, { encode, decode }, values) => {
    fc.assert(
      fc.property(values, fc.nat(), (value, at) => {
        const written = encode(value as never);
        expect(decode(written.slice(0, at % written.length))).toBeNull();
        const root: Holder = { text: JSON.parse(written) };
        const places = placesIn(root);
        const [holder, key] = places[at % places.length] ?? [root, 'text'];
        holder[key] = {};
        expect(decode(JSON.stringify(root.text))).toBeNull();
      }),
    );
  },
);
