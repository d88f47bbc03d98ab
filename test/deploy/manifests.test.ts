// The manifests against a running gateway: settings that exist, ports and paths that answer, and nothing that needs root.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeSettings, readConfig } from '../../src/config.ts';
import { outcomesOf, ROOT, start, startSandbox } from '../process/start-process.ts';
import { startRedis } from '../support/redis.ts';

type Env = Record<string, string>;
/** Services of compose.yaml, as far as they are looked at. */
type Service = { command?: string[]; environment?: Env; volumes?: string[] } & Record<string, unknown>;
/** What has a name in a manifest. */
type Named = { name: string; containerPort: number; targetPort: string };

const read = (path: string) => readFileSync(`${ROOT}/${path}`, 'utf8');
const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> };
const FOLDER = 'deploy/kubernetes';
const files = readdirSync(`${ROOT}/${FOLDER}`).filter((name) => name !== 'kustomization.yaml');
const kustomization = parse(read(`${FOLDER}/kustomization.yaml`));
const manifests = Object.fromEntries(files.map((name) => [name.slice(0, -5), parse(read(`${FOLDER}/${name}`))]));
const pod = manifests.deployment.spec.template.spec;
const [container] = pod.containers;
const inCluster: Env = Object.fromEntries(
  kustomization.configMapGenerator[0].literals.map((pair: string) => pair.split(/=(.*)/s)),
);
const IMAGE: Env = { NODE_ENV: 'production', HOST: '127.0.0.1' };

const unknownIn = (env: Env) => {
  const settings = describeSettings().map(({ name }) => name);
  return Object.keys(env).filter((name) => !settings.includes(name) && !name.startsWith('OTEL_'));
};
/** The same settings on free ports, without a collector that is not there. */
const here = (env: Env): Env => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_EXPORTER'))),
  ...{ PORT: '0', METRICS_PORT: '0', SHUTDOWN_DRAIN_MS: '0' },
});
const statusOf = async (url: string) => (await fetch(url)).status;

test('the settings of the cluster start a gateway, on whose ports probes, service and monitor find what they ask for', async () => {
  expect(unknownIn(inCluster)).toEqual([]);
  const secret = { TENCENT_SDK_APP_ID: '1400000000', TENCENT_SECRET_KEY: 'k'.repeat(64), WEBHOOK_TOKEN: 'token' };
  const env = { ...secret, ...inCluster };
  for (const name of [...Object.keys(secret), 'REDIS_URL'])
    expect(read(`${FOLDER}/kustomization.yaml`)).toContain(name);
  const { shutdownDrainMs, requestDeadlineMs } = readConfig(env);
  expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(shutdownDrainMs + requestDeadlineMs + 5000);

  const gateway = start([], { env: { ...IMAGE, ...here(env) } });
  const [, metricsUrl = ''] = await gateway.said(/"url":"(http:[^"]+\/metrics)"/);
  const [, url = ''] = await gateway.said(/"url":"(http:[^"]+)\/graphql"/);
  for (const name of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    expect(container[name].httpGet.port).toBe('http');
    expect(await statusOf(url + container[name].httpGet.path)).toBe(200);
  }
  const [endpoint] = manifests['service-monitor'].spec.endpoints;
  expect(await statusOf(new URL(endpoint.path, metricsUrl).href)).toBe(200);

  const ports = container.ports.map(({ name, containerPort }: Named) => [name, containerPort]);
  const [, exposed] = /^EXPOSE (\d+)$/m.exec(read('Dockerfile')) ?? [];
  expect(ports).toEqual([
    ['http', Number(exposed)],
    ['metrics', Number(inCluster.METRICS_PORT)],
  ]);
  const { service, 'network-policy': policy } = manifests;
  expect(service.spec.ports.map(({ targetPort }: Named) => targetPort)).toEqual(['http', 'metrics']);
  expect(service.spec.ports.map(({ name }: Named) => name)).toContain(endpoint.port);
  const opened = policy.spec.ingress.map((rule: { ports: [{ port: string }] }) => rule.ports[0].port);
  expect(opened).toEqual(['http', 'metrics']);
});

test('in the cluster it runs without root, writes or rights, within limits, and its parts find each other', () => {
  const unprivileged = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
  expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: unprivileged });
  const powerless = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
  expect(container).toMatchObject({
    securityContext: powerless,
    // 640 MB and twice CACHE_MEMORY_MB.
    resources: { limits: { cpu: '2', memory: `${640 + 2 * 128}Mi` }, requests: { cpu: '500m' } },
  });
  expect(kustomization.resources.toSorted()).toEqual(files);
  const { deployment, service, 'network-policy': policy, ...others } = manifests;
  const { labels } = deployment.spec.template.metadata;
  expect(Object.keys(labels)).toEqual(['app.kubernetes.io/name']);
  const selecting = [deployment, others['pod-disruption-budget'], others['service-monitor']];
  for (const selector of [policy.spec.podSelector, ...selecting.map(({ spec }) => spec.selector)])
    expect(selector).toEqual({ matchLabels: labels });
  expect([service.spec.selector, service.metadata.labels]).toEqual([labels, labels]);
  expect(others['horizontal-pod-autoscaler'].spec.scaleTargetRef.name).toBe(deployment.metadata.name);
});

test('compose: two gateways on one sandbox and one Redis answer the visitors, and take its webhooks', async () => {
  const [redis, sandbox] = await Promise.all([startRedis(), startSandbox(['--lively'])]);
  const moved = { TENCENT_BASE_URL: sandbox.url, REDIS_URL: redis.url };
  let script =
    services.visitors?.command?.at(-1)?.replaceAll('$$', '$').replace('http://127.0.0.1:4100', sandbox.url) ?? '';
  expect(services.sandbox?.ports).toEqual(['127.0.0.1:4000-4001:4000-4001']);
  const gateways = await Promise.all(
    [4000, 4001].map(async (port, n) => {
      const { environment = {}, network_mode, read_only } = services[`gateway-${n + 1}`] ?? {};
      expect([network_mode, read_only, environment.PORT]).toEqual(['service:sandbox', true, port]);
      expect(unknownIn(environment)).toEqual([]);
      expect(read('deploy/prometheus/prometheus.yaml')).toContain(`sandbox:${environment.METRICS_PORT}`);
      const gateway = start([], { env: { ...IMAGE, ...here(environment), ...moved } });
      const [, url = ''] = await gateway.said(/(http:\S+)\/graphql/);
      script = script.replace(`http://127.0.0.1:${port}`, url);
      return gateway;
    }),
  );
  start(['--eval', script], { command: [process.execPath] });
  await Promise.all(gateways.map(({ said }) => said(/"operationName":"Visit"[^\n]*"errorCodes":\[\]/)));
  await expect.poll(() => outcomesOf(sandbox.url)).toContain('answered');
});

test('compose: what it mounts is there', () => {
  const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((mount) => mount.split(':')[0]));
  expect(mounts.length).toBeGreaterThan(3);
  expect(mounts.filter((path) => !existsSync(`${ROOT}/${path}`))).toEqual([]);
});
