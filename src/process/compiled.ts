// Half the time of a start is compiling. What is compiled is kept beside what it is made of, where nobody else can write;
// where this process cannot either, it starts as it would without. Imported before everything else.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

export const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));
enableCompileCache(COMPILED);
