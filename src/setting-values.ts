// What a single setting can be: checks that say in plain words what is wrong. None repeats a value that may be secret.
import { isIP } from 'node:net';
import { z } from 'zod';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const listed = (value: string): string[] =>
  value
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

export const text = z.string({ error: 'is missing' });
export const wholeNumber = (from: number, to: number) =>
  text
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be between ${from} and ${to}`);
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, {
    error: ({ input }) => (input === undefined ? 'is missing' : `must be one of ${values.join(', ')}`),
  });
export const onOrOff = text
  .toLowerCase()
  .refine((value) => ['on', 'off', 'true', 'false', '1', '0'].includes(value), 'must be on or off')
  .transform((value) => ['on', 'true', '1'].includes(value));
export const baseUrl = text.transform((value, { addIssue }) => {
  const url = URL.parse(value);
  const problem = !url
    ? 'must be a URL, for example https://adminapisgp.im.qcloud.com'
    : url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))
      ? 'must be https; plain http is accepted for loopback addresses only'
      : url.pathname !== '/' || url.search || url.hash || url.username || url.password
        ? 'must be a host alone, without path, query or credentials'
        : null;
  if (problem) addIssue(problem);
  return url?.origin ?? value;
});
export const pattern = text.transform((value, { addIssue }) => {
  try {
    new RegExp(value, 'u');
    // Keys of what is remembered are put together with these, so that no id may have them.
    return new RegExp(`^(?!.*[\\s:{}])(?:${value})$`, 'u');
  } catch {
    addIssue('must be a regular expression');
    return /^$/;
  }
});
export const seconds = wholeNumber(0, 30 * 86_400);
function isRedisNode(url: URL): boolean {
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    return false;
  }
  return (
    /^rediss?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    /^\/?\d*$/.test(url.pathname) &&
    url.search + url.hash === '' &&
    url.port !== '0'
  );
}
/** A cluster has one user, one password, and no numbered databases. */
const isSibling = (url: URL, first: URL | null | undefined): boolean =>
  first?.protocol === url.protocol &&
  first.username === url.username &&
  first.password === url.password &&
  /^\/?$/.test(url.pathname);
export const redisUrl = text.transform((value, { addIssue }): URL[] => {
  const nodes = value.split(',').map((node) => URL.parse(node.trim()));
  const [first] = nodes;
  if (nodes.every((url) => url && isRedisNode(url) && (nodes.length === 1 || isSibling(url, first))))
    return nodes as URL[];
  // The value may hold a password, so it is not repeated.
  addIssue(
    'must be redis://user:password@host:port, or rediss://; several nodes of a cluster, alike but for host and port, are separated by commas',
  );
  return [];
});
export const customFields = text
  .transform(listed)
  .refine(
    (keys) => keys.every((key) => /^[A-Za-z]{1,8}$/.test(key)),
    'must be keys of 1 to 8 letters, without Tag_Profile_Custom_, separated by commas',
  );

const LISTS = ['fans', 'follows', 'mutuals'] as const;
const VISIBILITIES = ['public', 'authenticated', 'self'] as const;
export type Visibility = (typeof VISIBILITIES)[number];
export type ListVisibility = Record<(typeof LISTS)[number], Visibility>;
const isOneOf = <T extends string>(values: readonly T[], value: string | undefined): value is T =>
  values.includes(value as T);

/** `self`, or `fans=self,follows=public`; a list that is not named is public. */
export const listVisibility = text.transform((value, { addIssue }): ListVisibility => {
  const visibility: ListVisibility = { fans: 'public', follows: 'public', mutuals: 'public' };
  if (isOneOf(VISIBILITIES, value)) return { fans: value, follows: value, mutuals: value };
  for (const part of value.split(',')) {
    const [list, kind, ...rest] = part.split('=').map((word) => word.trim());
    if (isOneOf(LISTS, list) && isOneOf(VISIBILITIES, kind) && rest.length === 0) visibility[list] = kind;
    else addIssue(`must be ${VISIBILITIES.join(', ')}, or name lists, for example fans=self,follows=public`);
  }
  return visibility;
});

/** Some of `values`, separated by commas. */
export const someOf = <const T extends string>(values: readonly T[]) =>
  text
    .transform((value) =>
      value
        .split(',')
        .map((word) => word.trim())
        .filter(Boolean),
    )
    .refine((words): words is T[] => words.every((word) => isOneOf(values, word)), {
      error: `must be some of ${values.join(', ')}, separated by commas`,
    });

/** Where something is fetched from: https, or plain http on this machine. */
export const fetchUrl = text.transform((value, { addIssue }) => {
  const url = URL.parse(value);
  if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))))
    addIssue('must be an https URL; plain http is accepted for loopback addresses only');
  else if (url.username || url.password) addIssue('must be a URL without credentials');
  return value;
});

/** Headers that mean something else, to us or to everybody. */
const TAKEN_HEADERS =
  /^((proxy-)?authorization|cookie|origin|referer|host|(proxy-)?connection|upgrade|expect|te|transfer-encoding|via|forwarded|x-forwarded-(for|host|port|proto)|x-viewer-secret|x-request-id|user-agent|last-event-id|(accept|access-control|content|if|sec)(-.*)?)$/;
export const headerName = text
  .toLowerCase()
  .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a header: letters, digits and hyphens')
  .refine((name) => !TAKEN_HEADERS.test(name), 'must be a header that means nothing else');

/** Almost any word is an environment; one that is meant to be production must not pass for another. */
export const environment = text.refine(
  (value) => value === 'production' || !/^prod/i.test(value),
  'must be production, or a word that does not look like it',
);
export const hostName = text.refine(
  (value) => isIP(value) !== 0 || /^[\w-]+(\.[\w-]+)*\.?$/.test(value),
  'must be an address or a host name alone, for example 0.0.0.0',
);

/** Two underscores stand in names of GraphQL's and federation's own; one begins those that a router asks for. */
export const graphqlName = text.regex(
  /^(?!.*__)[A-Za-z]\w{0,99}$/,
  'must be a name in GraphQL that begins with a letter and has no "__" in it',
);

export const webhookPath = text
  .regex(/^\/[\w./-]{1,200}$/, 'must be a path such as /hooks/follow')
  .refine((path) => !/^\/(graphql|health)(\/|$)/.test(path), 'must be another path than /graphql and /health');

/** What browsers say of a page: scheme and host, without a path. Pages in a native shell have a scheme of their own. */
const isOrigin = (value: string): boolean =>
  /^https?:[^*]*$/i.test(value)
    ? URL.parse(value)?.origin === value
    : /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+$/.test(value);

/** Exact origins, separated by commas, or all. */
export const origins = text.transform((value, { addIssue }): readonly string[] | '*' => {
  if (value === '*') return value;
  const list = value.split(',').map((origin) => origin.trim());
  if (!list.every(isOrigin)) addIssue('must be origins such as https://app.example, separated by commas, or *');
  return list;
});

/** A number of proxies, or their networks. */
export const proxies = text.transform((value, { addIssue }): number | readonly string[] => {
  if (/^\d$/.test(value)) return Number(value);
  const list = value.split(',').map((network) => network.trim());
  if (!list.every(isNetwork)) addIssue('must be a number of proxies up to 9, or their networks, such as 10.0.0.0/8');
  return list;
});
function isNetwork(value: string): boolean {
  const [address = '', bits = '0', ...rest] = value.split('/');
  const version = isIP(address);
  return version > 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

export const isLoopback = (address: string): boolean => LOOPBACK.test(URL.parse(address)?.hostname ?? '');
