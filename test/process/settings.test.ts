// What an operator sees whose settings are wrong: all of it at once, in words, without secrets.
import { expect, test } from 'vitest';
import { run } from './start-process.ts';

const APP = {
  TENCENT_SDK_APP_ID: '1400000000',
  TENCENT_SECRET_KEY: 'a-secret-key-that-is-long-enough',
  TENCENT_REGION: 'singapore',
};

test('every bad setting is named in one message, which ends the process with 78', async () => {
  const { code, stdout, stderr } = await run([], {
    ...APP,
    PORT: '99999',
    TENCENT_SDK_APP_ID: 'one',
    TENCENT_REGION: 'atlantis',
    MAX_PAGE_SIZE: '-1',
    LOG_LEVEL: 'loud',
    TENCENT_APPID: '1',
  });
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toMatch(/^6 settings are wrong:\n/);
  for (const name of ['PORT', 'TENCENT_SDK_APP_ID', 'TENCENT_REGION', 'MAX_PAGE_SIZE', 'LOG_LEVEL', 'TENCENT_APPID'])
    expect(stderr).toMatch(new RegExp(`^  ${name} .+$`, 'm'));
  expect(stderr).toContain('README.md');
  expect(stderr).not.toMatch(/^ +at /m);
});

test('in production nothing set is a mistake, not a sandbox', async () => {
  const { code, stderr } = await run([], { NODE_ENV: 'production' });
  expect(code).toBe(78);
  for (const name of Object.keys(APP)) expect(stderr).toMatch(`${name} is missing`);
});
