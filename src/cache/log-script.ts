// How an entry gets into the stream, and what lies there.
import { defineScript } from './redis-link.ts';

/**
 * KEYS stream; ARGV about how many entries are kept, an id that the new one must come behind, nonce, text.
 * Answers { id, the id of the entry before it or '' }. Every entry names the one before it: that is how whoever reads
 * the stream knows that nothing lies between.
 */
export const APPEND = defineScript(
  `
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  local before = last and last[1] or ''
  local function add(call, id)
    return call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], id, 'before', before, 'nonce', ARGV[3], 'text', ARGV[4])
  end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local ms, seq = string.match(ARGV[2], '^(%d+)-(%d+)$')
  -- A Redis that was emptied, and whose clock is behind the one that went before, must not go back.
  local id = now <= tonumber(ms) and add(redis.pcall, string.format('%s-%.0f', ms, tonumber(seq) + 1))
  if type(id) ~= 'string' then id = add(redis.call, '*') end
  return { id, before }
`,
  'append',
);

/** An entry as it lies in the stream. `text` is '' where its writer had to drop some; null when it is none of ours. */
export type StreamEntry = {
  readonly id: string;
  readonly before: string | null;
  readonly nonce: string;
  readonly text: string | null;
};

export function readStreamEntry([id, fields]: [string, string[]]): StreamEntry {
  const field = (name: string): string | null => {
    for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1] as string;
    return null;
  };
  return { id, before: field('before'), nonce: field('nonce') ?? '', text: field('text') };
}

/** What an entry says; undefined when that cannot be read. */
export function readText(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
