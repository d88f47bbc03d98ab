// What can be asked from a browser: in GraphiQL, and from a page of another origin.
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { startEmbedded } from '../process/start-process.ts';
import { listenOnLoopback } from '../support/loopback.ts';
import { answerOf, browser, calm, line, open, RESULT, run, STARTERS, startBoth, turnTo } from './graphiql-page.ts';

startBoth();

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
