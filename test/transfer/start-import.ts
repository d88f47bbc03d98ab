// A sandbox that can be looked into, and the commands that fill it, as processes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createSandbox, SANDBOX_APP, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { run, start } from '../process/start-process.ts';

export async function startImport(options: SandboxOptions = {}) {
  const sandbox = createSandbox({ emptyWorld: true, ...options });
  const { url: TENCENT_BASE_URL } = await sandbox.listen();
  const folder = await mkdtemp(join(tmpdir(), 'follow-gateway-import-'));
  onTestFinished(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true });
  });
  const { sdkAppId, secretKey, admin } = SANDBOX_APP;
  const app = { TENCENT_SDK_APP_ID: String(sdkAppId), TENCENT_SECRET_KEY: secretKey, TENCENT_ADMIN: admin };
  const env = { ...app, TENCENT_BASE_URL };
  const path = (name: string) => join(folder, name);
  return {
    ...sandbox,
    env,
    path,
    /** Writes a file and imports it; answers with how the process ended. */
    async importCsv(kind: 'follows' | 'accounts', text: string | Buffer, more: Record<string, string> = {}) {
      await writeFile(path(`${kind}.csv`), text);
      return run(['import', kind, path(`${kind}.csv`)], { ...env, ...more });
    },
    start: (args: readonly string[], more: Record<string, string> = {}) => start(args, { env: { ...env, ...more } }),
    exported: (args: readonly string[]) => run(['export', ...args], env),
  };
}
