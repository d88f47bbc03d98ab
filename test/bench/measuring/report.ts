// Preloaded into a server that is measured: on request it tells what it has used and what it holds.
import cluster from 'node:cluster';

process.on('message', (question) => {
  if (question === 'cpu') process.send?.(process.cpuUsage());
  if (question === 'memory') process.send?.(process.memoryUsage());
  if (question === 'held') {
    gc?.();
    process.send?.(process.memoryUsage());
  }
});
// Whoever measures is gone: so is the server. Its workers are the server's own to end.
if (cluster.isPrimary) process.once('disconnect', () => process.exit());
