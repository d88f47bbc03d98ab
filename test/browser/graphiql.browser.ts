import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { readStarterOperations } from '../../src/starter-operations.ts';
import { type GraphiqlPage, launchChromium, openGraphiql, startProcess } from './graphiql-page.ts';

let gateway: Awaited<ReturnType<typeof startProcess>>;
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
  gateway = await startProcess();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
});

const OPERATIONS = readStarterOperations().map((text) => /^query (\w+)/m.exec(text)?.[1] as string);

/** Opens GraphiQL; in the end it must have asked nobody else for anything and complained about nothing. */
async function open(): Promise<Page> {
  let opened: GraphiqlPage | undefined;
  onTestFinished(() => {
    expect(opened?.foreign).toEqual([]);
    expect(opened?.complaints).toEqual([]);
  });
  opened = await openGraphiql(browser, gateway.url);
  return opened.page;
}

const tabNames = (page: Page) => page.locator('.graphiql-tab-button').allTextContents();
const activeTab = (page: Page) => page.locator('.graphiql-tab-active .graphiql-tab-button').textContent();
const line = (page: Page, panel: string, text: string) =>
  page.locator(`${panel} .view-line`, { hasText: text }).first();

const QUERY = '.graphiql-query-editor';
const VARIABLES = '.graphiql-editor-tool:not(.hidden)';
const RESULT = '.result-window';

/** Clicks a tab; GraphiQL is done with it when it has put the query into the address. */
async function turnTo(page: Page, name: string) {
  await page.locator('.graphiql-tab-button', { hasText: name }).click();
  await line(page, QUERY, `query ${name}`).waitFor();
  if (name !== OPERATIONS[0]) await page.waitForURL((url) => url.search.includes(name));
}

async function capture(page: Page, name: string) {
  const path = join(tmpdir(), `follow-gateway-${name}.png`);
  await page.screenshot({ path });
  console.info(`Screenshot: ${path}`);
}

test('opens on the first starter operation, with a tab for each, its title and its variables', async () => {
  const page = await open();
  await line(page, QUERY, 'query FansScreen').waitFor();
  await line(page, VARIABLES, '"userId": "UserID_001"').waitFor();
  expect(await tabNames(page)).toEqual(OPERATIONS);
  expect(await activeTab(page)).toBe('FansScreen');
  expect(await page.title()).toBe('follow-gateway · GraphiQL');
});

test('the run button shows the names of a user’s fans', async () => {
  const page = await open();
  await line(page, QUERY, 'query FansScreen').waitFor();
  await page.locator('.graphiql-execute-button').click();
  await line(page, RESULT, '"NickNameTest2"').waitFor();
  await line(page, RESULT, '"NickNameTest3"').waitFor();
  await capture(page, 'graphiql');
});

test('every starter operation runs by Ctrl-Enter and finds people', async () => {
  const page = await open();
  for (const name of OPERATIONS) {
    await turnTo(page, name);
    await page.locator(QUERY).click();
    const answered = page.waitForResponse(
      (response) => response.request().postData()?.includes(`query ${name}`) ?? false,
    );
    await page.keyboard.press('Control+Enter');
    const answer = await (await answered).json();
    expect(answer).toEqual({ data: expect.anything() });
    expect(JSON.stringify(answer)).toMatch(/"nick":"[^"]+"/);
    await line(page, RESULT, '"nick"').waitFor();
  }
});

test('a second visit finds the tabs as they were left, without an untitled one', async () => {
  const page = await open();
  await line(page, QUERY, 'query FansScreen').waitFor();
  await page.reload();
  await line(page, QUERY, 'query FansScreen').waitFor();
  expect(await tabNames(page)).toEqual(OPERATIONS);

  await turnTo(page, 'ProfileHeader');
  await page.waitForFunction(`localStorage.getItem('graphiql:variables')?.includes('UserID_002')`);
  await page.goto(gateway.url);
  await line(page, QUERY, 'query ProfileHeader').waitFor();
  expect(await tabNames(page)).toEqual(OPERATIONS);
  expect(await activeTab(page)).toBe('ProfileHeader');
});

test('a header of the headers tab is sent, and not kept by the browser', async () => {
  const page = await open();
  await line(page, QUERY, 'query FansScreen').waitFor();
  await page.getByRole('button', { name: 'Headers' }).click();
  await page.locator(VARIABLES).last().click();
  await page.keyboard.insertText('{ "authorization": "Bearer hunter2" }');
  const request = page.waitForRequest((sent) => sent.postData()?.includes('query FansScreen') ?? false);
  await page.locator('.graphiql-execute-button').click();
  expect((await request).headers().authorization).toBe('Bearer hunter2');
  await line(page, RESULT, '"NickNameTest2"').waitFor();
  expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('hunter2');
});

test('the docs explorer shows the schema, down to what a field means', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const docs = page.locator('.graphiql-doc-explorer');
  await docs.getByText('FollowConnection', { exact: true }).waitFor();
  await capture(page, 'graphiql-docs');
  await docs.getByText('User', { exact: true }).click();
  await docs.getByText('An account of the app.').waitFor();
  await docs.getByText('fans', { exact: true }).click();
  await docs.getByText('The users who follow this user.').waitFor();
});
