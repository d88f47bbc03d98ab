// What any server in Node has to do to refuse a request: receive it, and write a fixed answer. It checks nothing.
import { createServer } from 'node:net';
import { announce } from './pages.ts';

const BODY = '{"ActionStatus":"FAIL"}';
const REFUSAL = `HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

const server = createServer({ noDelay: true }, (socket) => {
  let rest = 0;
  socket.on('data', (piece) => {
    if (rest === 0) {
      const headEnd = piece.indexOf('\r\n\r\n');
      const [, length = 0] = /\r\ncontent-length: (\d+)/.exec(piece.toString('latin1', 0, headEnd)) ?? [];
      rest = headEnd + 4 + Number(length);
    }
    rest -= piece.length;
    if (rest === 0) socket.write(REFUSAL, 'latin1');
  });
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => announce(server));
