// Server-sent events as a browser's EventSource reads them, over fetch.
import { onTestFinished } from 'vitest';

/** `event` is null where the field is missing. */
export type ServerSentEvent = { event: string | null; data: string };
export type EventStream = Awaited<ReturnType<typeof openEventStream>>;

/** Opens a stream; it is closed when the test ends. Rejects where the connection is refused. */
export async function openEventStream(url: string, init: RequestInit = {}) {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const headers = { accept: 'text/event-stream', ...init.headers };
  const response = await fetch(url, { ...init, headers, signal: leaving.signal });
  let comments = 0;

  async function* read(): AsyncGenerator<ServerSentEvent> {
    let text = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const valuesOf = (name: string) =>
          lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
        comments += valuesOf('').length;
        const event = valuesOf('event').at(-1) ?? null;
        const data = valuesOf('data');
        if (event !== null || data.length > 0) yield { event, data: data.join('\n') };
      }
    }
  }

  const events = read();
  /** The next event; null when the stream has ended. */
  const next = async () => (await events.next()).value ?? null;
  /** What the next `next` event answers; fails on any other. */
  async function answer<T>() {
    const event = await next();
    if (event?.event !== 'next') throw new Error(`This is no answer: ${JSON.stringify(event)}`);
    return JSON.parse(event.data) as T;
  }
  return {
    response,
    next,
    answer,
    /** The next events of a subscription to one field, which must be free of errors. */
    async events<Event>(count: number) {
      const taken: Event[] = [];
      while (taken.length < count) {
        const { data, errors } = await answer<{ data: Record<string, Event>; errors?: unknown }>();
        if (errors) throw new Error(`An event failed: ${JSON.stringify(errors)}`);
        taken.push(...Object.values(data));
      }
      return taken;
    },
    /** Everything up to the end. */
    async rest() {
      const rest: ServerSentEvent[] = [];
      for (let event = await next(); event; event = await next()) rest.push(event);
      return rest;
    },
    /** Comments so far. */
    comments: () => comments,
    /** Goes away. */
    leave: () => leaving.abort(),
  };
}

/** Subscribes as a frontend does, by POST. */
export function subscribe(
  { url }: { url: string },
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<EventStream> {
  return openEventStream(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
}
