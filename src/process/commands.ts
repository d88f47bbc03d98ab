// The commands beside serving.

import { type Environment, readConfig } from '../config.ts';
import type { Purging } from './command-line.ts';
import { complain, EXIT, firstSignal, print, say, USAGE } from './edge.ts';
import { consoleSteps, introduceSandbox, NO_WEBHOOK } from './messages.ts';

export async function sandbox(port: number, lively: boolean): Promise<number> {
  const asked = firstSignal();
  const { startSandbox } = await import('../sandbox/start.ts');
  const sandbox = await startSandbox(port);
  if (lively) sandbox.lively.start();
  say(introduceSandbox(sandbox.url, sandbox.settings, lively));
  await asked;
  await sandbox.close();
  return EXIT.ok;
}

export async function printSchema(): Promise<number> {
  const { printSdl } = await import('../graph/schema.ts');
  return print(printSdl());
}

export async function check(env: Environment): Promise<number> {
  const config = readConfig(env);
  const { checkRedis } = await import('../redis.ts');
  if (config.redis) await checkRedis(config.redis.nodes);
  const { diagnoseUpstream } = await import('../upstream.ts');
  const diagnosis = await diagnoseUpstream(config);
  if (diagnosis.ok) return print('The settings are right: the upstream answered.\n');
  complain(`The upstream cannot be used: ${diagnosis.explanation}\n${diagnosis.remedy}\n`);
  return EXIT.failure;
}

export async function webhook(env: Environment): Promise<number> {
  const config = readConfig(env);
  const { webhookPathOf } = await import('../webhooks.ts');
  const path = webhookPathOf(config);
  if (path) return print(consoleSteps(path));
  complain(NO_WEBHOOK);
  return EXIT.config;
}

export async function purge(env: Environment, purging: Purging): Promise<number> {
  const config = readConfig(env);
  const { createPurge } = await import('../purge.ts');
  const strangers = purging === 'everything' ? [] : purging.filter((id) => !config.userIdPattern.test(id));
  if (strangers.length > 0) {
    complain(`${strangers.map((id) => JSON.stringify(id)).join(', ')} cannot be a UserID.\n\n${USAGE}`);
    return EXIT.usage;
  }
  const purge = await createPurge(config);
  try {
    if (purging !== 'everything') {
      await purge.users(purging);
      return print(`Forgotten by all gateways: ${purging.join(', ')}.\n`);
    }
    const keys = await purge.everything();
    return print(`Everything is forgotten by all gateways: ${keys} keys were removed from Redis.\n`);
  } catch (error) {
    complain(`Redis did not forget: ${(error as Error).message}\nTry again: what is forgotten already stays so.\n`);
    return EXIT.failure;
  } finally {
    purge.close();
  }
}
