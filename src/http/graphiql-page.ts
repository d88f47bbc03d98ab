// The GraphiQL page, whole from this process: no script, style or font comes from elsewhere.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Kind, parse, valueFromASTUntyped } from 'graphql';
import { addVary } from './security-headers.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

const NAME = 'follow-gateway';
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="30" height="30" fill="none" stroke="#d60590" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"><circle cx="6.5" cy="16" r="5"/><circle cx="25.5" cy="16" r="5" fill="#d60590"/><path d="M14 16h4m-2.5-3 2.5 3-2.5 3"/></svg>`;
/** GraphiQL's drag library places default tabs wrongly: on its first click a tab would jump aside, and the click be lost. */
const STYLE = '.graphiql-tab { transform: none !important; }';
const SCRIPT = '<script>';
/** How many columns the query editor shows on a small screen; it does not wrap. */
const EDITOR_COLUMNS = 44;

/** Who opens GraphiQL where a header alone says who asks: somebody with fans, follows and mutuals. */
const DEVELOPMENT_VIEWER = 'user_00001';

export type GraphiqlOptions = {
  /** The header that names the viewer where nobody checks it: each tab begins with it. */
  viewerHeader?: string | null;
};

/**
 * Serves GraphiQL with `operations` as its tabs. The page takes 9 MB before compression, so it is loaded, rendered and
 * compressed when somebody first opens it, and then kept.
 */
export function createGraphiqlPage(operations: () => readonly string[], options: GraphiqlOptions = {}) {
  let page: Promise<Page> | undefined;

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    page ??= renderPage(operations(), options);
    const { compressed, policy } = await page;
    const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '');
    const body = takesGzip ? compressed : await decompress(compressed);
    addVary(response, 'accept, accept-encoding');
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      ...(takesGzip && { 'content-encoding': 'gzip' }),
      'content-length': body.byteLength,
      'cache-control': 'no-cache',
      'content-security-policy': policy,
    });
    response.end(body);
  };
}

type Page = {
  compressed: Buffer;
  /** What the page may load and run. */
  policy: string;
};

async function renderPage(operations: readonly string[], { viewerHeader }: GraphiqlOptions): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const tabs = operations.map((query) => ({ query: wrapComments(query), variables: defaultVariables(query) }));
  const html = renderGraphiQL({
    title: `<span style="white-space: nowrap">${NAME}</span>`,
    logo: LOGO,
    favicon: `data:image/svg+xml;base64,${Buffer.from(LOGO).toString('base64')}`,
    defaultTabs: tabs,
    // What a tab without headers of its own gets, so that they are there again after a reload, which forgets them.
    ...(viewerHeader && { defaultHeaders: JSON.stringify({ [viewerHeader]: DEVELOPMENT_VIEWER }, null, 2) }),
    // Headers may hold somebody's login, which does not belong in the browser's storage.
    shouldPersistHeaders: false,
  })
    .replace(/<title>.*?<\/title>/, `<title>${NAME} · GraphiQL</title>`)
    .replace('</style>', `${STYLE}</style>`)
    .replace(SCRIPT, () => `${SCRIPT}${rememberFirstTab(tabs[0])}`);
  return { compressed: await compress(html, { level: 6 }), policy: policyOf(html) };
}

/**
 * The page runs the one script that it brings, byte for byte, and its editor's workers, which that script makes. The
 * editor also makes styles as it goes. It asks this gateway alone.
 */
function policyOf(html: string): string {
  const script = html.slice(html.indexOf(SCRIPT) + SCRIPT.length, html.lastIndexOf('</script>'));
  return [
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function wrapComments(query: string): string {
  const lines = new RegExp(`(.{1,${EDITOR_COLUMNS}})(?: |$)`, 'g');
  return query.replace(/^# (.+)$/gm, (_, text: string) =>
    Array.from(text.matchAll(lines), ([, line]) => `# ${line}`).join('\n'),
  );
}

/** The defaults of the operation's variables as JSON, ready to be changed. */
function defaultVariables(query: string): string {
  const variables = parse(query).definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [],
  );
  const defaults = variables.map(({ variable, defaultValue }) => [
    variable.name.value,
    defaultValue ? valueFromASTUntyped(defaultValue) : null,
  ]);
  return JSON.stringify(Object.fromEntries(defaults), null, 2);
}

/**
 * GraphiQL takes the last edited query and its variables from its storage, and opens an untitled tab when there are
 * none. A first visit begins as if its first tab had been edited last.
 */
function rememberFirstTab(tab: { query: string; variables: string } | undefined): string {
  if (!tab) return '';
  return `
        if (!localStorage.getItem('graphiql:tabState')) {
          localStorage.setItem('graphiql:query', ${JSON.stringify(tab.query)});
          localStorage.setItem('graphiql:variables', ${JSON.stringify(tab.variables)});
        }`;
}
