// The benches that hold the gateway, all features on, against its peers and against its promises.
//
//   npm run bench [-- --quick] [-- --no-write] [-- start warm miss pace attacks subscribers soak]
//
// Every server is a process of its own. Prints the tables and writes them to RESULTS.md; `soak` runs when it is named.
import { parseArgs } from 'node:util';
import { publish, type Section } from './measuring/results.ts';
import { attacks } from './parts/attacks.ts';
import { miss } from './parts/miss.ts';
import { pace } from './parts/pace.ts';
import { soak } from './parts/soak.ts';
import { start } from './parts/start.ts';
import { subscribers } from './parts/subscribers.ts';
import { warm } from './parts/warm.ts';
import { installPeers } from './peers/install.ts';

const PARTS: Record<string, (quick: boolean) => Promise<Section>> = {
  start,
  warm,
  miss,
  pace,
  attacks,
  subscribers,
  soak,
};
const USUAL = ['start', 'warm', 'miss', 'pace', 'attacks', 'subscribers'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: true } },
});
const unknown = positionals.find((name) => !Object.hasOwn(PARTS, name));
if (unknown) throw new Error(`There is no bench "${unknown}": ${Object.keys(PARTS).join(', ')}.`);

installPeers();
for (const name of positionals.length > 0 ? positionals : USUAL)
  publish(await (PARTS[name] as (quick: boolean) => Promise<Section>)(values.quick), values);
process.exit();
