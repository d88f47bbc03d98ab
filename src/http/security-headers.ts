// What every answer tells browsers, so that nothing that we send can be made to act in a page.

/** Where an answer's headers go: a response of Node's, or what becomes one. */
export type HeaderSink = {
  getHeader(name: string): number | string | string[] | undefined;
  setHeader(name: string, value: string): unknown;
};

/** Answers are data: they load nothing, are shown in no frame, and are no script, image or style of another site. */
const HEADERS: readonly (readonly [string, string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-frame-options', 'DENY'],
  ['cross-origin-resource-policy', 'same-origin'],
  // The URL of a GET request holds what was asked.
  ['referrer-policy', 'no-referrer'],
];

/**
 * How long a connection may be idle: longer than common load balancers wait (60 s), so that they never reuse one that we
 * are closing.
 */
export const KEEP_ALIVE_SECONDS = 65;

export function setSecurityHeaders(response: HeaderSink): void {
  for (const [name, value] of HEADERS) response.setHeader(name, value);
}

/** Adds to what an answer depends on, besides what its other parts have named. */
export function addVary(response: HeaderSink, name: string): void {
  const known = response.getHeader('vary');
  response.setHeader('vary', known ? `${known}, ${name}` : name);
}
