// Preloaded into a server that is measured: on request it tells how much CPU time it has used.
process.on('message', () => process.send?.(process.cpuUsage()));
// Whoever measures is gone: so is the server.
process.once('disconnect', () => process.exit());
