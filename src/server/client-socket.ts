// The server's end of a WebSocket, with a bound on what its client leaves unread.
import { WebSocket } from 'ws';

/** A client that leaves more than this unread is cut off when the next message is sent to it. */
const MAX_UNREAD_BYTES = 500_000;

/** A connection of which a client's absence is no error: what runs on it ends by the close. */
export class ClientSocket extends WebSocket {
  override send(data: Parameters<WebSocket['send']>[0], whenSent?: unknown): void {
    cutOffUnread(this);
    const next = whenSent as () => void;
    // A subscription that always has more would keep the event loop from ever telling of the close.
    super.send(data, (error) => (error ? setImmediate(next) : next()));
  }
}

export function cutOffUnread(socket: WebSocket) {
  if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate();
}
