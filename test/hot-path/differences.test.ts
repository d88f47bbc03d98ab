// What finds differences finds them: in an answer, in the log, in the metrics, and in the calls upstream.
import { expect, test } from 'vitest';
import { personId } from '../../src/sandbox/seed.ts';
import { get, post } from './asks.ts';
import { compare, differencesLeft } from './compare.ts';
import { openSiblings } from './siblings.ts';

const ASKED = post('a name', { query: `{ user(id: "${personId(2)}") { nick } }` });

test('an answer that only one sibling gives is told once, with what was asked and what both said', async () => {
  const siblings = await openSiblings();
  const odd = siblings.all.at(-1);
  odd?.house.sandbox.world.setProfile(personId(2), { Tag_Profile_IM_Nick: 'Odd' });
  const differences = await compare(siblings, [ASKED]);
  expect(differences).toHaveLength(1);
  expect(differences[0]).toContain('a name (time 1)');
  expect(differences[0]).toContain(`${odd?.name} (+) against ${siblings.all[0].name} (-)`);
  expect(differences[0]).toContain('+ {"data":{"user":{"nick":"Odd"}}}');
});

test('what only one sibling was asked shows in its log, its metrics and its calls', async () => {
  const siblings = await openSiblings();
  await siblings.all[1]?.house.query(`{ user(id: "${personId(2)}") { fansCount } }`);
  const left = await differencesLeft(siblings);
  expect(left.map((difference) => difference.split('\n', 1)[0])).toEqual([
    expect.stringMatching(/^The log of HOT_PATH 0,/),
    expect.stringMatching(/^The metrics of HOT_PATH 0,/),
    expect.stringMatching(/^The calls upstream of HOT_PATH 0,/),
  ]);
});

test('a header that differs is a difference', async () => {
  const siblings = await openSiblings();
  const byGet = get('a name by GET', { query: `{ user(id: "${personId(2)}") { nick } }` });
  expect(await compare(siblings, [byGet], { times: 1, stepMs: 0 })).toEqual([]);
  // One has read it later than the others, so that caches may keep it for longer.
  siblings.clock.advance(20_000);
  const query = `{ user(id: "${personId(3)}") { nick } }`;
  await siblings.all[0].house.query(query);
  siblings.clock.advance(20_000);
  const [difference] = await compare(siblings, [get('another name by GET', { query })], { times: 1 });
  expect(difference).toContain('+ cache-control: public, max-age=');
});
