// What the settings amount to: read from the environment, checked all at once, as the parts of the gateway take them.
import { hkdfSync } from 'node:crypto';
import { z } from 'zod';
import { ConfigError } from './errors.ts';
import { contradictionsIn, misspellingsIn, traceMistakesIn } from './settings/mistakes.ts';
import { PLAIN, SETTINGS } from './settings/settings.ts';
import { REGIONS, type Region } from './tencent/wire.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Config = ReturnType<typeof readConfig>;

type Settings = z.infer<typeof SETTINGS>;
type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name>;
type PlainConfig = { [Name in keyof typeof PLAIN.shape as CamelCase<Name>]: Settings[Name] };

/** The table of settings: name, default as an operator would set it, and meaning. */
export function describeSettings(): { name: string; fallback: string; meaning: string }[] {
  return Object.entries(SETTINGS.shape).map(([name, schema]) => ({
    name,
    fallback: schema instanceof z.ZodPrefault ? String(schema.def.defaultValue) : '',
    meaning: schema.description ?? '',
  }));
}

/** What `env` sets: a blank value counts as unset, and a secret mounted as a file often ends in a newline. */
export const givenIn = (env: Environment): Environment =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])));

/** Whether `env` says nothing at all of an upstream, so that a first start may bring its own. */
export const namesNoUpstream = (env: Environment): boolean =>
  env.NODE_ENV !== 'production' && !Object.keys(env).some((name) => name.startsWith('TENCENT_') && env[name]?.trim());

/** Reads the settings from `env`, or throws one `ConfigError` that names all that is wrong. */
export function readConfig(env: Environment) {
  const given = givenIn(env);
  const { data, error } = SETTINGS.safeParse(given);
  const problems = [
    ...(error?.issues ?? []).map(({ path, message }) => `${String(path[0])} ${message}`),
    ...contradictionsIn(given),
    ...(asksForTraces(given) ? traceMistakesIn(given) : []),
    ...misspellingsIn(given, [...Object.keys(SETTINGS.shape), 'OTEL_EXPORTER_OTLP_ENDPOINT']),
  ];
  if (problems.length > 0 || !data) throw new ConfigError([...new Set(problems)]);
  return { ...toConfig(data), traces: asksForTraces(given) };
}

function toConfig(settings: Settings) {
  const production = settings.NODE_ENV === 'production';
  const plain = Object.keys(PLAIN.shape).map((name) => [
    name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    settings[name as keyof Settings],
  ]);
  const { LIST_FRESH_SECONDS: fresh, LIST_STALE_SECONDS: stale, WEBHOOK_FRESH_SECONDS: webhookFresh } = settings;
  const jwt = {
    jwksUrl: settings.JWT_JWKS_URL ?? '',
    issuer: settings.JWT_ISSUER ?? '',
    audience: settings.JWT_AUDIENCE ?? '',
    userClaim: settings.JWT_USER_CLAIM,
  };
  /** Without a secret, in development alone, the name is believed. */
  const header = { secret: settings.VIEWER_HEADER_SECRET ?? null };
  /** The same on all replicas of an app, and nothing that can be guessed. */
  const derived = (purpose: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', settings.TENCENT_SECRET_KEY, 'follow-gateway', purpose, bytes)).toString(
      'base64url',
    );
  const takes = (...ways: Settings['AUTH']) => ways.some((way) => settings.AUTH.includes(way));
  return {
    // The names are those of the type, letter by letter.
    ...(Object.fromEntries(plain) as PlainConfig),
    production,
    tencent: {
      sdkAppId: settings.TENCENT_SDK_APP_ID,
      secretKey: settings.TENCENT_SECRET_KEY,
      adminId: settings.TENCENT_ADMIN,
      // One of the two is set.
      baseUrl: settings.TENCENT_BASE_URL ?? `https://${REGIONS[settings.TENCENT_REGION as Region]}`,
      timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    },
    redis: settings.REDIS_URL
      ? {
          nodes: settings.REDIS_URL,
          isCluster: settings.REDIS_CLUSTER,
          caPath: settings.REDIS_CA ?? null,
          timeoutMs: settings.REDIS_TIMEOUT_MS,
        }
      : null,
    memoryBytes: settings.CACHE_MEMORY_MB * 1024 * 1024,
    lifetimes: {
      page: { ...lifetimes(fresh, stale, webhookFresh), validatedMs: settings.LIST_VALIDATED_SECONDS * 1000 },
      counts: lifetimes(fresh, stale, webhookFresh),
      relation: lifetimes(fresh, Math.min(stale, 600), webhookFresh),
      // Their webhooks are switches of their own in the console: that others arrive says nothing of them.
      block: lifetimes(fresh, Math.min(stale, 600), 0),
      blocked: lifetimes(fresh, stale, 0),
      presence: lifetimes(PRESENCE_FRESH_SECONDS, 60, 0),
      // Nothing invalidates a search but time: the upstream takes two a second of the whole app.
      search: lifetimes(60, 600, 60),
      // Webhooks do not tell of every change of a profile (CONTRACT 7.4).
      profile: lifetimes(settings.PROFILE_FRESH_SECONDS, 86_400, 0),
    },
    auth: {
      userSig: takes('usersig'),
      jwt: takes('jwt') ? jwt : null,
      header: takes('header', 'development') ? header : null,
    },
    writeLagMs: settings.WRITE_LAG_SECONDS * 1000,
    webhook: settings.WEBHOOK_TOKEN
      ? { token: settings.WEBHOOK_TOKEN, path: settings.WEBHOOK_PATH ?? `/webhooks/${derived('webhook path 1', 18)}` }
      : null,
    hive: settings.HIVE_TOKEN
      ? { token: settings.HIVE_TOKEN, target: settings.HIVE_TARGET ?? null, endpoint: settings.HIVE_ENDPOINT ?? null }
      : null,
    introspection: settings.INTROSPECTION ?? !production,
    graphiql: settings.GRAPHIQL ?? !production,
    trustedDocuments: { mode: settings.TRUSTED_DOCUMENTS, path: settings.TRUSTED_DOCUMENTS_PATH ?? null },
    federation: { type: settings.FEDERATION_USER_TYPE, key: settings.FEDERATION_USER_KEY },
    /** Plain http is taken for this machine alone; null before the real upstream. */
    sandboxOrigin: settings.TENCENT_BASE_URL?.startsWith('http:') ? settings.TENCENT_BASE_URL : null,
    /** Authenticates item cursors. */
    cursorKey: derived('item cursor 1', 32),
    // No operator has a reason to set these.
    /** Upstream page size that client pages are sliced from. */
    chunkSize: 100,
    /** Of one mutation. */
    maxTargets: 100,
    eventLogLength: 10_000,
    maxBodyBytes: 102_400,
    maxDepth: 15,
    maxDirectives: 50,
    // This number of values keeps a core busy for some 50 ms.
    maxValues: 20_000,
    maxResponseBytes: 1_048_576,
  };
}

/** Whether the standard variables of OpenTelemetry ask for traces; the SDK reads them, and all others, by itself. */
const asksForTraces = (env: Environment): boolean =>
  Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT) &&
  env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true' &&
  env.OTEL_TRACES_EXPORTER !== 'none';

/** Logins are many, and not all webhooks of them come. */
const PRESENCE_FRESH_SECONDS = 10;

/** In seconds. A fresh time of 0 asks at every query, with webhooks too. */
function lifetimes(fresh: number, stale: number, webhookFresh: number) {
  return {
    freshMs: fresh * 1000,
    webhookFreshMs: fresh && Math.max(fresh, webhookFresh) * 1000,
    staleMs: Math.max(fresh, stale) * 1000,
  };
}
