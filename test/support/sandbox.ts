// A sandbox in the test's own process, to look into and to break, and what leads a gateway to it.
import { onTestFinished } from 'vitest';
import { createSandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';

// Rules of the fault `rewrite`: what an upstream leaves out, adds, or calls otherwise.
export const TRUNCATED = { pattern: '.$', with: '' };
export const NO_PROFILE_ITEM = { pattern: ',"ProfileItem":\\[[^\\]]*\\]|,"profile_sequence":\\d+', with: '' };
export const UNKNOWN_FIELDS = { pattern: '\\{"', with: '{"Extra_Field":2031,"Extra_List":[1,"two",null],"' };
export const STATE_FOR_STATUS = { pattern: '("To_Account":"\\w+",)"Status"', with: '$1"State"' };

/** Opens one for the running test, without people unless a number of them is asked for. */
export async function openSandbox(options: SandboxOptions = {}) {
  const sandbox = createSandbox(options);
  const listening = await sandbox.listen();
  onTestFinished(() => sandbox.close());
  return { ...sandbox, ...listening };
}
