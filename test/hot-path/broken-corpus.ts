// Requests that are no HTTP, or not quite.
import { type Ask, rawAsk } from './asks.ts';

const BODY = JSON.stringify({ query: '{ user(id: "user_00002") { id nick } }' });
const LINES = 'POST /graphql HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json';

export const BROKEN_ASKS: readonly Ask[] = [
  rawAsk('no length', LINES),
  rawAsk('a length of nothing', `${LINES}\r\ncontent-length: 0`),
  rawAsk('a length that is no number', `${LINES}\r\ncontent-length: x`),
  rawAsk('a length below nothing', `${LINES}\r\ncontent-length: -1`),
  rawAsk('two lengths', `${LINES}\r\ncontent-length: ${BODY.length}\r\ncontent-length: 3`, BODY),
  rawAsk('a length and chunks', `${LINES}\r\ncontent-length: 3\r\ntransfer-encoding: chunked`, '0\r\n\r\n'),
  rawAsk('chunks that are none', `${LINES}\r\ntransfer-encoding: chunked`, 'nonsense\r\n\r\n'),
  rawAsk('another transfer encoding', `${LINES}\r\ntransfer-encoding: gzip, chunked`, '0\r\n\r\n'),
  rawAsk('identity as transfer encoding', `${LINES}\r\ntransfer-encoding: identity`),
  rawAsk('a length that is too large', `${LINES}\r\ncontent-length: 50000000`),
  rawAsk('a length by a plus', `${LINES}\r\ncontent-length: +${BODY.length}`, BODY),
  rawAsk('no host', `POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}`, BODY),
  rawAsk(
    'HTTP/1.0',
    `POST /graphql HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}`,
    BODY,
  ),
  rawAsk(
    'HTTP/1.0 that stays',
    `POST /graphql HTTP/1.0\r\nconnection: keep-alive\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}`,
    BODY,
  ),
  rawAsk('HTTP/9.9', `POST /graphql HTTP/9.9\r\nhost: gateway\r\ncontent-length: ${BODY.length}`, BODY),
  rawAsk('two types', `${LINES}\r\ncontent-type: text/plain\r\ncontent-length: ${BODY.length}`, BODY),
  rawAsk('two hosts', `${LINES}\r\nhost: other\r\ncontent-length: ${BODY.length}`, BODY),
  rawAsk('a header without a name', `${LINES}\r\n: x\r\ncontent-length: ${BODY.length}`, BODY),
  rawAsk('a folded header', `${LINES}\r\nx-a: b\r\n c\r\ncontent-length: ${BODY.length}`, BODY),
  rawAsk('headers without end', `${LINES}\r\nx-a: ${'x'.repeat(17_000)}\r\ncontent-length: ${BODY.length}`, BODY),
];
