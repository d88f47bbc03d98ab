// A double of `wx` on fetch and ws, as far as its documentation says what the two calls do.
import { WebSocket } from 'ws';
import type { MiniProgram } from '../../schema/client/mini-program.ts';

export const wx: MiniProgram = {
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
