import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Installs the peers where they are missing: they are no dependencies of the gateway. */
export function installPeers(): void {
  if (existsSync(new URL('./node_modules', import.meta.url))) return;
  execFileSync('npm', ['ci'], { cwd: fileURLToPath(new URL('.', import.meta.url)), stdio: 'inherit' });
}
