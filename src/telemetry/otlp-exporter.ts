// Spans to a collector over OTLP, as JSON. The SDK's own exporter uses node:http's client, beside whose objects Node's code for
// answers is slower; so it is beside undici's streams.
import { type ExportResult, ExportResultCode, parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { Client } from 'undici';

const DEFAULT_TIMEOUT_MS = 10_000;

/** Makes an exporter by the standard variables of OTLP; those for traces count before those for all. */
export function createOtlpExporter(env: NodeJS.ProcessEnv): SpanExporter {
  const read = (name: string) => env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`];
  const url =
    env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || `${env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '')}/v1/traces`;
  const headers = { 'content-type': 'application/json', ...parseKeyPairsIntoRecord(read('HEADERS')) };
  const timeoutMs = Number(read('TIMEOUT')) || DEFAULT_TIMEOUT_MS;
  const { origin, pathname, search } = new URL(url);
  // Where the server has gone silent, spans that wait are dropped with its connection.
  const client = new Client(origin, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const sending = new Set<Promise<unknown>>();

  function send(spans: Parameters<SpanExporter['export']>[0]): Promise<ExportResult> {
    const { promise, resolve } = Promise.withResolvers<ExportResult>();
    const body = JsonTraceSerializer.serializeRequest(spans) ?? null;
    client.dispatch(
      { method: 'POST', path: pathname + search, headers, body, reset: true },
      {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          const error = Object.assign(new Error('refused'), { code });
          resolve(code < 300 ? { code: ExportResultCode.SUCCESS } : { code: ExportResultCode.FAILED, error });
        },
        // The status says it all, and an answer without an end must not hold the next spans up.
        onResponseData: (controller) => controller.abort(new Error('read enough')),
        onResponseEnd() {},
        onResponseError: () => resolve({ code: ExportResultCode.FAILED }),
      },
    );
    return promise;
  }

  return {
    export(spans, done) {
      const sent = send(spans).then(done);
      sending.add(sent);
      void sent.finally(() => sending.delete(sent));
    },
    forceFlush: async () => void (await Promise.all(sending)),
    async shutdown() {
      await Promise.all(sending);
      await client.destroy();
    },
  };
}
