// What tests make up at random is the same in every run, so that a test which fails tells of the change at hand.
// FUZZ_SEED=<number> makes up something else.
import fc from 'fast-check';

export const SEED = Number(process.env.FUZZ_SEED) || 20_261_123;

fc.configureGlobal({ seed: SEED });
