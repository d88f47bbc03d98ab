// Board and alerts against a running gateway: all that their queries name is there, and promtool plays the alerts.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ERROR_TABLE, type ErrorRule } from '../../src/tencent/error-table.ts';
import { directoryOf } from '../documents/asking.ts';
import { ROOT } from '../process/start-process.ts';
import { openGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { isOnPath } from '../support/redis-process.ts';
import { scrapeText } from '../telemetry/scrape.ts';

const DEPLOY = join(ROOT, 'deploy');
const read = (path: string) => readFileSync(join(DEPLOY, path), 'utf8');
type Query = { expr: string; legendFormat?: string; annotations?: Record<string, string>; alert?: string };
const alerts: Query[] = parse(read('prometheus/alerts.yaml')).groups[0].rules;
const board = JSON.parse(read('grafana/dashboard.json')) as { panels: { targets?: Query[] }[] };
const queries = [...alerts, ...board.panels.flatMap(({ targets = [] }) => targets)];

/** What Prometheus itself adds. */
const OF_PROMETHEUS = ['up', 'instance', 'job'];

/** The series that an expression selects, and the labels that it groups them by. */
function namesIn(expr: string) {
  const grouped = Array.from(expr.matchAll(/\bby \(([^)]*)\)/g), ([, labels = '']) => labels.split(/, */)).flat();
  const selected = Array.from(expr.matchAll(/\b(up|[a-z]+_[a-z0-9_]*[a-z0-9])\b(?! *\()(?:\{(.*?)\})?/g), (found) => ({
    metric: found[1] ?? '',
    matchers: Array.from((found[2] ?? '').matchAll(/(\w+)(=~|!=|!~|=)"(.*?)"/g), ([, label = '', how, value = '']) => ({
      label,
      /** Null for what excludes. */
      values: how?.startsWith('!') ? null : new RegExp(`^(?:${how === '=' ? value.replace(/\W/g, '\\$&') : value})$`),
    })),
  }));
  return { grouped, selected };
}

/** A gateway's page after good and bad times: every outcome that an alert waits for has happened once. */
async function pageOfBadDay() {
  const redis = await startRedis();
  const env = { METRICS_PORT: '0', REDIS_URL: redis.url, WEBHOOK_TOKEN: 'token', WEBHOOK_PATH: '/hook' };
  let isBug = false;
  const maySee = () => {
    if (isBug) throw new Error('a bug');
    return true;
  };
  const gateway = await openGateway({ env, maySee, sandbox: { people: 300 } });
  const { faults, webhooks, act } = gateway.sandbox;
  const fansOf = (id: string) => gateway.query(`{ user(id: "${id}") { nick fans { totalCount nodes { nick } } } }`);
  await fansOf('UserID_001');
  for (const [token, outcome] of Object.entries({ token: 'answered', 'another token': 'refused' })) {
    webhooks.connect({ url: `${gateway.url}/hook`, token });
    act.setProfile('UserID_001', { Tag_Profile_IM_Nick: token });
    await expect.poll(() => webhooks.deliveries().at(-1)?.outcome).toBe(outcome);
  }
  for (const error of [{ code: 70009 }, { code: 60007 }, { code: 30006 }]) {
    faults.set({ error });
    await fansOf(`user_001${error.code % 90}`);
  }
  faults.reset();
  isBug = true;
  await fansOf('user_00200');
  return scrapeText(gateway);
}

test('every metric, label and value that board and alerts name is on the page of a running gateway', async () => {
  const page = await pageOfBadDay();
  const metrics = new Set(Array.from(page.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name));
  const samples = Array.from(page.matchAll(/^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*?)\})? /gm), (found) => ({
    metric: found[1],
    labels: Object.fromEntries(
      Array.from((found[2] ?? '').matchAll(/(\w+)="(.*?)"/g), ([, name, value]) => [name, value]),
    ),
  }));
  const missing = (expr: string, isPlayed = false) => {
    const { grouped, selected } = namesIn(expr);
    if (selected.length === 0) return [`no metric in ${expr}`];
    return selected.flatMap(({ metric, matchers }) => {
      if (OF_PROMETHEUS.includes(metric)) return [];
      const base = metric.replace(/_(bucket|sum|count)$/, '');
      if (!metrics.has(base)) return [`${metric}: ${expr}`];
      const wanted = [...matchers, ...grouped.map((label) => ({ label, values: null }))];
      return wanted.flatMap(({ label, values }) => {
        const present = samples.flatMap(({ metric: name, labels }) => (name === base ? (labels[label] ?? []) : []));
        const isThere = values && !isPlayed ? present.some((value) => values.test(value)) : present.length > 0;
        return isThere || OF_PROMETHEUS.includes(label) ? [] : [`${metric}{${label}}: ${expr}`];
      });
    });
  };
  const played: string[] = parse(read('prometheus/alerts.test.yaml')).tests[0].input_series.map(
    ({ series }: { series: string }) => series,
  );
  expect(queries.length).toBeGreaterThan(45);
  expect(queries.flatMap(({ expr }) => missing(expr))).toEqual([]);
  expect(played.flatMap((series) => missing(series, true))).toEqual([]);
  const wrong = [
    'sum by (colour) (follow_gateway_redis_up)',
    'follow_gateway_gone',
    'follow_gateway_queries_total{code="none"}',
  ];
  expect(missing(wrong.join(' + '))).toHaveLength(4);
});

test('texts of board and alerts name labels that their queries keep, and every alert has its runbook', () => {
  for (const { expr, legendFormat, annotations, alert } of queries) {
    if (alert) expect([alert, Object.keys(annotations ?? {}).sort()]).toEqual([alert, ['runbook', 'summary']]);
    const text = [legendFormat, ...Object.values(annotations ?? {})].join();
    const shown = Array.from(text.matchAll(/\{\{ *(?:\$labels\.)?(\w+)/g), ([, label = '']) => label);
    const { grouped } = namesIn(expr);
    expect(grouped.length ? grouped : OF_PROMETHEUS, expr).toEqual(expect.arrayContaining(shown));
  }
});

test.each<[string, (rule: ErrorRule) => boolean]>([
  ['FollowGatewayKeyRefused', ({ fault }) => fault === 'operator'],
  ['FollowGatewayThrottled', ({ fault, throttled = false }) => fault === 'gateway' && throttled],
  ['FollowGatewayUpstreamFailing', ({ fault, undone }) => fault === 'upstream' && !undone],
])('the codes of %s are those of the table of errors', (name, belongs) => {
  const { expr = '' } = alerts.find(({ alert }) => alert === name) ?? {};
  const values = namesIn(expr).selected[0]?.matchers[0]?.values;
  const codes = [...ERROR_TABLE].filter(([, rule]) => belongs(rule)).map(([code]) => code);
  expect([...ERROR_TABLE.keys()].filter((code) => values?.test(String(code)))).toEqual(codes);
});

const promtool = (...args: string[]) => promisify(execFile)('promtool', args);

test.skipIf(!isOnPath('promtool'))(
  'promtool: an outage, throttling, silent webhooks and other troubles fire their alerts alone',
  async () => {
    await promtool('check', 'config', join(DEPLOY, 'prometheus/prometheus.yaml'));
    await promtool('test', 'rules', join(DEPLOY, 'prometheus/alerts.test.yaml'));
  },
);

test.skipIf(!isOnPath('promtool'))('promtool: every query of the board is PromQL', async () => {
  const exprs = queries.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m'));
  const rules = exprs.map((expr, n) => ({ record: `query_${n}`, expr }));
  const folder = directoryOf({ 'board.yaml': { groups: [{ name: 'board', rules }] } });
  await promtool('check', 'rules', join(folder, 'board.yaml'));
});

test('the operator’s page names every alert, and no other', () => {
  const named = new Set(read('README.md').match(/FollowGateway[A-Z]\w+/g));
  expect([...named].sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});
