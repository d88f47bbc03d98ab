// Prometheus metrics of one gateway: events are counted, and readings are taken at the moment of a scrape.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry, type RegistryContentType } from 'prom-client';
import { CACHE_KINDS, type CacheObserver } from '../follow/caches.ts';
import type { Span } from '../span.ts';
import { COMMANDS, type Command } from '../tencent/wire.ts';
import { addReadings, type Readings } from './readings.ts';

export type MetricsOptions = {
  /** Names of operations that have lines of their own: clients can make up any number of others. */
  knownOperations: readonly string[];
  readings: Readings;
  /** Slow requests name their traces, which Prometheus' older text format cannot say. */
  traces: boolean;
  log: Logger;
};

export type Metrics = ReturnType<typeof createMetrics>;

type Client = { name?: string; version?: string };

export const METRICS_PATH = '/metrics';
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100];
/** Error codes are the upstream's, and names of clients their own: beyond this many, further ones are `other`. */
const MAX_CALL_OUTCOMES = 200;
const MAX_CLIENTS = 50;

/** Creates the metrics of one gateway. Nothing is measured of the process before `watchProcess`. */
export function createMetrics({ knownOperations, readings, traces, log }: MetricsOptions) {
  const registry: Registry<RegistryContentType> = new Registry();
  if (traces) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const metric = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) => {
    return { name: `follow_gateway_${name}`, help, labelNames, registers: [registry] };
  };
  const counter = <Label extends string>(...options: Parameters<typeof metric<Label>>) =>
    new Counter(metric(...options));
  const histogram = <Label extends string>(buckets: number[], ...options: Parameters<typeof metric<Label>>) =>
    new Histogram({ ...metric(...options), buckets, enableExemplars: traces });
  const known = new Set(knownOperations);
  const nameOf = (operation: string | null) => (operation !== null && known.has(operation) ? operation : 'other');

  const queryHelp = 'GraphQL operations by type, name (other: not in schema/operations), and first error code or OK.';
  const queries = counter('queries_total', queryHelp, ['type', 'operation', 'code']);
  const clientHelp = 'GraphQL operations by the name and version that the client gives itself.';
  const clients = counter('client_queries_total', clientHelp, ['client', 'version']);
  const staleHelp = 'Answers in which something was stale, by why nothing newer was there.';
  const staleAnswers = counter('stale_answers_total', staleHelp, ['reason']);
  const requestHelp = 'Time from a GraphQL request to the end of its answer, by HTTP status (or aborted).';
  // The library's type takes an exemplar's label for one of the metric.
  type RequestLabel = 'operation' | 'status' | 'trace_id';
  const requestLabels: RequestLabel[] = ['operation', 'status'];
  const requestSeconds = histogram(SECONDS, 'request_duration_seconds', requestHelp, requestLabels);
  const callHelp = 'Calls sent upstream, retries included, by ok, ErrorCode, or why there was no answer.';
  const calls = counter('upstream_calls_total', callHelp, ['command', 'outcome']);
  const callTime = 'Time from sending a call upstream to its answer, or to giving up on it.';
  const callSeconds = histogram(SECONDS, 'upstream_call_duration_seconds', callTime, ['command']);
  const oddHelp = 'Members of lists that could not be read, by what they lacked.';
  const oddEntries = counter('odd_entries_total', oddHelp, ['oddity']);
  const webhookHelp =
    'Webhooks by command (none: unproven), and taken, own, dropped (too many), ignored, malformed, refused.';
  const webhooks = counter('webhooks_total', webhookHelp, ['command', 'outcome']);
  const documentHelp = 'Operations by whether their document is trusted, unless TRUSTED_DOCUMENTS is off.';
  const documents = counter('documents_total', documentHelp, ['outcome']);
  const readHelp = 'Reads by kind, outcome, and the tier that answered: the source itself on a miss.';
  const reads = counter('cache_reads_total', readHelp, ['kind', 'outcome', 'tier']);
  const shared = counter('flights_shared_total', 'Reads that joined an equal one that was under way.', ['kind']);
  const batchHelp = 'Keys in a batch, those included that are renewed in its spare slots.';
  const batchSizes = histogram(BATCH_SIZES, 'batch_size', batchHelp, ['kind']);

  const openHelp = 'Subscriptions that are open now, by transport.';
  const openSubscriptions = new Gauge(metric('open_subscriptions', openHelp, ['transport']));
  const lastHelp = 'When the last proven webhook came, in Unix time; not there before the first.';
  const lastWebhook = new Gauge(metric('last_webhook_timestamp_seconds', lastHelp, []));
  lastWebhook.remove();
  addReadings(metric, readings);

  // A series that begins with its first event hides that event from rates and alerts.
  for (const type of ['query', 'mutation', 'subscription']) queries.labels(type, 'other', 'OK').inc(0);
  requestSeconds.zero({ operation: 'other', status: '200' });
  for (const command of Object.keys(COMMANDS)) {
    calls.labels(command, 'ok').inc(0);
    callSeconds.zero({ command });
  }
  for (const kind of CACHE_KINDS) {
    for (const outcome of ['fresh', 'stale', 'absent'])
      for (const tier of ['memory', 'redis']) reads.labels(kind, outcome, tier).inc(0);
    reads.labels(kind, 'miss', 'source').inc(0);
    shared.labels(kind).inc(0);
    batchSizes.zero({ kind });
  }
  for (const transport of ['sse', 'websocket']) openSubscriptions.labels(transport).inc(0);
  staleAnswers.labels('REVALIDATING').inc(0);
  for (const outcome of ['trusted', 'unknown', 'refused']) documents.labels(outcome).inc(0);
  for (const outcome of ['refused', 'ignored']) webhooks.labels('none', outcome).inc(0);
  for (const oddity of ['no account', 'no time']) oddEntries.labels(oddity).inc(0);

  const countsOutcome = bounded(MAX_CALL_OUTCOMES);
  const countsClient = bounded(MAX_CLIENTS);

  return {
    staleAnswers,
    openSubscriptions,
    oddEntries,
    documents,
    /** Answers Prometheus; there is nothing else at its port. */
    async page({ url, method = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
      if (url?.split('?', 1)[0] !== METRICS_PATH || !['GET', 'HEAD'].includes(method)) {
        response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
        return void response.end(`There is nothing here; metrics are at ${METRICS_PATH}.\n`);
      }
      try {
        const text = await registry.metrics();
        response.writeHead(200, { 'content-type': registry.contentType }).end(text);
      } catch (error) {
        log.error({ err: error }, 'A bug of ours failed the metrics');
        response.writeHead(500).end();
      }
    },
    /** Observes the caches. */
    caches: {
      onRead: (kind, outcome, tier) => reads.labels(kind, outcome, tier).inc(),
      onShared: (kind) => shared.labels(kind).inc(),
      onBatch: (kind, size) => batchSizes.labels(kind).observe(size),
    } satisfies CacheObserver,
    /** An operation has its answer; `type` is null when it was not understood, `code` when nothing failed. */
    onQuery(type: string | null, operation: string | null, code: string | null, { name, version = '' }: Client): void {
      queries.labels(type ?? 'none', nameOf(operation), code ?? 'OK').inc();
      if (!name) return;
      const labels = countsClient(`${name} ${version}`) ? [name, version] : ['other', ''];
      clients.labels(...labels).inc();
    },
    /** A GraphQL request over HTTP is over. */
    onRequest(operation: string | null, status: number | 'aborted', ms: number, { isRecorded, traceId }: Span): void {
      const labels = { operation: nameOf(operation), status: String(status) };
      if (!isRecorded || traceId === null) requestSeconds.labels(labels).observe(ms / 1000);
      else requestSeconds.observe({ labels, value: ms / 1000, exemplarLabels: { trace_id: traceId } });
    },
    /** A call upstream has ended. */
    onCall(command: Command, outcome: string, ms: number): void {
      calls.labels(command, countsOutcome(outcome) ? outcome : 'other').inc();
      callSeconds.labels(command).observe(ms / 1000);
    },
    /** A webhook was taken or refused. */
    onWebhook(command: string | null, outcome: string): void {
      webhooks.labels(command ?? 'none', outcome).inc();
      if (command !== null) lastWebhook.setToCurrentTime();
    },
    /** Begins to measure the process: memory, CPU, garbage collection, the event loop. */
    watchProcess(): void {
      collectDefaultMetrics({ register: registry });
      // Gauges whose names say that they are counters.
      for (const kind of ['handles', 'requests', 'resources'])
        registry.removeSingleMetric(`nodejs_active_${kind}_total`);
    },
  };
}

/** Whether a name is one of the first `max`, for labels that others make up. */
function bounded(max: number) {
  const names = new Set<string>();
  return (name: string): boolean => names.has(name) || (names.size < max && Boolean(names.add(name)));
}
