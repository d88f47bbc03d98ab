// Checks the upstream that the settings name.
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createTencentClient } from './tencent/client.ts';
import { type Diagnosis, diagnose } from './tencent/diagnose.ts';
import { createProfileService } from './tencent/profile-service.ts';

const CHECK_DEADLINE_MS = 10_000;

/** Checks the settings with real calls to the upstream, and says in plain words what is wrong. */
export async function diagnoseUpstream({ tencent, profileCustomFields }: Config): Promise<Diagnosis> {
  const clock = systemClock;
  const client = createTencentClient({ ...tencent, clock });
  try {
    const diagnosis = await diagnose(client, { adminId: tencent.adminId, clock });
    if (!diagnosis.ok) return diagnosis;
    const profiles = createProfileService(client, { customFields: profileCustomFields, clock });
    const call = { signal: new AbortController().signal, deadlineAt: clock.now() + CHECK_DEADLINE_MS };
    await profiles.readProfiles([tencent.adminId], call);
    const refused = profiles.refusedTags();
    if (refused.length === 0) return diagnosis;
    return {
      ok: false,
      code: 40009,
      explanation: `the app has no profile field ${refused.join(', ')}`,
      remedy: 'Create the field in the console, or take it out of PROFILE_CUSTOM_FIELDS; the rest works.',
    };
  } finally {
    await client.close();
  }
}
