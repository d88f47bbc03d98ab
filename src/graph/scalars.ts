// Scalars for output. Their values are made valid where the upstream's answer is parsed, so none of them can fail.
import { builder } from './builder.ts';

/** `1700000000` becomes `2023-11-14T22:13:20Z`: the upstream's clock has no fractions, so the text has none either. */
export function dateTimeOf(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length)}Z`;
}

builder.scalarType('Date', {
  description: 'A calendar date without a time zone, `YYYY-MM-DD`.',
  specifiedByURL: 'https://scalars.graphql.org/chillicream/local-date.html',
  serialize: (date) => date,
});

builder.scalarType('DateTime', {
  description: 'An instant in UTC with a resolution of one second, `YYYY-MM-DDThh:mm:ssZ`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  // Members of lists bring it as text: a cached page is asked for many times.
  serialize: (time) => (typeof time === 'number' ? dateTimeOf(time) : time),
});

builder.scalarType('ProfileValue', {
  description: 'The value of a raw profile item: a string or a number, as Tencent Cloud Chat keeps it.',
  serialize: (value) => value,
});

builder.scalarType('URL', {
  description: 'An absolute `http` or `https` URL.',
  specifiedByURL: 'https://url.spec.whatwg.org/',
  serialize: (url) => url,
});
