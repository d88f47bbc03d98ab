import { describe, expect, it } from 'vitest';
import { createTencentClient } from '../../src/tencent/client.ts';
import { diagnose } from '../../src/tencent/diagnose.ts';
import { fail, ok, type Script, SECRET_KEY, startClient } from './scripted-upstream.ts';

const OPTIONS = { adminId: 'administrator', customFields: [], userSearch: false };

async function diagnosisOf(script: Script) {
  const { client, clock } = await startClient(script);
  return diagnose(client, { ...OPTIONS, clock });
}

describe('diagnose', () => {
  it.each([
    [70009, /key/, /TENCENT_SECRET_KEY/],
    [70003, /signature/, /TENCENT_SECRET_KEY/],
    [70001, /expired/, /clock/],
    [70020, /SDKAppID/, /TENCENT_SDK_APP_ID/],
    [60026, /data centre/, /TENCENT_REGION/],
    [60010, /not an app admin/, /TENCENT_ADMIN/],
    [30004, /not an app admin/, /TENCENT_ADMIN/],
    [30003, /does not exist/, /TENCENT_ADMIN/],
    [30005, /no follow feature/, /console/],
    [60020, /plan/, /Renew/],
    [60021, /IP address/, /allowed/],
    [60007, /too often/, /UPSTREAM_RATE/],
    [12345, /12345/, /error code list/],
  ])('explains %i', async (code, explanation, remedy) => {
    const expected = {
      ok: false,
      code,
      explanation: expect.stringMatching(explanation),
      remedy: expect.stringMatching(remedy),
    };
    expect(await diagnosisOf(() => fail(code))).toMatchObject(expected);
  });

  it('explains an answer that comes from something else', async () => {
    const diagnosis = await diagnosisOf(({ response }) => void response.writeHead(404).end('<html>'));
    expect(diagnosis).toMatchObject({ ok: false, code: 'HTTP 404', explanation: expect.stringMatching(/no answer/) });
  });

  it('explains a host whose name cannot be resolved, without the key', async () => {
    const { clock } = await startClient(() => ok());
    const baseUrl = 'https://upstream.invalid';
    const client = createTencentClient({ baseUrl, clock, sdkAppId: 1, adminId: 'a', secretKey: SECRET_KEY });
    const diagnosis = await diagnose(client, { ...OPTIONS, clock });
    expect(diagnosis).toMatchObject({ ok: false, explanation: expect.stringMatching(/name cannot be resolved/) });
    expect(JSON.stringify(diagnosis)).not.toContain(SECRET_KEY);
    await client.close();
  });
});
