// Frontends that keep asking over kept-alive connections, until no connection is accepted any more.
import { Agent, request } from 'node:http';

type Answer = { status: number; connection: string | undefined; body: string };

/** One POST of a GraphQL query; rejects with the error of the socket. */
export function post(url: string, query: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/graphql`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json' },
    });
    sending.once('error', reject);
    sending.once('response', (response) => {
      let body = '';
      response
        .setEncoding('utf8')
        .on('data', (text: string) => {
          body += text;
        })
        .once('error', reject)
        .once('end', () =>
          resolve({ status: response.statusCode ?? 0, connection: response.headers.connection, body }),
        );
    });
    sending.end(JSON.stringify({ query }));
  });
}

/** A frontend with one connection: asks `queries` in turn, the next as soon as the last is answered. */
export function startClient(url: string, queries: readonly string[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers: Answer[] = [];
  const waiting = new Set<() => void>();

  async function askOn(): Promise<string> {
    for (let turn = 0; ; turn++) {
      try {
        answers.push(await post(url, queries[turn % queries.length] as string, agent));
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? String(error);
      } finally {
        for (const look of waiting) look();
      }
    }
  }

  return {
    answers,
    /** Resolves with the error code that ended it. */
    ended: askOn().finally(() => agent.destroy()),
    /** Resolves when `count` more answers have arrived. */
    answered(count: number): Promise<void> {
      const enough = answers.length + count;
      return new Promise((resolve) => {
        const look = () => {
          if (answers.length < enough) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
    },
  };
}
