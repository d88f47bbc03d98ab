// Answers as bytes: the head and the content that Node's server would write, in one piece.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { byteLengthOf, type Content, copyInto, piecesOf } from './content.ts';
import type { FrontDependencies } from './front.ts';
import type { LaneRequest } from './lane-request.ts';
import { KEEP_ALIVE_SECONDS, STRICT_TRANSPORT } from './security-headers.ts';
import type { Reply } from './send-answer.ts';

type Known = { readonly lines: string; readonly vary: string | undefined };

const STAYS_OPEN = `connection: keep-alive\r\nkeep-alive: timeout=${KEEP_ALIVE_SECONDS}\r\n`;
const CLOSES = 'connection: close\r\n';
const IS_HTTPS = `strict-transport-security: ${STRICT_TRANSPORT}\r\n`;

/** Makes what writes to a request's client; `end` is told when that is done, or cannot be done any more. */
export function createLaneReply({ isHttps, clock }: Pick<FrontDependencies, 'isHttps' | 'clock'>) {
  const dateNow = createDate(clock);

  return (
    request: LaneRequest,
    { lines, vary }: Known,
    requestId: string,
    end: (status: number, aborted: boolean) => void,
  ): Reply => {
    const {
      head: { headers },
      socket,
      isLast,
    } = request;
    return {
      accepted: headers['accept-encoding'],
      vary,
      isGone: () => socket.destroyed || !socket.writable,
      write(answer, content) {
        // From here on the socket tells what becomes of it.
        request.onGone = null;
        const { status, type, encoding } = answer;
        const bytes = byteLengthOf(content);
        const closes = isLast();
        const strict = isHttps({ headers, socket }) ? IS_HTTPS : '';
        const varies = answer.vary === undefined ? '' : `vary: ${answer.vary}\r\n`;
        const encoded = encoding === undefined ? '' : `content-encoding: ${encoding}\r\n`;
        const head =
          `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}${strict}${varies}${encoded}x-request-id: ${requestId}\r\n` +
          `content-type: ${type}\r\ncontent-length: ${bytes}\r\ndate: ${dateNow()}\r\n${closes ? CLOSES : STAYS_OPEN}\r\n`;
        writeAll(socket, head, content, bytes, (error) => end(status, error != null));
        if (closes) socket.destroySoon();
      },
    };
  };
}

type Written = (error?: Error | null) => void;

/** So little is copied into one piece at less cost than several are written. */
const CHEAP_BYTES = 4096;

function writeAll(socket: Socket, head: string, content: Content, bytes: number, written: Written): void {
  if (typeof content === 'string') {
    // ASCII is written faster as what it is.
    socket.write(head + content, bytes === content.length ? 'latin1' : 'utf8', written);
  } else if (head.length + bytes < CHEAP_BYTES) {
    const whole = Buffer.allocUnsafe(head.length + bytes);
    whole.write(head, 'latin1');
    copyInto(whole, head.length, content);
    socket.write(whole, written);
  } else {
    socket.cork();
    socket.write(head, 'latin1');
    const pieces = piecesOf(content);
    for (const [at, piece] of pieces.entries()) socket.write(piece, at === pieces.length - 1 ? written : undefined);
    socket.uncork();
  }
}

/** The `Date` of answers, which changes once a second. */
function createDate({ now }: Clock): () => string {
  let second = Number.NaN;
  let text = '';
  return () => {
    const current = Math.floor(now() / 1000);
    if (current !== second) text = new Date(current * 1000).toUTCString();
    second = current;
    return text;
  };
}
