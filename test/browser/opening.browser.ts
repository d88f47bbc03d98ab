// What a visitor finds who opens GraphiQL, and what the page may not do.
import { expect, test } from 'vitest';
import {
  activeTab,
  line,
  OPERATIONS,
  open,
  openGraphiql,
  QUERY,
  RESULT,
  startBoth,
  tabNames,
  turnTo,
  viewerOf,
  visitAgain,
  writeHeaders,
} from './graphiql-page.ts';

startBoth();

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
