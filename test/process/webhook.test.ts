// `webhook`: what to set in the upstream's console, without what must not be shown.
import { expect, test } from 'vitest';
import { run } from './start-process.ts';

const APP = {
  TENCENT_SDK_APP_ID: '1400000000',
  TENCENT_SECRET_KEY: 'a-secret-key-that-is-long-enough',
  TENCENT_REGION: 'singapore',
};
const WEBHOOK_TOKEN = 'swordfish';
const pathIn = (stdout: string) => /^ +(\/\S+)$/m.exec(stdout)?.[1];

test('webhook prints the path to be set in the console, and neither token nor key', async () => {
  const { code, stdout, stderr } = await run(['webhook'], { ...APP, WEBHOOK_TOKEN, WEBHOOK_PATH: '/hooks/follow' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(pathIn(stdout)).toBe('/hooks/follow');
  expect(stdout).toContain('WEBHOOK_TOKEN');
  expect(stdout).not.toContain(WEBHOOK_TOKEN);
  expect(stdout).not.toContain(APP.TENCENT_SECRET_KEY);
});

test('without a path of its own, the path is long, the same each time, and another app’s is another', async () => {
  const [path, again, other] = await Promise.all(
    [APP, APP, { ...APP, TENCENT_SECRET_KEY: 'another-secret-key-as-long' }].map(async (app) =>
      pathIn((await run(['webhook'], { ...app, WEBHOOK_TOKEN })).stdout),
    ),
  );
  expect(path?.length).toBeGreaterThan(20);
  expect(again).toBe(path);
  expect(other).not.toBe(path);
});

test('webhook without a token says what to set, and ends with 78', async () => {
  const { code, stdout, stderr } = await run(['webhook'], APP);
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toMatch(/WEBHOOK_TOKEN is not set/);
});
