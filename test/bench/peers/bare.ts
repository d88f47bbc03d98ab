// What any server in Node has to do for the warm screen: read the body, find the object, stringify it, send it.
// `/stored` sends bytes that were stringified before, which is the most that Node can do.
import { serve } from '../reference/serve.ts';
import { answerOf } from './pages.ts';
import type { Asked } from './schema.ts';

const stored = new WeakMap<object, Buffer>();

function bytesOf(answer: object): Buffer {
  const bytes = stored.get(answer) ?? Buffer.from(JSON.stringify(answer));
  stored.set(answer, bytes);
  return bytes;
}

serve((path, text, send) => {
  const { id = '', first = 0 } = (JSON.parse(text) as Asked).variables ?? {};
  const answer = answerOf(id, first) ?? {};
  send(path === '/stored' ? bytesOf(answer) : JSON.stringify(answer));
});
