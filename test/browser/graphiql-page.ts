// GraphiQL as a person meets it: the real process on its own sandbox, opened in a Chromium that reaches nothing else.
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { beforeAll, expect, onTestFinished } from 'vitest';
import { readStarterOperations } from '../../src/server/graphiql.ts';
import { startEmbedded } from '../process/start-process.ts';

export let browser: Browser;
/** A gateway where nothing happens by itself. */
export let calm: { url: string };

/** Starts both for the tests of the file. */
export function startBoth(): void {
  beforeAll(async () => {
    const kills: (() => void)[] = [];
    [browser, calm] = await Promise.all([launchChromium(), startEmbedded({}, [], (kill) => kills.push(kill))]);
    return async () => {
      for (const kill of kills) kill();
      await browser.close();
    };
  });
}

export const OPERATIONS = [
  'FansScreen',
  'ProfileHeader',
  'ViewerScreen',
  'FansWithRelations',
  'FollowUsers',
  'FollowEvents',
];
export const STARTERS = OPERATIONS.map((name) => {
  const text = readStarterOperations().find((text) => text.includes(` ${name}(`));
  return { name, kind: /^(query|mutation|subscription) /m.exec(text ?? '')?.[1] ?? '' };
});

async function launchChromium(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    const remedy = 'install one ("apt-get install chromium" on Debian) or set CHROMIUM_PATH';
    throw new Error(`There is no Chromium at ${executablePath}: ${remedy}.`);
  }
  const switches = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking'];
  switches.push('disable-component-update', 'disable-sync', 'host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1');
  return chromium.launch({ executablePath, args: switches.map((name) => `--${name}`) });
}

/** Opens GraphiQL as somebody does who was never here before. */
export async function openGraphiql({ url } = calm) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  onTestFinished(() => context.close());
  // Requests to anywhere but the gateway, which are blocked; the sandbox's avatars are not.
  const foreign: string[] = [];
  // What the page writes to its console as an error or a warning, and what it throws.
  const complaints: string[] = [];
  const { host } = new URL(url);
  await context.route(
    ({ host: to, protocol, pathname }) =>
      to !== host && !['data:', 'blob:'].includes(protocol) && !pathname.startsWith('/sandbox/avatars/'),
    (route) => {
      foreign.push(route.request().url());
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${url}/graphql`);
  await page.locator('.graphiql-execute-button').waitFor();
  await line(page, QUERY, 'query FansScreen').waitFor();
  return { page, foreign, complaints };
}

/** Opens GraphiQL on made-up people; in the end it must have asked nobody else for anything and complained of nothing. */
export async function open(gateway = calm): Promise<Page> {
  const { page, foreign, complaints } = await openGraphiql(gateway);
  onTestFinished(() => expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] }));
  return page;
}

export const tabNames = (page: Page) => page.locator('.graphiql-tab-button').allTextContents();
export const activeTab = (page: Page) => page.locator('.graphiql-tab-active .graphiql-tab-button').textContent();
export const line = (page: Page, panel: string, text: string) =>
  page.locator(`${panel} .view-line`, { hasText: text }).first();

export const QUERY = '.graphiql-query-editor';
/** Where the Headers tab is open. */
const HEADERS = '.graphiql-editor-tool:not(.hidden)';
export const RESULT = '.result-window';

/** Clicks a tab; GraphiQL is done with it when it has put the query into the address. */
export async function turnTo(page: Page, name: string) {
  await page.locator(`.graphiql-tab-button[title="${name}"]`).click();
  const kind = STARTERS.find((starter) => starter.name === name)?.kind;
  await line(page, QUERY, `${kind} ${name}`).waitFor();
  if (name !== OPERATIONS[0]) await page.waitForURL((url) => url.search.includes(name));
}

/** Runs the operation of the tab that is open, by Ctrl-Enter. */
export async function run(page: Page) {
  await page.locator(QUERY).click();
  await page.keyboard.press('Control+Enter');
}

/** What running the tab that is open answers. */
export async function answerOf(page: Page, name: string): Promise<{ data: Record<string, unknown> }> {
  const answered = page.waitForResponse((response) => response.request().postData()?.includes(` ${name}`) ?? false);
  await run(page);
  return (await answered).json();
}

export const viewerOf = async (page: Page) => (await answerOf(page, 'ViewerScreen')).data.viewer;

/** Comes back by the address alone. */
export async function visitAgain(page: Page) {
  const { origin, pathname } = new URL(page.url());
  await page.goto(origin + pathname);
  await line(page, QUERY, 'query FansScreen').waitFor();
}

/** Replaces what the Headers tab holds. */
export async function writeHeaders(page: Page, text: string) {
  await page.getByRole('button', { name: 'Headers' }).click();
  await line(page, HEADERS, 'x-viewer-id').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}
