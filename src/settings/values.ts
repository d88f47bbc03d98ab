// What a setting can be. Messages never repeat a value, since it may be secret.
import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
import { z } from 'zod';

export const text = z.string({ error: 'is missing' });
export const secret = text.min(16, 'must have at least 16 characters');
export const listOf = (value: string): string[] => value.split(',').map((word) => word.trim());
export const words = text.transform((value) => listOf(value).filter(Boolean));
export const wordsOf = (form: RegExp, message: string) =>
  words.refine((list) => list.every((word) => form.test(word)), message);
export const wholeNumber = (from: number, to: number) =>
  text
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be between ${from} and ${to}`);
export const number = (from: number, to: number, fallback: number, meaning: string) =>
  wholeNumber(from, to).prefault(String(fallback)).describe(meaning);
export const seconds = (fallback: number, meaning: string) => number(0, 30 * 86_400, fallback, meaning);
export const oneOf = <const T extends string>(values: readonly T[]) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });
export const onOrOff = z.stringbool({
  truthy: ['on', 'true', '1'],
  falsy: ['off', 'false', '0'],
  error: 'must be on or off',
});
export const pattern = text.transform((value, { addIssue }) => {
  try {
    new RegExp(value, 'u');
    // Cache keys are composed with these characters, so that no id may have them.
    return new RegExp(`^(?!.*[\\s:{}])(?:${value})$`, 'u');
  } catch {
    addIssue('must be a regular expression');
    return z.NEVER;
  }
});

export const httpsUrl = text.transform((value, { addIssue }) => {
  const url = URL.parse(value);
  if (!url) addIssue('must be a URL');
  else if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    addIssue('must be https; plain http is accepted for loopback addresses only');
  else if (url.username || url.password) addIssue('must be a URL without credentials');
  return value;
});
export const baseUrl = httpsUrl.transform((value, { addIssue }) => {
  const url = new URL(value);
  if (url.href !== `${url.origin}/`) addIssue('must be a host alone, for example https://adminapisgp.im.qcloud.com');
  return url.origin;
});
export const redisNodes = text.transform((value, { addIssue }): URL[] => {
  const [, login, hosts = '', name] = /^(rediss?\+sentinel:\/\/(?:[^/@]*@)?)([^/@]+)(\/[\w.-]+)$/.exec(value) ?? [];
  const urls = login ? listOf(hosts).map((host) => login + host + name) : listOf(value).filter(Boolean);
  const nodes = urls.flatMap((url) => URL.parse(url) ?? []);
  // A cluster has no numbered databases.
  const path = login ? '\\/[^/]+' : nodes.length > 1 ? '\\/?' : '(\\/\\d*)?';
  const form = new RegExp(`^(rediss?${login ? '\\+sentinel' : ''}://([^/]*@)?)[^/@?#]+${path}$`);
  const start = (url: URL | undefined) => url && form.exec(url.href)?.[1];
  const isNode = (url: URL) => url.port !== '0' && start(url) !== undefined && start(url) === start(nodes[0]);
  if (nodes.length === 0 || nodes.length < urls.length || !nodes.every(isNode))
    addIssue(
      'must be redis:// or rediss://user:password@host:port, or such nodes of a cluster, separated by commas, or redis+sentinel://user:password@host:port,host:port/name',
    );
  return nodes;
});

const VISIBILITY = z.enum(['public', 'authenticated', 'self']).default('public');
const BY_LIST = z.strictObject({ fans: VISIBILITY, follows: VISIBILITY, mutuals: VISIBILITY });
export const listVisibility = text.transform((value, { addIssue }) => {
  const named = value.includes('=') ? listOf(value) : Object.keys(BY_LIST.shape).map((list) => `${list}=${value}`);
  const pairs = named.map((part) => part.split('=').map((word) => word.trim()));
  const { data } = BY_LIST.safeParse(Object.fromEntries(pairs));
  const isEachOnce = new Set(pairs.map(([list]) => list)).size === pairs.length;
  if (data && isEachOnce && pairs.every((pair) => pair.length === 2)) return data;
  addIssue('must be public, authenticated or self, or name lists once each, for example fans=self,follows=public');
  return z.NEVER;
});

export const hostName = text.refine(
  (value) => isIP(value) !== 0 || /^[\w-]+(\.[\w-]+)*\.?$/.test(value),
  'must be an address or a host name alone, for example 0.0.0.0',
);
export const graphqlName = text.regex(
  /^(?!.*__)[A-Za-z]\w{0,99}$/,
  'must be a name in GraphQL, without "__", from a letter on',
);
export const webhookPath = text
  .regex(/^\/[\w./-]{1,200}$/, 'must be a path such as /hooks/follow')
  .refine((path) => !/^\/(graphql|health)(\/|$)/.test(path), 'must be another path than /graphql and /health');
/** What browsers send as a page's origin. Pages in a native shell have a scheme of their own. */
const isOrigin = (value: string): boolean =>
  /^https?:/i.test(value)
    ? URL.parse(value)?.origin === value && !value.includes('*')
    : /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+$/.test(value);
export const origins = text.transform((value, { addIssue }): string[] | '*' => {
  const list = value === '*' ? value : listOf(value);
  if (list !== '*' && !list.every(isOrigin)) addIssue('must be origins such as https://app.example, or *');
  return list;
});
export const proxies = text.transform((value, { addIssue }): number | string[] => {
  if (/^\d$/.test(value)) return Number(value);
  try {
    // isIP refuses short forms: 10 is a number of proxies, not 0.0.0.10.
    if (listOf(value).every((network) => isIP(network.split('/')[0] ?? ''))) proxyAddr.compile(listOf(value));
    else throw new TypeError();
  } catch {
    addIssue('must be a number of proxies up to 9, or their networks, such as 10.0.0.0/8');
  }
  return listOf(value);
});

/** Whether a host, as HOST or a URL's `hostname` has it, is this machine alone. */
export const isLoopback = (host = ''): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
