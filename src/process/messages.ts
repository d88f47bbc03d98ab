// What the process says to whoever starts it by hand.
import type { Config } from '../config.ts';

/** Where everything is, for the first minute with a gateway. `embedded` is its own sandbox, when it has one. */
export function welcome(
  version: string,
  url: string,
  { graphiql, auth }: Pick<Config, 'graphiql' | 'auth'>,
  embedded: { url: string; lively: boolean } | null,
): string {
  const lines = [
    graphiql ? `GraphiQL   ${url}   (open it in a browser)` : `GraphQL    ${url}`,
    ...(embedded
      ? [
          `Upstream   EMBEDDED SANDBOX at ${embedded.url}: made-up people, nothing leaves this machine.`,
          embedded.lively
            ? '           They follow, unfollow and change their profiles all the time.'
            : '           With --lively they follow each other all the time, for subscriptions to show.',
          '           Set TENCENT_SDK_APP_ID, TENCENT_SECRET_KEY and TENCENT_REGION for the real one.',
        ]
      : ['Upstream   Tencent Cloud Chat, as configured.']),
    ...(auth.header?.secret === null
      ? [`Who asks   whoever the header ${auth.header.name} names, such as user_00001`]
      : []),
    'A query    { user(id: "UserID_001") { nick fans(first: 10) { totalCount nodes { nick } } } }',
  ];
  return `
follow-gateway ${version} is ready.

${lines.map((line) => `  ${line}\n`).join('')}
Stop with Ctrl-C.
`;
}

/** How the sandbox is used from elsewhere, and that its people move. */
export function introduceSandbox(url: string, settings: Record<string, string>, lively: boolean): string {
  const lines = Object.entries(settings).map(([name, value]) => `  ${name}=${value}\n`);
  return `The sandbox upstream is at ${url}; its control endpoint is ${url}/sandbox.
To use it, start the gateway with
${lines.join('')}With AUTH=development as well, the header x-viewer-id says who asks.
${lively ? 'Its people follow, unfollow and change their profiles all the time.\n' : ''}`;
}

/** What to set in the upstream's console. The token is not part of it. */
export const consoleSteps = (path: string): string => `In the Chat console, under Webhook Configuration:

  1. Set the webhook URL to the address at which the upstream reaches this gateway, followed by
       ${path}
  2. Switch authentication on, with the value of WEBHOOK_TOKEN as its token.
  3. Switch on: after a user is followed, after a user is unfollowed, after a profile is updated (and the
     subscription of user profile changes), and the alarm of API calls over their limit.
`;

/** Why there is nothing to be set in the console yet. */
export const NO_WEBHOOK = `WEBHOOK_TOKEN is not set, so this gateway is told nothing.
Choose a token of up to 128 characters, set it here as WEBHOOK_TOKEN, and ask again what to set in the console.
`;
