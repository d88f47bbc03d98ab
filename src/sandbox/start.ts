// The sandbox as a process runs it: listening, and known by the settings that lead a gateway to it.
import { createLively } from './lively.ts';
import { createSandbox, SANDBOX_APP } from './sandbox.ts';

/** Starts a sandbox; port 0 takes a free one. */
export async function startSandbox(port: number) {
  const sandbox = createSandbox({ servesAvatars: true });
  const { url } = await sandbox.listen({ port });
  const lively = createLively(sandbox);
  return {
    url,
    /** What leads a gateway here. */
    settings: {
      TENCENT_SDK_APP_ID: String(SANDBOX_APP.sdkAppId),
      TENCENT_SECRET_KEY: SANDBOX_APP.secretKey,
      TENCENT_ADMIN: SANDBOX_APP.admin,
      TENCENT_BASE_URL: url,
    },
    lively,
    /** From now on webhooks go to this address, which must be one of this machine. */
    tell: (address: string, token: string) => sandbox.webhooks.connect({ url: address, token }),
    async close(): Promise<void> {
      lively.stop();
      await sandbox.close();
    },
  };
}
