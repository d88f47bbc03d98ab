// Heads of requests: what is accepted, sent, and said of where a request comes from and of who asks.
import { type Ask, ask, get, type Header, JSON_TYPE, post } from './asks.ts';

const QUERY = '{ user(id: "user_00002") { id nick fans(first: 20) { edges { cursor node { id nick avatar } } } } }';
const WRONG = '{ user(id: "user_00002") { nik } }';
const FAILING = '{ user(id: "user_00002") { id fans(first: 1000) { nodes { id } } } }';
const BODY = JSON.stringify({ query: QUERY });

const ACCEPTS = [
  '',
  '*/*',
  'application/json',
  'APPLICATION/JSON',
  'application/*',
  'application/json; charset=utf-8',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'application/json, application/graphql-response+json',
  'application/graphql-response+json;q=0.1, application/json;q=0.9',
  'application/graphql-response+json; charset=utf-8, */*',
  'application/json;q=0',
  'application/json;q=0, application/graphql-response+json;q=0',
  'application/json;q=0, */*',
  '*/*;q=0.1',
  '*/*;q=0',
  'text/html',
  'text/html,application/xhtml+xml,*/*;q=0.8',
  'text/html, application/json',
  'text/*',
  'text/plain',
  'text/event-stream',
  'text/event-stream, application/json',
  'application/json, text/event-stream',
  'multipart/mixed',
  'multipart/mixed; deferSpec=20220824, application/json',
  'multipart/*',
  'application/xml',
  'image/png, application/pdf',
  'application/jsonx',
  'application/graphql-response+jsonx',
  'xapplication/json',
  'nonsense',
  ',',
  ';',
  'application/json,',
];

const TYPES = [
  'application/json',
  'APPLICATION/Json',
  'application/json;charset=utf-8',
  'application/json ; charset="UTF-8"',
  'application/json; charset=utf8',
  'application/json; charset=latin1',
  'application/json; charset=utf-16',
  'application/json; boundary=x',
  'application/json;',
  'application/json, text/plain',
  'application/jsonp',
  'application/graphql',
  'application/graphql+json',
  'application/graphql-response+json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/plain; application/json',
  '',
];

const ENCODINGS = ['gzip', 'gzip, deflate, br', 'gzip;q=0', 'identity', 'br', '*', '*;q=0', 'gzip;q=0.001', '', 'GZIP'];

const ORIGINS: readonly Header[][] = [
  'https://app.example',
  'https://foreign.example',
  'null',
  '',
  'HTTPS://APP.EXAMPLE',
]
  .map((origin): Header[] => [['origin', origin]])
  .concat(
    ['same-origin', 'same-site', 'cross-site', 'none', 'nonsense'].flatMap((site): Header[][] => [
      [['sec-fetch-site', site]],
      [
        ['sec-fetch-site', site],
        ['origin', 'https://app.example'],
      ],
      [
        ['sec-fetch-site', site],
        ['sec-fetch-dest', 'document'],
      ],
    ]),
  );

const OTHERS: readonly Header[][] = [
  [['x-request-id', 'a-b:c.d_1']],
  [['x-request-id', 'two words']],
  [['x-request-id', '']],
  [['x-request-id', 'x'.repeat(129)]],
  [['x-request-id', 'f47ac10b-58cc-4372-a567-0e02b2c3d479']],
  [
    ['x-request-id', 'one'],
    ['x-request-id', 'two'],
  ],
  [['x-viewer-id', 'user_00001']],
  [['X-VIEWER-ID', 'user_00001']],
  [['x-viewer-id', '']],
  [['x-viewer-id', 'two words']],
  [['x-viewer-id', 'é']],
  [
    ['x-viewer-id', 'user_00001'],
    ['x-viewer-id', 'user_00002'],
  ],
  [['x-viewer-secret', 'nothing']],
  [['authorization', '']],
  [['authorization', 'UserSig']],
  [['authorization', 'UserSig nonsense']],
  [['authorization', 'Bearer nonsense']],
  [['authorization', 'Basic dXNlcjpwYXNz']],
  [
    ['authorization', 'UserSig one'],
    ['authorization', 'UserSig two'],
  ],
  [['x-forwarded-for', '10.0.0.1']],
  [['x-forwarded-for', '10.0.0.1, 10.0.0.2']],
  [['x-forwarded-proto', 'https']],
  [['forwarded', 'for=10.0.0.1;proto=https']],
  [
    ['x-forwarded-for', '10.0.0.1'],
    ['forwarded', 'for=10.0.0.9'],
  ],
  [['last-event-id', 'x']],
  [['if-none-match', '*']],
  [['cache-control', 'no-cache']],
  [['cookie', 'a=b']],
  [['content-encoding', 'gzip']],
  [['content-encoding', 'identity']],
  [['content-encoding', '']],
  [['expect', '100-continue']],
  [['expect', 'something']],
  [['connection', 'close']],
  [['connection', 'keep-alive']],
  [['upgrade', 'h2c']],
  [['te', 'trailers']],
  [['apollographql-client-name', 'web']],
  [['x-apollo-operation-name', 'Other']],
  [['x-long', 'x'.repeat(10_000)]],
];

const METHODS = ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'QUERY', 'PROPFIND'];

/** `origin`, `authorization` and the like on an operation that is answered, on one that is wrong, and on one that fails. */
export function headAsks(): Ask[] {
  const wrongToo = (name: string, headers: readonly Header[]): Ask[] => [
    post(name, { query: QUERY }, headers),
    get(`${name} by GET`, { query: QUERY }, headers),
    post(`${name}, wrong`, { query: WRONG }, headers),
    post(`${name}, failing`, { query: FAILING }, headers),
  ];
  const preflight: Header[] = [
    ['access-control-request-method', 'POST'],
    ['access-control-request-headers', 'content-type'],
  ];
  return [
    ...ACCEPTS.flatMap((accept) => wrongToo(`accept: ${accept}`, [['accept', accept]])),
    ...ORIGINS.flatMap((headers) => [
      ...wrongToo(headers.map((header) => header.join(': ')).join(', '), headers),
      ask(`preflight ${headers.join()}`, 'OPTIONS', '/graphql', [...headers, ...preflight]),
    ]),
    ...ENCODINGS.flatMap((encoding) => wrongToo(`accept-encoding: ${encoding}`, [['accept-encoding', encoding]])),
    ...OTHERS.flatMap((headers) =>
      wrongToo(headers.map((header) => header.join(': ').slice(0, 60)).join(', '), headers),
    ),
    ...TYPES.map((type) => ask(`type ${type}`, 'POST', '/graphql', [['content-type', type]], BODY)),
    ask('no type', 'POST', '/graphql', [], BODY),
    ...METHODS.flatMap((method) => [
      ask(method, method, '/graphql', [JSON_TYPE], BODY),
      ask(`${method} by URL`, method, `/graphql?${new URLSearchParams({ query: QUERY })}`, []),
    ]),
    ...[1, 2, 7].map((chunks) => ask(`in ${chunks} chunks`, 'POST', '/graphql', [JSON_TYPE], BODY, chunks)),
  ];
}
