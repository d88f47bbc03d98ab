// `check`: one real call, and plain words for what is wrong.
import { expect, test } from 'vitest';
import { armFaults, run, startSandbox } from './start-process.ts';

test('check is content with settings that are right', async () => {
  const { settings } = await startSandbox();
  const { code, stdout, stderr } = await run(['check'], settings);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/settings are right/);
});

test.each<[string, Record<string, string>, RegExp, RegExp]>([
  ['a wrong secret key', { TENCENT_SECRET_KEY: 'f'.repeat(64) }, /secret key does not belong/, /TENCENT_SECRET_KEY/],
  ['a wrong app', { TENCENT_SDK_APP_ID: '1400000001' }, /SDKAppID/, /TENCENT_SDK_APP_ID/],
  ['an account that is no admin', { TENCENT_ADMIN: 'user_00001' }, /not an app admin/, /TENCENT_ADMIN/],
])('check explains %s and ends with 1', async (_title, change, explanation, remedy) => {
  const { settings } = await startSandbox();
  const { code, stdout, stderr } = await run(['check'], { ...settings, ...change });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(explanation);
  expect(stderr).toMatch(remedy);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(stderr).not.toContain({ ...settings, ...change }.TENCENT_SECRET_KEY);
});

test.each([
  ['an app without the follow feature', { featureOff: true }, /no follow feature/, /Follow \/ Fan/],
  ['the host of another region', { wrongRegion: true }, /another data centre/, /TENCENT_REGION/],
])('check explains %s and ends with 1', async (_title, faults, explanation, remedy) => {
  const { settings, url } = await startSandbox();
  await armFaults(url, faults);
  const { code, stderr } = await run(['check'], settings);
  expect(code).toBe(1);
  expect(stderr).toMatch(explanation);
  expect(stderr).toMatch(remedy);
});

test('check explains a host where nothing listens and ends with 1', async () => {
  const sandbox = await startSandbox();
  sandbox.signal('SIGTERM');
  expect(await sandbox.ended).toMatchObject({ code: 0 });
  const { code, stderr } = await run(['check'], sandbox.settings);
  expect(code).toBe(1);
  expect(stderr).toMatch(/cannot be reached/);
  expect(stderr).toMatch(/TENCENT_BASE_URL/);
});

test('check asks for settings that are missing instead of checking a sandbox', async () => {
  const { code, stderr } = await run(['check']);
  expect(code).toBe(78);
  expect(stderr).toMatch(/TENCENT_SECRET_KEY is missing/);
});
