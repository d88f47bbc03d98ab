// Preloaded into a server that is measured: it tells on request what it has used and what it holds.
process.on('message', ({ collectsGarbage }: { collectsGarbage: boolean }) => {
  if (collectsGarbage) gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({ ...process.memoryUsage(), cpuMicros: user + system });
});
// The bench is gone, so nobody needs this server any more.
process.once('disconnect', () => process.exit());
