// Who asks, proven in all ways and in none, and documents by the ids that clients of several kinds have for them.
import { readFileSync } from 'node:fs';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { personId } from '../../src/sandbox/seed.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { FORMS, hashOf } from '../documents/asking.ts';
import { makeKey, openIssuer, signToken } from '../support/issuer.ts';
import { type Ask, get, type Header, post } from './asks.ts';
import { OPERATIONS } from './operations-corpus.ts';
import type { Siblings } from './siblings.ts';

const DAY_SECONDS = 86_400;
const TRUSTED_FILE = new URL('../../schema/trusted-documents.json', import.meta.url);

/** An issuer for the running test, and the settings that trust it. */
export async function openLogin() {
  const key = await makeKey('ES256', 'one');
  const { url } = await openIssuer([key]);
  const env = { JWT_JWKS_URL: url, JWT_ISSUER: 'https://login.example', JWT_AUDIENCE: 'app' };
  return {
    env,
    /** Operations that depend on the viewer, with good credentials and with bad ones. */
    async asks({ clock }: Siblings): Promise<Ask[]> {
      const issuedAt = Math.floor(clock.now() / 1000);
      const claims = { iss: env.JWT_ISSUER, aud: env.JWT_AUDIENCE, sub: personId(3), iat: issuedAt };
      const userSig = (change: object = {}) =>
        signUserSig({ ...SANDBOX_APP, userId: personId(1), issuedAt, expireSeconds: DAY_SECONDS, ...change });
      const token = (change: object = {}) => signToken(key, { ...claims, exp: issuedAt + DAY_SECONDS, ...change });
      const stranger = await signToken(await makeKey('ES256', 'one'), { ...claims, exp: issuedAt + DAY_SECONDS });
      const credentials: Header[][] = [
        [],
        ...[userSig(), userSig({ userId: 'UserID_001' }), userSig({ userId: 'two words' })].map(byUserSig),
        ...[userSig({ issuedAt: issuedAt - 2 * DAY_SECONDS }), userSig({ sdkAppId: 1 }), 'nonsense'].map(byUserSig),
        byUserSig(userSig({ secretKey: 'x'.repeat(64) })),
        ...[await token(), await token({ sub: 'hermit' }), await token({ sub: '' }), stranger].map(byToken),
        ...[await token({ exp: issuedAt - 60 }), await token({ aud: 'other' }), await token({ iss: 'x' })].map(byToken),
        [...byToken(await token()), ...byUserSig(userSig())],
        [['authorization', `usersig  ${userSig()}`]],
        [['x-viewer-id', personId(1)]],
      ];
      return credentials.flatMap((headers, at) =>
        OPERATIONS.filter((_, which) => (which + at) % 2 === 0).flatMap(({ name, query }) => [
          post(`${name} with credential ${at}`, { query }, headers),
          get(`${name} by GET with credential ${at}`, { query }, headers),
        ]),
      );
    },
  };
}

const byUserSig = (userSig: string): Header[] => [['authorization', `UserSig ${userSig}`]];
const byToken = (token: string): Header[] => [['authorization', `Bearer ${token}`]];

/** What a router sends that has done the login, and what somebody else does. */
export function routerAsks(secret: string): Ask[] {
  const headers: Header[][] = [
    [
      ['x-viewer-id', personId(1)],
      ['x-viewer-secret', secret],
    ],
    [
      ['x-viewer-id', personId(1)],
      ['x-viewer-secret', `${secret.slice(0, -1)}?`],
    ],
    [['x-viewer-id', personId(1)]],
    [['x-viewer-secret', secret]],
    [],
  ];
  return OPERATIONS.flatMap(({ name, query }) =>
    headers.map((given, at) => post(`${name} by router ${at}`, { query, operationName: name }, given)),
  );
}

/** Documents by id, alone and beside their text, and ids of no document. */
export function idAsks(): Ask[] {
  const trusted = Object.entries(JSON.parse(readFileSync(TRUSTED_FILE, 'utf8')) as Record<string, string>);
  const untrusted = ['query Mine { user(id: "user_00002") { id nick } }', '{ wrong }', '{'];
  const all = [...trusted, ...untrusted.map((text): [string, string] => [hashOf(text), text])];
  return all.flatMap(([id, text], at) => {
    const [form, paramsOf] = FORMS[at % FORMS.length] as (typeof FORMS)[number];
    const name = `${form} of ${text.slice(0, 40)}`;
    const params = paramsOf(id);
    return [
      ...FORMS.map(([by, paramsBy]) => post(`${by} of ${text.slice(0, 40)}`, paramsBy(id))),
      post(`${name} with an empty text`, { query: '', ...params }),
      post(`${name} with its text`, { query: text, ...params }),
      post(`${name} again`, { ...params, variables: { first: 2 } }),
      post(`${name} with another text`, { query: '{ __typename }', ...params }),
      post(`${name} with two ids`, { documentId: id, doc_id: 'other' }),
      post(`${name} in capitals`, paramsOf(id.toUpperCase())),
      post(`${name} with its cost`, { documentId: id, extensions: { cost: true } }),
      post(`${name} as a viewer`, params, [['x-viewer-id', personId(1)]]),
      get(`${name} by GET`, params),
      post(`${name} by its text`, { query: text }),
      post(`${name} by its text, written otherwise`, { query: `${text} ` }),
    ];
  });
}
