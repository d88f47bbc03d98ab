// A double of `wx` on fetch and ws, as far as its documentation says what the two calls do.
import type { MiniProgram } from 'follow-gateway-contract/mini-program';
import { WebSocket } from 'ws';

declare global {
  const wx: MiniProgram;
  const GATEWAY: string;
  const CREDENTIALS: Record<string, string>;
}

const double: MiniProgram = {
  request({ url, method, header, data, success, fail }) {
    fetch(url, { method, headers: header, body: JSON.stringify(data) }).then(
      async (response) => {
        const text = await response.text();
        const isJson = response.headers.get('content-type')?.includes('json');
        success({ data: isJson ? JSON.parse(text) : text, statusCode: response.status });
      },
      () => fail({ errMsg: 'request:fail' }),
    );
  },
  connectSocket({ url, protocols }) {
    const socket = new WebSocket(url, protocols);
    // It is told on its listeners.
    socket.on('error', () => {});
    return {
      onOpen: (listener) => void socket.on('open', listener),
      onMessage: (listener) => void socket.on('message', (data) => listener({ data: String(data) })),
      onClose: (listener) => void socket.on('close', (code) => listener({ code })),
      onError: (listener) => void socket.on('error', () => listener()),
      send: ({ data }) => socket.send(data),
      close: ({ code }) => socket.close(code),
    };
  },
};
Object.assign(globalThis, { wx: double, CREDENTIALS: { 'x-viewer-id': 'anna' } });
