// Preloaded into a server that is measured, which runs with --expose-gc: on request it tells what it holds in memory.
process.on('message', () => {
  gc?.();
  process.send?.(process.memoryUsage());
});
// Whoever measures is gone: so is the server.
process.once('disconnect', () => process.exit());
