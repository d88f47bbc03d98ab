import { describe, expect, it } from 'vitest';
import { createProfileService } from '../../src/tencent/profile-service.ts';
import { fail, ok, type Script, type SeenRequest, startClient } from './scripted-upstream.ts';

async function startService(script: Script, customFields: string[] = []) {
  const rig = await startClient(script);
  const reported: unknown[] = [];
  const report = (message: string, facts: object) => reported.push({ message, ...facts });
  return { ...rig, reported, service: createProfileService(rig.client, { customFields, clock: rig.clock, report }) };
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
const custom = (...keys: string[]) => keys.map((key) => `Tag_Profile_Custom_${key}`);
const portrait = (To_Account: string, more: object = {}) => ({
  To_Account,
  ProfileItem: [{ Tag: 'Tag_Profile_IM_Nick', Value: `nick of ${To_Account}` }],
  ResultCode: 0,
  ResultInfo: '',
  ...more,
});
const portraits = ({ body }: SeenRequest) => ok({ UserProfileItem: body.To_Account.map((id) => portrait(id)) });

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
  (missing: readonly string[], options: { named?: boolean } = {}): Script =>
  (request) => {
    const found = request.body.TagList.find((tag) => missing.includes(tag));
    return found === undefined ? portraits(request) : fail(40009, options.named ? `no such tag: ${found}` : '');
  };

describe('profiles', () => {
  it('are asked for with all standard tags and the custom ones, 100 accounts at a time, each once', async () => {
    const { service, callOptions, requests } = await startService(portraits, ['Team', 'Shirt']);
    const batch = await service.readProfiles([...ids(150), 'u1'], callOptions());
    expect(requests.map(({ body }) => body.To_Account.length).sort()).toEqual([100, 50]);
    const tags = requests[0]?.body.TagList;
    expect(tags).toHaveLength(14);
    expect(tags).toEqual(expect.arrayContaining(['Tag_Profile_IM_MsgSettings', ...custom('Team', 'Shirt')]));
    expect(batch.size).toBe(150);
    expect(batch.get('u149')).toMatchObject({ nick: 'nick of u149', whole: true, version: null });
    expect(service.refusedTags()).toEqual([]);
  });

  it('that failed keep their failure, and those that the answer leaves out have none', async () => {
    const { service, callOptions } = await startService(() =>
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
    const batch = await service.readProfiles(['gone', 'broken', 'fine', 'blank', 'silent', 'absent'], callOptions());
    expect(batch.get('gone')).toMatchObject({ code: 'USER_NOT_FOUND' });
    for (const id of ['broken', 'silent', 'absent']) {
      expect(batch.get(id)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    }
    expect(batch.get('fine')).toMatchObject({ nick: 'nick of fine' });
    expect(batch.get('blank')).toMatchObject({ nick: null, items: [] });
    expect(batch.size).toBe(6);
  });

  it('of a failed chunk fail alone', async () => {
    const { service, callOptions } = await startService((request) =>
      request.body.To_Account.includes('u0') ? fail(40001) : portraits(request),
    );
    const batch = await service.readProfiles(ids(101), callOptions());
    expect(batch.get('u99')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(batch.get('u100')).toMatchObject({ nick: 'nick of u100' });
  });
});

describe('an upstream that refuses a batch for one unknown account', () => {
  it('costs two calls more, however many are unknown', async () => {
    const unknown = ['u3', 'u50', 'u51', 'u99'];
    const { service, callOptions, requests } = await startService(allOrNothing(unknown));
    const batch = await service.readProfiles(ids(100), callOptions());
    for (const id of unknown) expect(batch.get(id)).toMatchObject({ code: 'USER_NOT_FOUND' });
    expect([...batch.values()].filter((outcome) => 'nick' in outcome)).toHaveLength(96);
    expect(requests).toHaveLength(3);
  });

  it('costs two calls when all are unknown, and one when only one is asked for', async () => {
    const { service, callOptions, requests } = await startService(allOrNothing(ids(10)));
    const batch = await service.readProfiles(ids(10), callOptions());
    expect([...batch.values()].every((outcome) => 'code' in outcome && outcome.code === 'USER_NOT_FOUND')).toBe(true);
    expect(requests).toHaveLength(2);
    expect((await service.readProfiles(['u1'], callOptions())).get('u1')).toMatchObject({ code: 'USER_NOT_FOUND' });
    expect(requests).toHaveLength(3);
  });

  it('fails as account_check does where that is of no help', async () => {
    const { service, callOptions, requests } = await startService(allOrNothing(['u7'], 'fails'));
    const batch = await service.readProfiles(ids(10), callOptions());
    for (const outcome of batch.values()) expect(outcome).toMatchObject({ code: 'UPSTREAM_MISCONFIGURED' });
    expect(requests).toHaveLength(2);
  });
});

describe('a configured tag that the app does not have', () => {
  it('costs the others nothing: named in ErrorInfo, it is left out of the next call', async () => {
    const { service, callOptions, requests, reported } = await startService(lacking(custom('Team'), { named: true }), [
      'Team',
      'TeamTwo',
    ]);
    const batch = await service.readProfiles(['a', 'b'], callOptions());
    expect(batch.get('a')).toMatchObject({ nick: 'nick of a' });
    expect(service.refusedTags()).toEqual(custom('Team'));
    expect(requests).toHaveLength(2);
    expect(requests[1]?.body.TagList).toContain('Tag_Profile_Custom_TeamTwo');
    await service.readProfiles(['c'], callOptions());
    expect(requests).toHaveLength(3);
    expect(reported).toMatchObject([{ tags: 'Tag_Profile_Custom_Team' }]);
  });

  it('costs the custom fields for five minutes when nothing names it, and never the rest', async () => {
    const { service, callOptions, requests } = await startService(lacking(custom('C')), ['A', 'C']);
    const batch = await service.readProfiles(ids(150), callOptions());
    expect(batch.get('u149')).toMatchObject({ nick: 'nick of u149' });
    expect(service.refusedTags()).toEqual(expect.arrayContaining(custom('A', 'C')));
    expect(requests).toHaveLength(4);
  });

  it.each([[[]], [['Team']]])('may be a standard one that not every app has, beside %j', async (keys) => {
    const missing = ['Tag_Profile_IM_MsgSettings'];
    const { service, callOptions } = await startService(lacking(missing), keys);
    expect((await service.readProfiles(['a'], callOptions())).get('a')).toMatchObject({ nick: 'nick of a' });
    expect(service.refusedTags()).toEqual([...missing, ...custom(...keys)]);
  });

  it('is asked for again after five minutes, at one call more while it is still missing', async () => {
    const missing = custom('Team');
    const { service, callOptions, requests, clock, reported } = await startService(lacking(missing), ['Team']);
    await service.readProfiles(['a'], callOptions());
    const before = requests.length;
    clock.advance(5 * 60_000);
    await service.readProfiles(['a'], callOptions());
    expect(requests).toHaveLength(before + 2);
    missing.pop();
    clock.advance(5 * 60_000);
    await service.readProfiles(['a'], callOptions());
    expect(service.refusedTags()).toEqual([]);
    expect(requests).toHaveLength(before + 3);
    expect(reported).toHaveLength(2);
  });

  it('that cannot be found ends as a refusal, not in a loop', async () => {
    const { service, callOptions, requests } = await startService(() => fail(40009), ['A']);
    const batch = await service.readProfiles(['a'], callOptions());
    expect(batch.get('a')).toMatchObject({ code: 'UPSTREAM_MISCONFIGURED' });
    expect(requests).toHaveLength(2);
  });
});
