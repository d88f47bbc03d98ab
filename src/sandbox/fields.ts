// Checks JSON that somebody wrote by hand (faults, changes to the world, a webhook's address), with messages that name
// the bad part and what belongs there.

/** What a field may hold, by the words with which messages and `GET /sandbox` say it. */
type FieldTypes = {
  text: string;
  'a pattern': string;
  'a whole number': number;
  'a positive number': number;
  'a list of texts': string[];
  'tags with texts or numbers': Record<string, string | number>;
};

export type Fields = { readonly [name: string]: keyof FieldTypes };

/** The values of such fields: `{ ms: 'a positive number' }` → `{ ms: number }`. */
export type ValuesOf<F extends Fields> = { [N in keyof F]: FieldTypes[F[N]] };

const IS: { [T in keyof FieldTypes]: (value: unknown) => boolean } = {
  text: (value) => typeof value === 'string',
  'a pattern': (value) => typeof value === 'string' && isPattern(value),
  'a whole number': (value) => Number.isSafeInteger(value),
  'a positive number': (value) => Number.isSafeInteger(value) && Number(value) > 0,
  'a list of texts': (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string'),
  'tags with texts or numbers': (value) =>
    isObject(value) && Object.values(value).every((tag) => typeof tag === 'string' || typeof tag === 'number'),
};

/** Throws an Error when `given` lacks one of `needs`, has another field than both, or holds a value of another type. */
export function checkFields(
  subject: string,
  given: { [field: string]: unknown },
  { needs = {}, takes = {} }: { needs?: Fields; takes?: Fields },
): void {
  const fields = new Map(Object.entries({ ...needs, ...takes }));
  for (const [name, value] of Object.entries(given)) {
    const type = fields.get(name);
    if (!type) throw new Error(`${subject} has no ${JSON.stringify(name)}; it takes ${[...fields.keys()].join(', ')}`);
    if (value !== undefined && !IS[type](value)) throw new Error(`${subject}: ${name} must be ${type}`);
  }
  const missing = Object.keys(needs).find((name) => given[name] === undefined);
  if (missing !== undefined) throw new Error(`${subject} needs ${missing}: ${needs[missing]}`);
}

export function isObject(value: unknown): value is { [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPattern(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}
