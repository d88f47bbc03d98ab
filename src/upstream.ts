// Checks the upstream that the settings name.
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createTencentClient } from './tencent/client.ts';
import { type Diagnosis, diagnose } from './tencent/diagnose.ts';

/** Checks the settings with real calls to the upstream, and says in plain words what is wrong. */
export async function diagnoseUpstream({ tencent, profileCustomFields }: Config): Promise<Diagnosis> {
  const clock = systemClock;
  const client = createTencentClient({ ...tencent, clock });
  try {
    return await diagnose(client, { adminId: tencent.adminId, customFields: profileCustomFields, clock });
  } finally {
    await client.close();
  }
}
