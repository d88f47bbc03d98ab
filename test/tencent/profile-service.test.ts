import { describe, expect, it } from 'vitest';
import { createProfileService } from '../../src/tencent/profile-service.ts';
import { fail, ok, type Script, type SeenRequest, startClient } from './scripted-upstream.ts';

async function startService(script: Script, customFields: string[] = []) {
  const rig = await startClient(script);
  const reported: unknown[] = [];
  const report = (message: string, facts: object) => reported.push({ message, ...facts });
  const service = createProfileService(rig.client, { customFields, clock: rig.clock, report });
  const read = (userIds: string[]) => service.readProfiles(userIds, rig.callOptions());
  return { ...rig, reported, refusedTags: service.refusedTags, read };
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
const custom = (...keys: string[]) => keys.map((key) => `Tag_Profile_Custom_${key}`);
const portrait = (To_Account: string) => ({
  To_Account,
  ProfileItem: [{ Tag: 'Tag_Profile_IM_Nick', Value: `nick of ${To_Account}` }],
  ResultCode: 0,
  ResultInfo: '',
});
const portraits = ({ body }: SeenRequest) => ok({ UserProfileItem: body.To_Account.map(portrait) });
const profileOf = (id: string) => expect.objectContaining({ nick: `nick of ${id}` });
const failed = (code: string) => expect.objectContaining({ code });

/** Refuses a whole batch for one unknown account. */
const allOrNothing =
  (unknown: readonly string[], check: 'works' | 'fails' = 'works'): Script =>
  (request) => {
    if (request.command === 'account_check') {
      if (check === 'fails') return fail(70403);
      const ResultItem = request.body.CheckItem.map(({ UserID }) => ({
        UserID,
        ResultCode: 0,
        AccountStatus: unknown.includes(UserID) ? 'NotImported' : 'Imported',
      }));
      return ok({ ResultItem });
    }
    return request.body.To_Account.some((id) => unknown.includes(id)) ? fail(40003) : portraits(request);
  };

/** Refuses every request for a tag that the app does not have. */
const lacking =
  (missing: readonly string[], isNamed = false): Script =>
  (request) => {
    const found = request.body.TagList.find((tag) => missing.includes(tag));
    return found === undefined ? portraits(request) : fail(40009, isNamed ? `no such tag: ${found}` : '');
  };

describe('profiles', () => {
  it('that failed keep their failure, and those that the answer leaves out have none', async () => {
    const { read } = await startService(() =>
      ok({
        UserProfileItem: [
          { To_Account: 'gone', ResultCode: 40003, ResultInfo: 'account not imported' },
          { To_Account: 'broken', ResultCode: 40006, ResultInfo: 'read failed' },
          portrait('fine'),
          { To_Account: 'blank', ResultCode: 0, ResultInfo: '' },
        ],
        Fail_Account: ['gone', 'broken', 'silent', 7],
      }),
    );
    expect(await read(['gone', 'broken', 'fine', 'blank', 'silent', 'absent'])).toEqual(
      new Map([
        ['gone', failed('USER_NOT_FOUND')],
        ['broken', failed('UPSTREAM_UNAVAILABLE')],
        ['fine', profileOf('fine')],
        ['blank', expect.objectContaining({ nick: null, items: [] })],
        ['silent', failed('UPSTREAM_UNAVAILABLE')],
        ['absent', failed('UPSTREAM_UNAVAILABLE')],
      ]),
    );
  });
});

describe('an upstream that refuses a batch for one unknown account', () => {
  it.each([
    ['three calls, however many are unknown', 100, ['u3', 'u50', 'u51', 'u99'], 3],
    ['two when all are unknown', 10, ids(10), 2],
    ['one when only one is asked for', 1, ['u0'], 1],
  ])('costs %s', async (_what, count, unknown, calls) => {
    const { read, requests } = await startService(allOrNothing(unknown));
    const expected = ids(count).map((id) => (unknown.includes(id) ? failed('USER_NOT_FOUND') : profileOf(id)));
    expect([...(await read(ids(count))).values()]).toEqual(expected);
    expect(requests).toHaveLength(calls);
  });

  it('fails as account_check does where that is of no help', async () => {
    const { read, requests } = await startService(allOrNothing(['u7'], 'fails'));
    expect([...(await read(ids(10))).values()]).toEqual(Array(10).fill(failed('UPSTREAM_MISCONFIGURED')));
    expect(requests).toHaveLength(2);
  });
});

describe('a configured tag that the app does not have', () => {
  it('costs the others nothing: named in ErrorInfo, it is left out of the next call', async () => {
    const script = lacking(custom('Team'), true);
    const { read, refusedTags, requests, reported } = await startService(script, ['Team', 'TeamTwo']);
    expect((await read(['a', 'b'])).get('a')).toEqual(profileOf('a'));
    expect(refusedTags()).toEqual(custom('Team'));
    expect(requests).toHaveLength(2);
    expect(requests[1]?.body.TagList).toContain('Tag_Profile_Custom_TeamTwo');
    await read(['c']);
    expect(requests).toHaveLength(3);
    expect(reported).toMatchObject([{ tags: 'Tag_Profile_Custom_Team' }]);
  });

  it('costs the custom fields for five minutes when nothing names it, and never the rest', async () => {
    const { read, refusedTags, requests } = await startService(lacking(custom('C')), ['A', 'C']);
    expect((await read(ids(150))).get('u149')).toEqual(profileOf('u149'));
    expect(refusedTags()).toEqual(expect.arrayContaining(custom('A', 'C')));
    expect(requests).toHaveLength(4);
  });

  it.each([[[]], [['Team']]])('may be a standard one that not every app has, beside %j', async (keys) => {
    const missing = ['Tag_Profile_IM_MsgSettings'];
    const { read, refusedTags } = await startService(lacking(missing), keys);
    expect((await read(['a'])).get('a')).toEqual(profileOf('a'));
    expect(refusedTags()).toEqual([...missing, ...custom(...keys)]);
  });

  it('is asked for again after five minutes, at one call more while it is still missing', async () => {
    const missing = custom('Team');
    const { read, refusedTags, requests, clock, reported } = await startService(lacking(missing), ['Team']);
    await read(['a']);
    const before = requests.length;
    clock.advance(5 * 60_000);
    await read(['a']);
    expect(requests).toHaveLength(before + 2);
    missing.pop();
    clock.advance(5 * 60_000);
    await read(['a']);
    expect(refusedTags()).toEqual([]);
    expect(requests).toHaveLength(before + 3);
    expect(reported).toHaveLength(2);
  });

  it('that cannot be found ends as a refusal, not in a loop', async () => {
    const { read, requests } = await startService(() => fail(40009), ['A']);
    expect((await read(['a'])).get('a')).toEqual(failed('UPSTREAM_MISCONFIGURED'));
    expect(requests).toHaveLength(2);
  });
});
