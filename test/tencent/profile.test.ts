import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProfile } from '../../src/tencent/profile.ts';

const parse = (...items: unknown[]) => parseProfile(items, 1);
const one = (name: string, Value: unknown) => parse({ Tag: `Tag_Profile_IM_${name}`, Value });

describe('a profile', () => {
  it.each([
    [20000229, '2000-02-29'],
    [19000228, '1900-02-28'],
    [19000229, null],
    [19991301, null],
    [19990431, null],
    [0, null],
    [1999, null],
    ['19990412', null],
    [4294967295, null],
  ])('born on %j has the birthday %j', (value, birthday) => {
    expect(one('BirthDay', value).birthday).toBe(birthday);
  });

  it.each([
    ['http://a.example/x', 'http://a.example/x'],
    ['HTTPS://a.example', 'HTTPS://a.example'],
    ['/images/1.png', null],
    ['//cdn.example/1.png', null],
    ['javascript:alert(1)', null],
    ['data:image/png;base64,AA', null],
    ['https://', null],
    ['https://img.example.com/a\0', null],
    ['https://img.example.com/a b', 'https://img.example.com/a b'],
    ['', null],
    [7, null],
  ])('with the image %j has the avatar %j', (value, avatar) => {
    expect(one('Image', value).avatar).toBe(avatar);
  });

  it('skips what is no item at all', () => {
    expect(parse(null, 'x', [], {}, { Tag: 1, Value: 'x' }, { Tag: 'x' }).items).toEqual([]);
  });

  it('takes the first of two values for one tag', () => {
    const nick = (Value: string) => ({ Tag: 'Tag_Profile_IM_Nick', Value });
    expect(parse(nick('one'), nick('two'))).toMatchObject({ nick: 'one', items: [{}, {}] });
  });

  it('comes of anything that JSON can hold', () => {
    const tag = fc
      .constantFrom('Nick', 'Gender', 'BirthDay', 'Image', 'Level', 'AllowType')
      .map((n) => `Tag_Profile_IM_${n}`);
    const item = fc.record({ Tag: fc.oneof(tag, fc.string()), Value: fc.jsonValue() });
    fc.assert(
      fc.property(fc.array(fc.oneof(item, fc.jsonValue())), (items) => {
        const profile = parse(...items);
        expect(JSON.parse(JSON.stringify(profile))).toEqual(JSON.parse(JSON.stringify(profile)));
        for (const { value } of profile.items) expect(['string', 'number']).toContain(typeof value);
      }),
    );
  });
});
