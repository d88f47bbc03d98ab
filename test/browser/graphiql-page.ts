// GraphiQL as a person meets it: the real process on its own sandbox, opened in a Chromium that reaches nothing else.
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(
      `There is no Chromium at ${executablePath}: install one ("apt-get install chromium" on Debian) or set CHROMIUM_PATH.`,
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}

export type GraphiqlPage = {
  page: Page;
  /** Requests to anywhere but the gateway, which were blocked; the sandbox's avatars were not. */
  foreign: string[];
  /** What the page wrote to its console as an error or a warning, and what it threw. */
  complaints: string[];
};

/** Opens GraphiQL as somebody does who was never here before. */
export async function openGraphiql(browser: Browser, url: string): Promise<GraphiqlPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  onTestFinished(() => context.close());
  const foreign: string[] = [];
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
  await page.goto(url);
  await page.locator('.graphiql-execute-button').waitFor();
  return { page, foreign, complaints };
}
