// An issuer of tokens with a JWKS of its own over loopback HTTP, which a test can rotate, stop, or make misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { listenOnLoopback } from './loopback.ts';

export type SigningKey = { alg: string; kid: string | undefined; privateKey: CryptoKey; jwk: JWK };

/** Makes a key; without a `kid` its tokens do not name it. */
export async function makeKey(alg = 'ES256', kid?: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, use: 'sig', ...(kid && { kid }) } };
}

/** Signs claims as they are. */
export const signToken = ({ alg, kid, privateKey }: SigningKey, claims: JWTPayload): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT', ...(kid && { kid }) }).sign(privateKey);

/** Opens an issuer for the running test. */
export async function openIssuer(shown: SigningKey[] = []) {
  let keys = shown;
  let requests = 0;
  const showKeys = (_request: IncomingMessage, response: ServerResponse) => {
    response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  };
  let answer = showKeys;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });

  return {
    url: `http://127.0.0.1:${await listenOnLoopback(server)}/keys`,
    /** How often somebody asked for the keys. */
    requests: () => requests,
    /** From now on these keys are shown. */
    show(...next: SigningKey[]) {
      keys = next;
    },
    /** From now on the answers are these; without one, the keys again. */
    answerWith(next?: typeof showKeys) {
      answer = next ?? showKeys;
    },
    stop() {
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return stopped;
    },
  };
}
