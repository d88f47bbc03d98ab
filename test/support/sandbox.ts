// A sandbox in the test's own process, to look into and to break, and what leads a gateway to it.
import { onTestFinished } from 'vitest';
import { createSandbox, SANDBOX_APP, type SandboxOptions } from '../../src/sandbox/sandbox.ts';

/** Opens one for the running test. */
export async function openSandbox(options?: SandboxOptions) {
  const sandbox = createSandbox(options);
  const { url } = await sandbox.listen();
  onTestFinished(() => sandbox.close());
  const settings = {
    TENCENT_BASE_URL: url,
    TENCENT_SDK_APP_ID: String(SANDBOX_APP.sdkAppId),
    TENCENT_SECRET_KEY: SANDBOX_APP.secretKey,
    TENCENT_ADMIN: SANDBOX_APP.admin,
  };
  return { ...sandbox, url, settings };
}
