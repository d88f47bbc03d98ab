// What happens in Redis in one step. An entry is `generation|readAt|version|body` and counts only while its generation is
// the group's; a group without one has not changed for longer than entries live.
//
// Under our keys may lie anything: another type, other text. It counts as not there, and is written over.
import { defineScript } from './redis-link.ts';

/** An entry's body for "there is no such thing". */
export const NOTHING = '-';

/** A clock may be wrong by this much, in milliseconds; an entry that is further ahead is not believed. */
export const CLOCK_SKEW_MS = 60_000;

const COMMON = `
  local function text(key)
    local found = redis.pcall('GET', key)
    if type(found) == 'string' then return found end
    -- An empty text is the absence of one; another type is a text that nothing matches.
    return found and '?' or ''
  end
  local function read(entry)
    local generation, readAt, version = string.match(entry, '^(%w*)|(%d+)|(%d*)|')
    if readAt and #readAt <= 15 and #version <= 15 then return generation, tonumber(readAt), version end
  end
`;

/**
 * KEYS generation, entry, lock; ARGV the time after which the wanted entry was read, owner, life of a lock (0: none is
 * wanted), a new generation, its life. Answers { generation, entry or '', 1 for leave to ask the source }.
 * A lock of another generation holds up nobody, and an odd generation is replaced.
 */
export const READ = defineScript(
  `${COMMON}
  local generation = text(KEYS[1])
  if not string.match(generation, '^%w*$') then
    generation = ARGV[4]
    redis.pcall('SET', KEYS[1], generation, 'PX', ARGV[5])
  end
  local entry = text(KEYS[2])
  local own, readAt = read(entry)
  if own ~= generation then entry = '' end
  if own == generation and readAt > tonumber(ARGV[1]) then return { generation, entry, 0 } end
  if ARGV[3] == '0' then return { generation, entry, 1 } end
  local lockedIn, owner = string.match(text(KEYS[3]), '^(%w*) (%S+)$')
  if owner and lockedIn == generation and owner ~= ARGV[2] then return { generation, entry, 0 } end
  -- A Redis that cannot write keeps nobody waiting.
  redis.pcall('SET', KEYS[3], generation .. ' ' .. ARGV[2], 'PX', ARGV[3])
  return { generation, entry, 1 }
`,
);

/**
 * KEYS generation, entry, lock; ARGV generation, readAt, version or '', body, life, owner. Keeps the entry unless its
 * group has changed since, or what is there is newer; a version that the read did not bring is that of what it follows.
 */
export const WRITE = defineScript(
  `${COMMON}
  if text(KEYS[3]) == ARGV[1] .. ' ' .. ARGV[6] then redis.call('DEL', KEYS[3]) end
  if text(KEYS[1]) ~= ARGV[1] then return 0 end
  local version = ARGV[3]
  local own, readAt, known = read(text(KEYS[2]))
  if own == ARGV[1] and readAt <= tonumber(ARGV[2]) + ${CLOCK_SKEW_MS} then
    if version ~= '' and known ~= '' and version ~= known then
      if tonumber(version) < tonumber(known) then return 0 end
    elseif tonumber(ARGV[2]) < readAt then
      return 0
    end
    if version == '' and ARGV[4] ~= '${NOTHING}' then version = known end
  end
  redis.call('SET', KEYS[2], ARGV[1] .. '|' .. ARGV[2] .. '|' .. version .. '|' .. ARGV[4], 'PX', ARGV[5])
  return 1
`,
);

/** KEYS key; ARGV its text: removes it if it is still that. */
export const REMOVE = defineScript(`if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`);
