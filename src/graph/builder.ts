// The schema's vocabulary. Pothos' defaults hold: a field may be null and an argument left out unless they say otherwise.
import SchemaBuilder from '@pothos/core';
import complexity from '@pothos/plugin-complexity';
import directives from '@pothos/plugin-directives';
import type { Context } from '../context.ts';
import { price } from './cost.ts';

export const builder = new SchemaBuilder<{
  Context: Context;
  Scalars: {
    ID: { Input: string; Output: string };
    Date: { Input: string; Output: string };
    DateTime: { Input: number; Output: number | string };
    ProfileValue: { Input: string | number; Output: string | number };
    URL: { Input: string; Output: string };
  };
}>({
  plugins: [complexity, directives],
  directives: { useGraphQLToolsUnorderedDirectives: true },
  // Checked before anything runs, not when the first field does.
  complexity: { disabled: true, fieldComplexity: price(0) },
});
