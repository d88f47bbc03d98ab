// The GraphiQL page, whole from this process: no script, style or font comes from elsewhere.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { VIEWER_HEADER } from '../auth/authentication.ts';
import type { Config } from '../config.ts';

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="30" height="30" fill="none" stroke="#d60590" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"><circle cx="6.5" cy="16" r="5"/><circle cx="25.5" cy="16" r="5" fill="#d60590"/><path d="M14 16h4m-2.5-3 2.5 3-2.5 3"/></svg>`;
/** GraphiQL's drag library places tabs wrongly: on its first click a tab would jump aside, and the click be lost. */
const STYLE = '<style>.graphiql-tab { transform: none !important; } .graphiql-logo { white-space: nowrap; }</style>';

/** The operations of schema/operations that GraphiQL opens with: as many tabs as a laptop shows side by side. */
const TABS = ['FansScreen', 'ProfileHeader', 'ViewerScreen', 'FansWithRelations', 'FollowUsers', 'FollowEvents'];

/** The viewer of GraphiQL where a header alone names one: a user with fans, follows and mutuals. */
const DEVELOPMENT_VIEWER = 'user_00001';

/** Serves GraphiQL. The page takes 9 MB, so its parts are loaded when it is first opened. */
export function createGraphiql({ auth, sandboxOrigin, trustedDocuments }: Config) {
  const operations = readStarterOperations();
  // In development a header alone names the viewer.
  const viewer = auth.header?.secret === null ? DEVELOPMENT_VIEWER : null;
  const [first = '', ...others] = TABS.flatMap((name) => operations.find((text) => text.includes(` ${name}(`)) ?? []);
  // With a word more it would not be the document that is trusted.
  const hasNote = viewer !== null && trustedDocuments.mode === 'off';
  const note = hasNote ? `# Made-up people; you are ${viewer} (Headers, below).\n# Press Run.\n` : '';
  const tabs = [note + first, ...others];
  const options = {
    title: 'follow-gateway',
    logo: STYLE + LOGO,
    favicon: `data:image/svg+xml;base64,${Buffer.from(LOGO).toString('base64')}`,
    defaultTabs: tabs.map((query) => ({ query })),
    // Else a later visit would begin with a tab that has no name.
    query: tabs[0],
    // Headers for a tab without any, since a reload loses them.
    ...(viewer && { defaultHeaders: JSON.stringify({ [VIEWER_HEADER]: viewer }, null, 2) }),
    // Else the documentation begins with words of GraphiQL's own.
    schemaDescription: true,
    // Headers may hold a login, which does not belong in the browser's storage.
    shouldPersistHeaders: false,
  };

  return async (response: ServerResponse): Promise<void> => {
    const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
    const html = renderGraphiQL(options);
    // By the same URL an operation is answered in JSON.
    response.appendHeader('vary', 'accept');
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy': policyOf(html, sandboxOrigin),
    });
    response.end(html);
  };
}

/**
 * The page runs the one script that it brings, byte for byte, and its editor's workers, which that script makes. The
 * editor also makes styles as it goes. It asks this gateway alone.
 */
function policyOf(html: string, imageOrigin: string | null): string {
  const script = html.slice(html.indexOf('<script>') + '<script>'.length, html.lastIndexOf('</script>'));
  return [
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    `img-src data: ${imageOrigin ?? ''}`,
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const OPERATIONS = new URL('../../schema/operations/', import.meta.url);

/** The texts of `schema/operations/*.graphql`, in the order of their file names. */
export function readStarterOperations(): string[] {
  return readdirSync(OPERATIONS)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => readFileSync(new URL(name, OPERATIONS), 'utf8'));
}

/** The names of the operations in `schema/operations`. */
export function readOperationNames(): string[] {
  const named = /^(?:query|mutation|subscription) (\w+)/gm;
  return readStarterOperations().flatMap((text) => Array.from(text.matchAll(named), ([, name = '']) => name));
}
