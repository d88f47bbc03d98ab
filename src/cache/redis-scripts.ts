// What happens in Redis in one step. Redis' own clock orders reads and forgets for all replicas: a read has a ticket,
// the microsecond at which it began, and counts only if its group was not forgotten at or after it.
//
// Under our keys may lie anything: another type, other text, numbers from a wrong clock. That is in nobody's way: it
// counts as not there, and is written over.
import { defineScript } from './redis-link.ts';

/** An entry's body for "there is no such thing". */
export const NOTHING = '-';

/** A clock may be wrong by so much, in milliseconds; an entry that is further ahead is not believed. */
export const CLOCK_DIFFERENCE_MS = 60_000;

const COMMON = `
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

  local function text(key)
    local found = redis.pcall('GET', key)
    return type(found) == 'string' and found or ''
  end

  local function forgottenAt(key)
    local at = tonumber(string.match(text(key), '^%d+$'))
    return at and at <= now and at or 0
  end

  -- readAt, ticket and version of an entry that its group's forgetting has left standing
  local function read(entry, forgotten)
    local readAt, ticket, version = string.match(entry, '^(%d+)|(%d+)|(%d*)|')
    if not readAt or #readAt > 15 or #ticket > 17 or #version > 15 then return end
    if tonumber(ticket) > now or tonumber(ticket) <= forgotten then return end
    return tonumber(readAt), tonumber(ticket), version
  end
`;

/**
 * KEYS entry, forgotten, lease; ARGV what is known was read at, replica, life of a lease (0: none is wanted).
 * Answers { ticket, 1 or 0 for leave to read, an entry that is newer than what is known, when its group was forgotten }.
 * A lease from before the last forget holds up nobody, nor does one whose holder has died.
 */
export const TURN = defineScript(
  `${COMMON}
  local forgotten = forgottenAt(KEYS[2])
  local micros = string.format('%.0f', now)
  local entry = text(KEYS[1])
  local readAt = read(entry, forgotten)
  if readAt and readAt > tonumber(ARGV[1]) then
    return { micros, 0, entry, string.format('%.0f', forgotten) }
  end
  local life = tonumber(ARGV[3])
  if life == 0 then return { micros, 1 } end
  local taken = tonumber(string.match(text(KEYS[3]), '^(%d+) '))
  if taken and taken > forgotten and taken <= now and taken > now - life * 1000 then return { micros, 0 } end
  -- A Redis that cannot write keeps nobody waiting.
  redis.pcall('SET', KEYS[3], micros .. ' ' .. ARGV[2], 'PX', life)
  return { micros, 1 }
`,
  'turn',
);

/** KEYS lease; ARGV its ticket, replica. */
export const RELEASE = defineScript(
  `if redis.pcall('GET', KEYS[1]) == ARGV[1] .. ' ' .. ARGV[2] then redis.call('DEL', KEYS[1]) end`,
  'release',
);

/**
 * KEYS entry, forgotten, lease; ARGV readAt, ticket, version or '', body, life, replica, the replica's time.
 * Keeps the entry unless its group was forgotten since, or what is there is newer; a version that the read did not
 * bring is that of what it follows.
 */
export const KEEP = defineScript(
  `${COMMON}
  if text(KEYS[3]) == ARGV[2] .. ' ' .. ARGV[6] then redis.call('DEL', KEYS[3]) end
  local forgotten = forgottenAt(KEYS[2])
  if tonumber(ARGV[2]) <= forgotten then return 0 end
  local version = ARGV[3]
  local readAt, _, known = read(text(KEYS[1]), forgotten)
  if readAt and readAt <= tonumber(ARGV[7]) + ${CLOCK_DIFFERENCE_MS} then
    if version ~= '' and known ~= '' and version ~= known then
      if tonumber(version) < tonumber(known) then return 0 end
    elseif tonumber(ARGV[1]) < readAt then
      return 0
    end
    if version == '' and ARGV[4] ~= '${NOTHING}' then version = known end
  end
  redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2] .. '|' .. version .. '|' .. ARGV[4], 'PX', ARGV[5])
  return 1
`,
  'keep',
);

/** KEYS entry; ARGV its text: removes it if it is still that. */
export const DISCARD = defineScript(
  `if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`,
  'discard',
);

/**
 * KEYS forgotten, the group's entry where it has but one; ARGV life of the mark.
 * The mark is what counts; deleting frees memory, and works where writing does not.
 */
export const FORGET = defineScript(
  `${COMMON}
  local kept = redis.pcall('SET', KEYS[1], string.format('%.0f', now), 'PX', ARGV[1])
  redis.pcall('DEL', KEYS[2])
  return kept
`,
  'forget',
);
