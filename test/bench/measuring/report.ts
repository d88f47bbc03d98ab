// Preloaded into a server that is measured: it tells on request what it has used and what it holds.
process.on('message', (question) => {
  if (question === 'held') gc?.();
  process.send?.(question === 'cpu' ? process.cpuUsage() : process.memoryUsage());
});
// The bench is gone, so nobody needs this server any more.
process.once('disconnect', () => process.exit());
