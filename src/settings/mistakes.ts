// What can be wrong with settings beside their values: pairs that exclude or need each other, and names that are none.
import { REGIONS } from '../tencent/wire.ts';
import { isLoopback, listOf } from './values.ts';

type Given = Readonly<Record<string, string | undefined>>;

/** Kubernetes sets such variables in every container for a service called redis, webhook or tencent. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$/;
/** Mesos sets the first in every container; compose files name the user of a container by the other. */
const OF_OTHERS = /^(PORTS|PORT\d+|USER_ID)$/;

const PAIRS = 'must be name=value, separated by commas';
/** What variables of OpenTelemetry can be: its SDK passes over in silence what it cannot read. */
const OF_TRACES: [name: RegExp, value: Pick<RegExp, 'test'>, remedy: string][] = [
  [
    /^OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT$/,
    { test: (url) => /^https?:\/\//i.test(url) && URL.canParse(url) },
    'must be a URL such as http://collector:4318',
  ],
  [/^OTEL_EXPORTER_OTLP_(TRACES_)?PROTOCOL$/, /^http\//, 'must be http/json: spans are sent in no other way'],
  [/^OTEL_EXPORTER_OTLP_(TRACES_)?HEADERS$/, /^(\s*[\w.-]+\s*=[^,]+(,|$))+$/, PAIRS],
  [/^OTEL_RESOURCE_ATTRIBUTES$/, /^([^,=]+=[^,=]*(,|$))+$/, PAIRS],
  [
    /^OTEL_TRACES_SAMPLER$/,
    /^(parentbased_)?(always_on|always_off|traceidratio)$/,
    'must be always_on, always_off or traceidratio, or such a name after parentbased_',
  ],
  [/^OTEL_TRACES_SAMPLER_ARG$/, /^(0?\.\d+|0|1(\.0+)?)$/, 'must be between 0 and 1'],
  [/^OTEL_(BSP_\w+|EXPORTER_OTLP_(TRACES_)?TIMEOUT)$/, /^[1-9]\d*$/, 'must be a whole number from 1 on'],
];

export const traceMistakesIn = (given: Given): string[] =>
  Object.entries(given).flatMap(([name, value = '']) =>
    OF_TRACES.filter(([known, form]) => known.test(name) && !form.test(value)).map(
      ([, , remedy]) => `${name} ${remedy}`,
    ),
  );

const isOn = (value = ''): boolean => /^(on|true|1)$/i.test(value);

/** What a way to authenticate needs, and nothing else takes. */
const NEEDED = { JWT_JWKS_URL: 'jwt', JWT_ISSUER: 'jwt', JWT_AUDIENCE: 'jwt', VIEWER_HEADER_SECRET: 'header' };

/** Pairs of settings that exclude or need each other. */
export function contradictionsIn(given: Given): string[] {
  const problems: string[] = [];
  const refuse = (isWrong: unknown, problem: string) => isWrong && problems.push(problem);
  const { TENCENT_REGION, TENCENT_BASE_URL, PORT = '4000' } = given;
  const ways = listOf(given.AUTH ?? '');
  const regions = Object.keys(REGIONS).join(', ');
  refuse(TENCENT_REGION && TENCENT_BASE_URL, 'TENCENT_REGION and TENCENT_BASE_URL are both set: keep one');
  refuse(
    !TENCENT_REGION && !TENCENT_BASE_URL,
    `TENCENT_REGION is missing (one of ${regions}), or TENCENT_BASE_URL in its place`,
  );
  for (const [name, way] of Object.entries(NEEDED)) {
    refuse(ways.includes(way) && !given[name], `${name} is missing: AUTH names ${way}`);
    refuse(!ways.includes(way) && given[name], `AUTH does not name ${way}: ${name} is set`);
  }
  const takesAnybody = ways.includes('development');
  refuse(
    takesAnybody && (given.NODE_ENV === 'production' || !isLoopback(URL.parse(TENCENT_BASE_URL ?? '')?.hostname)),
    'AUTH names development, which lets anybody be anybody: it is for a sandbox on this machine alone',
  );
  refuse(
    takesAnybody && ways.includes('header'),
    'AUTH names development, which takes x-viewer-id without a secret: leave header out',
  );
  refuse(
    ways.includes('header') && given.CORS_ORIGINS === '*',
    'CORS_ORIGINS is *, but AUTH names header, so that cookies may name the viewer: name the origins',
  );
  refuse(
    isOn(given.REDIS_CLUSTER) && !/^rediss?:/.test(given.REDIS_URL ?? ''),
    'REDIS_CLUSTER is for redis:// and rediss://, which REDIS_URL is not',
  );
  refuse(given.REDIS_CA && !given.REDIS_URL?.startsWith('rediss'), 'REDIS_CA is for rediss://, which REDIS_URL is not');
  for (const name of ['HIVE_TARGET', 'HIVE_ENDPOINT'])
    refuse(given[name] && !given.HIVE_TOKEN, `HIVE_TOKEN is missing: ${name} is set`);
  refuse(
    given.HIVE_TOKEN && /^hvo1\//.test(given.HIVE_TOKEN) !== Boolean(given.HIVE_TARGET),
    'HIVE_TARGET belongs to tokens of an organization, which begin with hvo1/, and such a token needs it',
  );
  refuse(given.WEBHOOK_PATH && !given.WEBHOOK_TOKEN, 'WEBHOOK_TOKEN is missing: WEBHOOK_PATH is set');
  refuse(
    given.TRUSTED_DOCUMENTS_PATH && !given.TRUSTED_DOCUMENTS,
    'TRUSTED_DOCUMENTS is missing: TRUSTED_DOCUMENTS_PATH is set',
  );
  refuse(
    given.TRUSTED_DOCUMENTS === 'strict' && isOn(given.AUTOMATIC_PERSISTED_QUERIES),
    'AUTOMATIC_PERSISTED_QUERIES takes any document, and TRUSTED_DOCUMENTS=strict none: keep one',
  );
  refuse(PORT !== '0' && given.METRICS_PORT === PORT, 'METRICS_PORT must be another port than PORT');
  return problems;
}

/** What is wrong with variables that look like one of `settings` and are none: they would be ignored silently. */
export function misspellingsIn(given: Given, settings: readonly string[]): string[] {
  return Object.keys(given).flatMap((name) => {
    const upper = name.toUpperCase();
    if (settings.includes(name) || OF_OTHERS.test(upper)) return [];
    const alike = settings.filter((known) => isOneEditAway(upper, known));
    // A first word alone may be of others: npm sets NODE.
    const isBeginning = alike.length === 0 && /_./.test(upper);
    const close = isBeginning ? settings.filter((known) => known.startsWith(upper)) : alike;
    const [family = '-'] = /^(TENCENT|WEBHOOK|REDIS)_/.exec(upper) ?? [];
    // Platforms set other names beside REDIS_URL.
    const isForeign = OF_KUBERNETES.test(upper) || (family === 'REDIS_' && given.REDIS_URL);
    const meant = close.length > 0 || isForeign ? close : settings.filter((known) => known.startsWith(family));
    return meant.length > 0 ? `${name} is no setting of this gateway; is ${meant.join(' or ')} meant?` : [];
  });
}

/** Whether `name` is `known` but for one letter more, less or other, or two that are swapped. */
function isOneEditAway(name: string, known: string): boolean {
  let same = 0;
  while (same < name.length && name[same] === known[same]) same++;
  const [a, b] = [name.slice(same), known.slice(same)];
  const isSwapped = a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2);
  const isLongerOrShorter = a.slice(1) === b || a === b.slice(1);
  // Other words are as near to a short name: OAUTH to AUTH, and POST to PORT.
  if (known.length < 8) return same > 0 && (isLongerOrShorter || isSwapped);
  return isLongerOrShorter || isSwapped || a.slice(1) === b.slice(1);
}
