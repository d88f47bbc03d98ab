// Spans by the OpenTelemetry SDK, which reads its own settings: OTEL_*. Loaded where they ask for traces alone.
import { createTraceState, ROOT_CONTEXT, type SpanContext, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { ExportResultCode, parseKeyPairsIntoRecord, parseTraceParent } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import { Client } from 'undici';
import packageJson from '../../package.json' with { type: 'json' };
import { type Attributes, type BeginSpan, NO_SPAN, type Span } from '../span.ts';
import { createOutageLog } from './log.ts';

type SdkSpan = ReturnType<ReturnType<BasicTracerProvider['getTracer']>['startSpan']>;
type Linkable = Span & { readonly context?: SpanContext };

export function startOpenTelemetry(log: Logger): { begin: BeginSpan; close(): Promise<void> } {
  const share = rootShare(process.env);
  const named = resourceFromAttributes({ 'service.name': packageJson.name, 'service.version': packageJson.version });
  const provider = new BasicTracerProvider({
    ...(share !== null && { sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }) }),
    // No detectors of hosts and processes, whose arguments may hold anything.
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(createOtlpExporter(process.env, log))],
  });
  const tracer = provider.getTracer(packageJson.name, packageJson.version);

  /** A span that is not kept has no parts that are. */
  function wrap(span: SdkSpan): Span {
    if (!span.isRecording()) return NO_SPAN;
    const context = span.spanContext();
    const wrapped: Linkable = {
      context,
      traceId: context.traceId,
      isRecorded: true,
      child(name, attributes = {}, links = []) {
        const contexts = links.flatMap(({ context }: Linkable) => (context ? [{ context }] : []));
        // Only calls to other servers name a server.
        const kind = 'server.address' in attributes ? SpanKind.CLIENT : SpanKind.INTERNAL;
        const options = { kind, attributes: known(attributes), links: contexts };
        return wrap(tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, span)));
      },
      set(attributes) {
        span.setAttributes(known(attributes));
        if (attributes['error.type']) span.setStatus({ code: SpanStatusCode.ERROR });
      },
      end(name) {
        if (name) span.updateName(name);
        span.end();
      },
    };
    return wrapped;
  }

  return {
    begin(name, { traceparent, tracestate }) {
      const remote = typeof traceparent === 'string' ? parseTraceParent(traceparent) : null;
      if (!remote && share !== null && Math.random() >= share) return NO_SPAN;
      const more = { isRemote: true, traceState: createTraceState(String(tracestate ?? '')) };
      const parent = remote ? trace.setSpanContext(ROOT_CONTEXT, { ...remote, ...more }) : ROOT_CONTEXT;
      return wrap(tracer.startSpan(name, { kind: SpanKind.SERVER }, parent));
    },
    /** Sends what is left. */
    close: () => provider.shutdown(),
  };
}

/**
 * The share of operations that are kept, of those that no other trace begins; null where the SDK is to decide. Asking it about
 * each costs a tenth of a kept answer.
 */
function rootShare({ OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG }: NodeJS.ProcessEnv): number | null {
  const share = Number.parseFloat(OTEL_TRACES_SAMPLER_ARG ?? '');
  return OTEL_TRACES_SAMPLER === 'parentbased_traceidratio' && share >= 0 && share <= 1 ? share : null;
}

/** The SDK leaves out what is undefined, and its type does not say so. */
const known = (attributes: Attributes) => attributes as Record<string, string | number | boolean | string[]>;

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Makes an exporter by the standard variables of OTLP; those for traces count before those for all. The SDK's own uses
 * node:http's client, beside whose objects Node's code for answers is slower; so it is beside undici's streams.
 */
function createOtlpExporter(env: NodeJS.ProcessEnv, log: Logger): SpanExporter {
  const read = (name: string) => env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`];
  const url =
    env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || `${env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '')}/v1/traces`;
  const headers = { 'content-type': 'application/json', ...parseKeyPairsIntoRecord(read('HEADERS')) };
  const timeoutMs = Number(read('TIMEOUT')) || DEFAULT_TIMEOUT_MS;
  const { origin, pathname, search } = new URL(url);
  // Where the server has gone silent, spans that wait are dropped with its connection.
  const client = new Client(origin, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const tellOutage = createOutageLog(log, 'The collector of traces');

  /** Resolves with the status that refuses the spans, with `no answer`, or with null when they are taken. */
  function send(spans: Parameters<SpanExporter['export']>[0]) {
    const { promise, resolve } = Promise.withResolvers<number | 'no answer' | null>();
    const body = JsonTraceSerializer.serializeRequest(spans) ?? null;
    client.dispatch(
      { method: 'POST', path: pathname + search, headers, body, reset: true },
      {
        onRequestStart() {},
        onResponseStart: (_controller, status) => resolve(status < 300 ? null : status),
        // The status says it all, and an answer without an end must not hold the next spans up.
        onResponseData: (controller) => controller.abort(new Error('read enough')),
        onResponseEnd() {},
        onResponseError: () => resolve('no answer'),
      },
    );
    return promise;
  }

  return {
    export(spans, done) {
      void send(spans).then((failure) => {
        tellOutage(failure);
        done({ code: failure === null ? ExportResultCode.SUCCESS : ExportResultCode.FAILED });
      });
    },
    /** Once all that was begun is sent. */
    shutdown: () => client.close(),
  };
}
