// GraphiQL as a person meets it: the real process on its own sandbox, opened in a Chromium that reaches nothing else.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { readStarterOperations } from '../../src/server/graphiql.ts';
import { startEmbedded } from '../process/start-process.ts';
import { listenOnLoopback } from '../support/loopback.ts';

let browser: Browser;
/** A gateway where nothing happens by itself, for all tests but one. */
let calm: { url: string };
const kills: (() => void)[] = [];
beforeAll(async () => {
  [browser, calm] = await Promise.all([launchChromium(), startEmbedded({}, [], (kill) => kills.push(kill))]);
});
afterAll(async () => {
  for (const kill of kills) kill();
  await browser?.close();
});

const OPERATIONS = ['FansScreen', 'ProfileHeader', 'ViewerScreen', 'FansWithRelations', 'FollowUsers', 'FollowEvents'];
const STARTERS = OPERATIONS.map((name) => {
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
async function openGraphiql({ url } = calm) {
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
async function open(gateway = calm): Promise<Page> {
  const { page, foreign, complaints } = await openGraphiql(gateway);
  onTestFinished(() => expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] }));
  return page;
}

const tabNames = (page: Page) => page.locator('.graphiql-tab-button').allTextContents();
const activeTab = (page: Page) => page.locator('.graphiql-tab-active .graphiql-tab-button').textContent();
const line = (page: Page, panel: string, text: string) =>
  page.locator(`${panel} .view-line`, { hasText: text }).first();

const QUERY = '.graphiql-query-editor';
/** Where the Headers tab is open. */
const HEADERS = '.graphiql-editor-tool:not(.hidden)';
const RESULT = '.result-window';

/** Clicks a tab; GraphiQL is done with it when it has put the query into the address. */
async function turnTo(page: Page, name: string) {
  await page.locator(`.graphiql-tab-button[title="${name}"]`).click();
  const kind = STARTERS.find((starter) => starter.name === name)?.kind;
  await line(page, QUERY, `${kind} ${name}`).waitFor();
  if (name !== OPERATIONS[0]) await page.waitForURL((url) => url.search.includes(name));
}

/** Runs the operation of the tab that is open, by Ctrl-Enter. */
async function run(page: Page) {
  await page.locator(QUERY).click();
  await page.keyboard.press('Control+Enter');
}

/** What running the tab that is open answers. */
async function answerOf(page: Page, name: string): Promise<{ data: Record<string, unknown> }> {
  const answered = page.waitForResponse((response) => response.request().postData()?.includes(` ${name}`) ?? false);
  await run(page);
  return (await answered).json();
}

const viewerOf = async (page: Page) => (await answerOf(page, 'ViewerScreen')).data.viewer;

/** Comes back by the address alone. */
async function visitAgain(page: Page) {
  const { origin, pathname } = new URL(page.url());
  await page.goto(origin + pathname);
  await line(page, QUERY, 'query FansScreen').waitFor();
}

/** Replaces what the Headers tab holds. */
async function writeHeaders(page: Page, text: string) {
  await page.getByRole('button', { name: 'Headers' }).click();
  await line(page, HEADERS, 'x-viewer-id').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

test('opens on the first starter operation with a word on where this is, with tabs that fit a laptop, and so again; a visitor is one of the made-up people until they say otherwise', async () => {
  const page = await open();
  await page.setViewportSize({ width: 1440, height: 900 });
  await line(page, QUERY, 'query FansScreen').waitFor();
  await line(page, QUERY, '# Made-up people; you are user_00001').waitFor();
  await line(page, QUERY, '# Press Run.').waitFor();
  expect(await tabNames(page)).toEqual(OPERATIONS);
  expect(await activeTab(page)).toBe('FansScreen');
  expect(await page.title()).toBe('follow-gateway');
  const last = await page.locator('.graphiql-tab-button').last().boundingBox();
  expect((last?.x ?? 1440) + (last?.width ?? 0)).toBeLessThan(1440);

  await page.reload();
  await line(page, QUERY, 'query FansScreen').waitFor();
  expect(await tabNames(page)).toEqual(OPERATIONS);
  for (const again of [true, false]) {
    await turnTo(page, 'ViewerScreen');
    expect(await viewerOf(page)).toMatchObject({ id: 'user_00001' });
    if (again) await visitAgain(page);
    expect(await tabNames(page)).toEqual(OPERATIONS);
  }
  await writeHeaders(page, '');
  expect(await viewerOf(page)).toBeNull();
});

test('the avatars of the made-up people are pictures, and the docs explorer shows the schema, down to what a field means', async () => {
  const page = await open();
  const avatars = await page.evaluate(`fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ user(id: "star") { fans(first: 20) { nodes { avatar } } } }' }),
  }).then((response) => response.json()).then(({ data }) => data.user.fans.nodes.flatMap(({ avatar }) => avatar ?? []))`);
  const widthOf = (src: string) =>
    page.evaluate(`new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(image.naturalWidth);
      image.onerror = () => resolve(0);
      image.src = ${JSON.stringify(src)};
    })`);
  expect((avatars as string[]).length).toBeGreaterThan(5);
  for (const avatar of (avatars as string[]).slice(0, 3)) expect(await widthOf(avatar)).toBeGreaterThan(0);

  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const docs = page.locator('.graphiql-doc-explorer');
  await docs.getByText('Who follows whom: fans, follows and mutuals').waitFor();
  await docs.getByText('FollowConnection', { exact: true }).waitFor();
  await docs.getByText('User', { exact: true }).click();
  await docs.getByText('An account of the app.').waitFor();
  await docs.getByText('fans', { exact: true }).click();
  await docs.getByText('The users who follow this user.').waitFor();
});

test('in a lively sandbox every starter query finds people, every mutation changes something, and every subscription shows what happens, by Ctrl-Enter', async () => {
  const page = await open(await startEmbedded({}, ['--lively']));
  for (const { kind, name } of STARTERS) {
    await turnTo(page, name);
    if (kind === 'subscription') {
      await run(page);
      const cursor = line(page, RESULT, '"cursor"');
      await cursor.waitFor();
      const first = await cursor.textContent();
      await expect.poll(() => cursor.textContent(), { timeout: 30_000 }).not.toBe(first);
      expect(await page.locator(RESULT).textContent()).not.toContain('"errors"');
      continue;
    }
    const answer = await answerOf(page, name);
    expect(answer, name).toEqual({ data: expect.anything() });
    const sign = kind === 'query' ? 'nick' : 'viewerIsFollowing';
    expect(JSON.stringify(answer), name).toMatch(new RegExp(`"${sign}":(true|false|"[^"]+")`));
    await line(page, RESULT, '"data"').waitFor();
  }
});

test('the run button sends the headers tab’s headers, which the browser does not keep, and shows a user’s fans', async () => {
  const page = await open();
  await writeHeaders(page, '{ "x-note": "hunter2" }');
  const request = page.waitForRequest((sent) => sent.postData()?.includes('query FansScreen') ?? false);
  await page.locator('.graphiql-execute-button').click();
  expect((await request).headers()['x-note']).toBe('hunter2');
  await line(page, RESULT, '"NickNameTest2"').waitFor();
  await line(page, RESULT, '"NickNameTest3"').waitFor();
  expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('hunter2');
});

test('the page runs no script but its own, evaluates no text, and reaches nobody but the gateway', async () => {
  const { page, complaints } = await openGraphiql();
  await page.evaluate(`
    window.broken = [];
    addEventListener('securitypolicyviolation', (event) => broken.push(event.effectiveDirective));
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.body.append(script);
    // Later, since a debugger that looks into the page from outside may evaluate.
    setTimeout(() => (0, window.eval)('window.evaluated = true'));
    fetch('http://127.0.0.1:9/').catch(() => {});
    new Image().src = 'http://127.0.0.1:9/';
  `);
  await expect
    .poll(async () => [...new Set(await page.evaluate<string[]>('broken'))].sort(), { timeout: 10_000 })
    .toEqual(['connect-src', 'img-src', 'script-src', 'script-src-elem']);
  expect(await page.evaluate('[window.injected, window.evaluated].includes(true)')).toBe(false);
  expect(complaints.length).toBeGreaterThan(0);
});

test('a page of another origin on this machine reads answers and subscribes, as a frontend that is being written does', async () => {
  const frontend = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p>Fans'));
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${await listenOnLoopback(frontend)}`);
  const { origin, host } = new URL(calm.url);
  const answer = await page.evaluate(`fetch('${origin}/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-viewer-id': 'user_00001', traceparent: '00-1-1-00' },
    body: JSON.stringify({ query: '{ viewer { id } }' }),
  }).then((response) => response.json())`);
  expect(answer).toEqual({ data: { viewer: { id: 'user_00001' } } });
  const acknowledged = await page.evaluate(`new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://${host}/graphql', 'graphql-transport-ws');
    socket.onopen = () => socket.send(JSON.stringify({ type: 'connection_init' }));
    socket.onmessage = ({ data }) => resolve(JSON.parse(data));
    socket.onclose = ({ code }) => reject(new Error(code));
  })`);
  expect(acknowledged).toMatchObject({ type: 'connection_ack' });
  await page.close();
});
