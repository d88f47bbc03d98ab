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

test.each([
  ['TENCENT_SECRET_KEY', 'hunter2'],
  ['VIEWER_HEADER_SECRET', 'swordfish'],
])('a value of %s that is too short is not printed', async (name, secret) => {
  const { code, stdout, stderr } = await run([], { ...APP, [name]: secret });
  expect(code).toBe(78);
  expect(stderr).toContain(name);
  expect(stdout + stderr).not.toContain(secret);
});

test('credentials in a base URL are not printed', async () => {
  const { TENCENT_REGION: _, ...app } = APP;
  const { code, stdout, stderr } = await run([], { ...app, TENCENT_BASE_URL: 'https://me:swordfish@host.example' });
  expect(code).toBe(78);
  expect(stderr).toMatch(/TENCENT_BASE_URL must be a URL without credentials/);
  expect(stdout + stderr).not.toContain('swordfish');
});

test.each(Object.keys(APP))('with %s alone set, the others are asked for, and no sandbox steps in', async (name) => {
  const { code, stdout, stderr } = await run([], { [name]: APP[name as keyof typeof APP] });
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  for (const other of Object.keys(APP).filter((key) => key !== name)) expect(stderr).toMatch(`${other} is missing`);
  expect(stderr).not.toMatch(`${name} is missing`);
});

test('in production nothing set is a mistake, not a sandbox', async () => {
  const { code, stderr } = await run([], { NODE_ENV: 'production' });
  expect(code).toBe(78);
  for (const name of Object.keys(APP)) expect(stderr).toMatch(`${name} is missing`);
});

test('a bad setting ends the process also when the upstream would be embedded', async () => {
  const { code, stderr } = await run([], { PORT: 'http' });
  expect(code).toBe(78);
  expect(stderr).toMatch(/^1 setting is wrong:\n {2}PORT must be a whole number\n/);
});
