// Spans to a collector over OTLP, as JSON. The SDK's own exporter uses node:http's client, beside whose objects Node's code for
// answers is slower; so it is beside undici's streams.
import { ExportResultCode, parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import { Client } from 'undici';
import { createOutageLog } from './outage-log.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

/** Makes an exporter by the standard variables of OTLP; those for traces count before those for all. */
export function createOtlpExporter(env: NodeJS.ProcessEnv, log: Logger): SpanExporter {
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
