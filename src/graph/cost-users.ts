// What it costs to select fields of users: of one, or of as many as there are in a list.
import type { FieldNode } from 'graphql';
import type { GraphSettings } from '../context.ts';
import type { FollowList, UserId } from '../follow/model.ts';
import { upstreamPageSize } from '../follow/page-size.ts';
import { SEARCH_PAGES } from '../follow/walk.ts';
import { DEFAULT_PAGE_SIZE } from './connection.ts';
import { type Bill, LARGEST, type Wave } from './cost-bill.ts';
import { type Reader, UNKNOWN } from './cost-fields.ts';
import { decodeCursor } from './item-cursor.ts';

export type CostSettings = Pick<GraphSettings, 'maxPageSize' | 'chunkSize' | 'maxTargets' | 'cursorKey'> & {
  knownFansMaxCalls: number;
  /** Whether members of a list come with all of their profile. */
  embedsProfiles: boolean;
  /** Fields of a user that tell who it is. */
  keys: readonly string[];
};

/** Who asks: an account, somebody, or nobody. */
export type Asking = UserId | typeof UNKNOWN | null;

/** Users of whom the same is asked. */
export type Users = {
  /** Fields that lead to them. */
  from: readonly FieldNode[];
  /** How many there are in each wave. */
  count: number;
  /** Whose id it is, when it is one. */
  id: UserId | null;
  hasProfile: boolean;
};

const COUNTS = new Set(['fansCount', 'followsCount', 'mutualsCount']);
const LISTS: ReadonlySet<string> = new Set<FollowList>(['fans', 'follows', 'mutuals']);
const OF_VIEWER = new Set(['viewerIsFollowing', 'isFollowingViewer', 'viewerCanFollow']);
/** Lists of a profile: how many entries one is taken to have. */
const PROFILE_LISTS = new Set(['customFields', 'profileItems']);
const PROFILE_LIST_LENGTH = 25;
/**
 * With a cursor: its own page, those on which a member is looked for that has moved, and the one after it. The upstream
 * is taken to fill its pages, except for the last one.
 */
const CALLS_AFTER_CURSOR = 1 + SEARCH_PAGES + 1;

/** Makes what adds the cost of users to a bill; they ask in `wave`. */
export function createUsersCost(bill: Bill, reader: Reader, asking: Asking, settings: CostSettings) {
  return addUsers;

  function addUsers({ from, count, id, hasProfile }: Users, wave: Wave): void {
    if (count === 0) return;
    const asked = new Set<'counts' | 'profile' | 'relation'>();
    const others = new Set<string>();
    const connections = new Map<string, FieldNode[]>();
    for (const field of reader.fieldsOf(from)) {
      const name = field.name.value;
      bill.values(wave.times * count * (PROFILE_LISTS.has(name) ? PROFILE_LIST_LENGTH : 1));
      if (name === '__typename' || settings.keys.includes(name)) continue;
      if (COUNTS.has(name)) asked.add('counts');
      else if (OF_VIEWER.has(name)) asked.add('relation');
      else if (name === 'relationTo') {
        const other = reader.nameOf(field, 'userId');
        if (asking !== UNKNOWN && other === `=${asking}`) asked.add('relation');
        else others.add(other);
      } else if (LISTS.has(name) || name === 'knownFans') {
        const key = `${name} ${reader.nameOf(field, 'first')} ${reader.nameOf(field, 'after')}`;
        connections.set(key, [...(connections.get(key) ?? []), field]);
      } else if (!hasProfile) asked.add('profile');
    }
    addConnections([...connections.values()], { count, id }, asked.has('counts'), wave);
    if (asked.has('counts')) wave.counts += count;
    if (asked.has('profile')) wave.profiles += count;
    if (asking === null) return;
    if (asked.has('relation')) wave.relations += count;
    // The viewer's own point of view is one for all; of others, each has its own.
    if (id !== null && id === asking) wave.relations += others.size;
    else bill.calls(wave.times * count * Math.ceil(others.size / LARGEST.relations));
  }

  function addConnections(
    connections: readonly FieldNode[][],
    owner: Pick<Users, 'count' | 'id'>,
    countsAreAsked: boolean,
    wave: Wave,
  ): void {
    const pages = new Map<string, number>();
    let totals = 0;
    let knownFans = 0;
    let isAsked = countsAreAsked;
    let hasSeat = true;
    const waves: Wave[] = [];
    for (const fields of connections) {
      const [field] = fields as [FieldNode];
      const below = reader.fieldsOf(fields);
      const first = firstOf(field);
      if (first === null || !isCursorPossible(field, owner.id)) continue;
      const isKnownFans = field.name.value === 'knownFans';
      if (isKnownFans && asking === null) continue;
      const hasMembers =
        isKnownFans || below.some(({ name }) => name.value !== 'totalCount' && name.value !== '__typename');
      const asksTotal = !isAsked && below.some(({ name }) => name.value === 'totalCount');
      if (!hasMembers) {
        // Counted at once: whoever asks later finds it.
        if (asksTotal) {
          wave.counts += owner.count;
          isAsked = true;
        }
        continue;
      }
      if (isKnownFans) knownFans = settings.knownFansMaxCalls;
      else {
        const key = pageOf(field, first, owner.id);
        const calls = reader.argument(field, 'after') == null ? 1 : CALLS_AFTER_CURSOR;
        pages.set(key, Math.max(pages.get(key) ?? 0, calls));
      }
      // Each page is there at a moment of its own.
      const arrival = bill.wave(wave.times * owner.count);
      addMembers(below, first, arrival);
      if (asksTotal) {
        totals++;
        hasSeat &&= arrival.counts % LARGEST.counts !== 0;
      }
      waves.push(arrival);
    }
    // One of them asks for the total, whichever comes first; the others find it.
    if (totals > 0 && !isAsked && !hasSeat) bill.calls(wave.times * owner.count);
    const calls = knownFans + [...pages.values()].reduce((sum, some) => sum + some, 0);
    bill.calls(wave.times * owner.count * calls);
    for (const arrival of waves) bill.close(arrival);
  }

  /** Adds what is selected of a connection with `first` members. */
  function addMembers(below: readonly FieldNode[], first: number, arrival: Wave): void {
    const { times } = arrival;
    const named = (fields: readonly FieldNode[], wanted: string) => fields.filter(({ name }) => name.value === wanted);
    const inEdges = reader.fieldsOf(named(below, 'edges'));
    bill.values(times * (below.length + first * (1 + inEdges.length)));
    bill.values(times * reader.fieldsOf(named(below, 'pageInfo')).length);
    const from = [...named(below, 'nodes'), ...named(inEdges, 'node')];
    // `nodes` and `edges` may both show the same member.
    if (named(below, 'nodes').length > 0 && inEdges.length > 0)
      bill.values(times * first * reader.fieldsOf(from).length);
    const hasProfile = settings.embedsProfiles;
    if (from.length > 0) addUsers({ from, count: first, id: null, hasProfile }, arrival);
  }

  /** How many members a connection may have; null when it is refused. */
  function firstOf(field: FieldNode): number | null {
    const wanted = reader.argument(field, 'first');
    if (wanted === UNKNOWN) return settings.maxPageSize;
    const first = Number(wanted ?? DEFAULT_PAGE_SIZE);
    return first >= 0 && first <= settings.maxPageSize ? first : null;
  }

  function isCursorPossible(field: FieldNode, id: UserId | null): boolean {
    return id === null || LISTS.has(field.name.value) === false || placeOf(field, id) !== null;
  }

  /** Where a list of a known user is to go on: undefined when nobody knows yet, null when it is no cursor of theirs. */
  function placeOf(field: FieldNode, userId: UserId) {
    const after = reader.argument(field, 'after');
    if (after == null || after === UNKNOWN) return undefined;
    try {
      return decodeCursor(settings.cursorKey, { userId, list: field.name.value as FollowList }, String(after));
    } catch {
      return null;
    }
  }

  /** Connections that are cut from the same pages have the same name. */
  function pageOf(field: FieldNode, first: number, id: UserId | null): string {
    const place = id === null ? undefined : placeOf(field, id);
    const from = place ? `${place.size} ${place.start}` : reader.nameOf(field, 'after');
    return `${field.name.value} ${upstreamPageSize(first, settings.chunkSize)} ${from}`;
  }
}
