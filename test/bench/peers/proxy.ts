// What any server in Node has to do for a screen that it does not know: read the body, ask the upstream for the page, parse
// it, shape the answer, stringify it, send it. It checks nothing, caches nothing and signs nothing.
import { serve } from '../reference/serve.ts';
import type { Asked } from './schema.ts';
import { readPage } from './source.ts';

serve(async (_path, text, send) => {
  const { id, first } = (JSON.parse(text) as Asked).variables ?? {};
  if (!id || !first) return send('{}');
  // As the gateway reads: a page of 100, of which the client's is the beginning.
  send(JSON.stringify({ data: { user: { fans: await readPage(id, 'fans', first, '', 100) } } }));
});
