// A collector of traces, as OTLP over HTTP with JSON reaches one.
import { vi } from 'vitest';
import { openGateway } from '../support/gateway.ts';
import { startReceiver } from '../support/receiver.ts';

type Attribute = { key: string; value: Record<string, unknown> };
type Given = { traceId: string; spanId: string; parentSpanId?: string; name: string; kind: number } & {
  attributes: Attribute[];
  links?: { traceId: string; spanId: string }[];
};
export type SpanSeen = Omit<Given, 'attributes'> & { attributes: Record<string, unknown> };

/** The spans of one export. */
const spansIn = (body: string): SpanSeen[] =>
  JSON.parse(body)
    .resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: object[] }) => scopeSpans)
    .flatMap(({ spans }: { spans: Given[] }) => spans)
    .map((span: Given) => ({ ...span, attributes: plain(span.attributes) }));

const plain = (attributes: Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** A gateway without people that is traced; `traced` closes it, which sends what is left, and tells the spans. */
export async function openTraced(more: Record<string, string> = {}) {
  const collector = await startReceiver();
  const env = { AUTH: 'development', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...more };
  for (const [name, value] of Object.entries(env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, value);
  const gateway = await openGateway({ env });
  return {
    ...gateway,
    collector,
    async traced(): Promise<SpanSeen[]> {
      await gateway.instance.close();
      return collector.received.flatMap(({ body }) => spansIn(body));
    },
  };
}

/** Spans below a parent as they hang together: names, and what is below them. */
export type Tree = { [name: string]: Tree }[];
export function treeOf(spans: readonly SpanSeen[], parent?: string): Tree {
  const children = spans.filter(({ parentSpanId = '' }) => parentSpanId === (parent ?? ''));
  return children
    .map(({ name, spanId }) => ({ [name]: treeOf(spans, spanId) }))
    .toSorted((a, b) => (Object.keys(a).join() < Object.keys(b).join() ? -1 : 1));
}
