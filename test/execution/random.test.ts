// Compiled execution against the general executor: operations and worlds that nobody has thought of.
import fc from 'fast-check';
import {
  type DocumentNode,
  execute,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import { compileOperation } from '../../src/execution/compile.ts';
import { asText } from './as-text.ts';
import { oddVariables, operation, variables } from './operations.ts';
import { schema, type World } from './world.ts';

const rules = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule && rule !== NoUnusedVariablesRule);
const numRuns = Number(process.env.FUZZ_RUNS) || 120;

function compile(query: string) {
  const document = parse(query);
  // The generator knows the schema: what is not valid is its own mistake.
  expect(validate(schema, document, rules)).toEqual([]);
  const compiled = compileOperation(schema, document, 'Asked');
  if (!compiled) throw new Error('The operation is of a kind that can be compiled.');
  return { document, compiled: asText(compiled) };
}

/** Answers null where the general executor has any error. */
async function generally(document: DocumentNode, contextValue: World, variableValues: Record<string, unknown>) {
  const { data, errors } = await execute({ schema, document, contextValue, variableValues });
  return errors ? null : JSON.stringify(data);
}

/** Until the test ends, rejections that nobody listens to are put down here instead of failing it. */
function overhearRejections(): unknown[] {
  const unheard: unknown[] = [];
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', (reason) => unheard.push(reason));
  onTestFinished(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of others) process.on('unhandledRejection', listener);
  });
  return unheard;
}

/** Waits for what goes on after a run has ended. Rejections are told between two turns of the loop. */
async function calmDown(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

const world = (broken: number) => fc.integer().map((seed): World => ({ seed, broken }));

test.each([
  ['in a sound world', 0],
  ['in a world with a few broken values', 10],
  ['in a broken world', 100],
])('random operations %s have the general executor’s data, or none where it has errors', async (_title, broken) => {
  // The general executor itself leaves some behind.
  overhearRejections();
  let [answered, failed, atOnce] = [0, 0, 0];
  const property = fc.asyncProperty(
    operation,
    world(broken),
    variables,
    variables,
    async (query, world, one, other) => {
      const { document, compiled } = compile(query);
      const runs = [one, other].map((given) => compiled.run(world, given));
      for (const [n, given] of [one, other].entries()) {
        const text = await runs[n];
        expect(text).toBe(await generally(document, world, given));
        if (text === null) failed++;
        else answered++;
        if (!(runs[n] instanceof Promise)) atOnce++;
      }
    },
  );
  await fc.assert(property, { numRuns });
  await calmDown();
  expect(answered).toBeGreaterThan(numRuns / 4);
  expect(atOnce).toBeGreaterThan(numRuns / 4);
  if (broken === 0) expect(failed).toBe(0);
  else expect(failed).toBeGreaterThan(0);
});

test('variables that are missing or wrong are refused by a run as by the general executor', async () => {
  const property = fc.asyncProperty(operation, world(0), oddVariables, async (query, world, given) => {
    const { document, compiled } = compile(query);
    expect(await compiled.run(world, given)).toBe(await generally(document, world, given));
  });
  await fc.assert(property, { numRuns });
});

test('no promise is left to reject with nobody listening', async () => {
  const unheard = overhearRejections();
  const property = fc.asyncProperty(operation, world(100), variables, async (query, world, given) => {
    await compile(query).compiled.run(world, given);
  });
  await fc.assert(property, { numRuns });
  await calmDown();
  expect(unheard).toEqual([]);
});
