// Scalars for output. Their values are made valid where the upstream's answer is parsed, so none of them can fail.
import { builder } from './builder.ts';

const DAY_SECONDS = 86_400;
/** The members of a list share few days. */
const MOST_DAYS = 10_000;
const dates = new Map<number, string>();

/** Days since the epoch as `2023-11-14`. */
function dateOf(day: number): string {
  const known = dates.get(day);
  if (known) return known;
  const [date = ''] = new Date(day * DAY_SECONDS * 1000).toISOString().split('T');
  if (dates.size >= MOST_DAYS) dates.clear();
  dates.set(day, date);
  return date;
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
const twoDigits = (number: number): string => TWO_DIGITS[Math.floor(number)] as string;

/** `1700000000` becomes `2023-11-14T22:13:20Z`: the upstream's clock has no fractions, so the text has none either. */
export function dateTimeOf(seconds: number): string {
  const day = Math.floor(seconds / DAY_SECONDS);
  const second = seconds - day * DAY_SECONDS;
  const time = `${twoDigits(second / 3600)}:${twoDigits((second / 60) % 60)}:${twoDigits(second % 60)}`;
  return `${dateOf(day)}T${time}Z`;
}

builder.scalarType('Date', {
  description: 'A calendar date without a time zone, `YYYY-MM-DD`.',
  specifiedByURL: 'https://scalars.graphql.org/chillicream/local-date.html',
  serialize: (date) => date,
});

builder.scalarType('DateTime', {
  description: 'An instant in UTC with a resolution of one second, `YYYY-MM-DDThh:mm:ssZ`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  // Members of lists bring it as text: a page is asked for many times.
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
