// The sandbox in a process of its own, which also says how long the machine let it wait.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import type { FromUpstream, ToUpstream } from './load.ts';

const sandbox = createSandbox();
const delays = monitorEventLoopDelay({ resolution: 5 });
delays.enable();
const tell = (message: FromUpstream) => process.send?.(message);

process.on('message', ({ kind }: ToUpstream) => {
  if (kind === 'reset') {
    sandbox.calls.reset();
    delays.reset();
    return;
  }
  const longestStallMs = delays.max / 1e6;
  tell({ kind: 'counted', commands: sandbox.calls.summary(), longestStallMs });
});

const { url } = await sandbox.listen();
tell({ kind: 'listening', url });
