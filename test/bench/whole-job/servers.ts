// The servers of the whole job, each with what it takes to start it in front of an upstream.
import { type Settings, startGateway, startServer } from '../measuring/servers.ts';
import type { Start } from './queries.ts';

export type Server = {
  title: string;
  start: Start;
  /** Whether it is told of changes, and must show them within a second. */
  hasWebhooks?: boolean;
};

export const WEBHOOK = { WEBHOOK_TOKEN: 'a-token-of-the-benches', WEBHOOK_PATH: '/hooks/follow' };

/** Nothing is served that is older than it may be fresh. */
const NOTHING_STALE = { LIST_STALE_SECONDS: '30' };

const peer =
  (script: string, env: Settings): Start =>
  (upstream) =>
    startServer(`peers/${script}.ts`, { UPSTREAM: upstream.origin, ...env });

/** As shipped, but for the rate at a smaller limit than the upstream's. */
const gateway =
  (settings: Settings): Start =>
  (upstream, limitPerSecond) =>
    startGateway(upstream, { UPSTREAM_RATE: String(limitPerSecond * 0.9), ...settings });

export const SERVERS: Record<string, Server> = {
  yoga: { title: 'Yoga + Pothos + DataLoader, no cache', start: peer('job-yoga', {}) },
  'yoga-cache': { title: 'the same with its response cache, 30 s', start: peer('job-yoga', { CACHE: 'on' }) },
  'mercurius-cache': { title: 'mercurius with JIT and its cache, 30 s', start: peer('job-mercurius', { CACHE: 'on' }) },
  gateway: { title: 'gateway, nothing older than 30 s', start: gateway(NOTHING_STALE) },
  'gateway-stale': { title: 'gateway, stale allowed as shipped', start: gateway({}) },
  'gateway-webhooks': {
    title: 'gateway with webhooks',
    start: gateway({ ...NOTHING_STALE, ...WEBHOOK }),
    hasWebhooks: true,
  },
};
