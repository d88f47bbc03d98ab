// The gateway whole, over HTTP, against a sandbox of its own: what most tests talk to.
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Authenticate, MaySee } from '../../src/auth/authentication.ts';
import type { Clock } from '../../src/clock.ts';
import { type Config, readConfig } from '../../src/config.ts';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { createGateway } from '../../src/server.ts';
import { expectErrorsAtNulls } from './null-on-error.ts';
import { openSandbox } from './sandbox.ts';

export type TestGatewayOptions = {
  /** Settings beside those that lead to the sandbox. */
  env?: Record<string, string>;
  /** What is configured beside the settings. */
  config?: Partial<Config>;
  clock?: Clock;
  /** Who may see whose lists, in place of the setting. */
  maySee?: MaySee;
  /** A further way to authenticate. */
  authenticate?: Authenticate;
  sandbox?: SandboxOptions;
};

export type Answer = {
  data?: Record<string, unknown> | null;
  errors?: {
    message: string;
    path?: (string | number)[];
    extensions: { code: string; upstream?: Record<string, unknown> };
  }[];
  extensions?: { freshness?: { oldestAgeSeconds: number; reason: string } };
};

export type Replica = Awaited<ReturnType<typeof openReplica>>;
export type TestGateway = Awaited<ReturnType<typeof openGateway>>;

/** Opens a gateway for the running test, before an upstream of the same clock; it is closed when the test ends. */
export async function openGateway({ env = {}, sandbox: sandboxOptions, ...options }: TestGatewayOptions = {}) {
  const { settings, ...sandbox } = await openSandbox({ clock: options.clock, ...sandboxOptions });
  const open = (more: Record<string, string> = {}) => openReplica({ ...settings, ...env, ...more }, options);

  /** Opens another gateway in front of the same sandbox, with settings that differ from the first one's in `more`. */
  return { ...(await open()), sandbox, openReplica: open };
}

async function openReplica(
  env: Record<string, string>,
  { config: configured, ...replaced }: Omit<TestGatewayOptions, 'env' | 'sandbox'>,
) {
  const logLines: string[] = [];
  const log = pino({ level: 'debug', base: undefined }, { write: (line: string) => logLines.push(line) });
  const config: Config = {
    ...readConfig({
      PORT: '0',
      SHUTDOWN_DRAIN_MS: '0',
      // The budget has tests of its own; here it must not pace what a test asks.
      UPSTREAM_RATE: '100000',
      ...env,
    }),
    ...configured,
  };
  const gateway = await createGateway(config, { log, ...replaced });
  const url = await gateway.listen();
  onTestFinished(() => gateway.destroy());

  /** Sends an operation as a frontend does. */
  const send = (query: string, variables: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });

  /** What a frontend asks in a viewer's name, or in nobody's. */
  const asking = (headers: Record<string, string>) => ({
    async query(query: string, variables?: Record<string, unknown>): Promise<Answer> {
      const answer = (await (await send(query, variables, headers)).json()) as Answer;
      expectErrorsAtNulls(query, answer);
      return answer;
    },
    /** What the query answered, which must be free of errors. */
    async data<T>(query: string, variables?: Record<string, unknown>): Promise<T> {
      const { data, errors } = (await (await send(query, variables, headers)).json()) as Answer;
      if (errors) throw new Error(`The query failed: ${JSON.stringify(errors)}`);
      return data as T;
    },
  });

  return {
    url,
    instance: gateway,
    logLines,
    send,
    ...asking({}),
    /** The same as a viewer; for `AUTH=development`. */
    as: (userId: string) => asking({ 'x-viewer-id': userId }),
  };
}

/** How many calls the upstream has received, by command. */
export const callCounts = ({ sandbox }: { sandbox: Pick<TestGateway['sandbox'], 'calls'> }): Record<string, number> =>
  Object.fromEntries(Object.entries(sandbox.calls.summary()).map(([command, { received }]) => [command, received]));
