// The benches that hold the gateway, all features on, against its peers and against its promises.
//
//   npm run bench [-- --quick] [-- start warm miss pace attacks subscribers find traces soak]
//
// Every server is a process. Prints Markdown; `soak` runs when it is named.
import { parseArgs } from 'node:util';
import { publish } from './measuring/results.ts';
import { stopServers } from './measuring/servers.ts';
import { attacks } from './parts/attacks.ts';
import { find } from './parts/find.ts';
import { miss } from './parts/miss.ts';
import { pace } from './parts/pace.ts';
import { soak } from './parts/soak.ts';
import { start } from './parts/start.ts';
import { subscribers } from './parts/subscribers.ts';
import { traces } from './parts/traces.ts';
import { warm } from './parts/warm.ts';
import { installPeers } from './peers/install.ts';

const USUAL = { start, warm, miss, pace, attacks, subscribers, find, traces };
const PARTS = { ...USUAL, soak };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
installPeers();
for (const name of positionals.length > 0 ? positionals : Object.keys(USUAL)) {
  if (!(name in PARTS)) throw new Error(`There is no bench "${name}": ${Object.keys(PARTS).join(', ')}.`);
  publish(await PARTS[name as keyof typeof PARTS](values.quick), values.quick);
  await stopServers();
}
process.exit();
