// Who follows whom by what has been changed lately: one state for each pair, whoever told of it.
import type { FollowChange } from './changes.ts';
import type { UserId } from './model.ts';

/** Whether one follows the other now. `since`: when that began, in epoch milliseconds; null: before it was looked at. */
export type Edge = {
  readonly follows: boolean;
  readonly at: number;
  readonly since: number | null;
  readonly mutual: boolean;
};

/** A user's edges that changed lately: to others, and from others. A new object after each change. */
export type Edges = { readonly out: ReadonlyMap<UserId, Edge>; readonly back: ReadonlyMap<UserId, Edge> };

export type EdgeBook = {
  /** Enters a change; answers whether it says anything that was not known, and what is known of mutuality by now. */
  enter(change: FollowChange, until: number): { isNews: boolean; mutual: boolean };
  of(userId: UserId, now: number): Edges | undefined;
  between(from: UserId, to: UserId, now: number): Edge | undefined;
};

/** For each user, so that what a crowd does to a star costs no more than this. */
const MOST_EDGES = 1000;
/** Far more than a second's budget of changes allows within the longest lag. */
const MOST_CHANGES = 20_000;

type Entry = { from: UserId; to: UserId; edge: Edge; until: number };

export function createEdgeBook(): EdgeBook {
  const users = new Map<UserId, { out: Map<UserId, Edge>; back: Map<UserId, Edge> }>();
  const inOrder: Entry[] = [];

  function put(userId: UserId, side: 'out' | 'back', other: UserId, edge: Edge): void {
    const edges = { ...(users.get(userId) ?? { out: new Map(), back: new Map() }) };
    const changed = edges[side];
    changed.delete(other);
    changed.set(other, edge);
    for (const oldest of changed.keys()) {
      if (changed.size <= MOST_EDGES) break;
      changed.delete(oldest);
    }
    users.set(userId, edges);
  }

  function take(userId: UserId, side: 'out' | 'back', other: UserId, edge: Edge): void {
    const known = users.get(userId);
    if (known?.[side].get(other) !== edge) return;
    known[side].delete(other);
    if (known.out.size + known.back.size === 0) users.delete(userId);
    else users.set(userId, { ...known });
  }

  function dropOld(now: number): void {
    for (let oldest = inOrder[0]; oldest; oldest = inOrder[0]) {
      if (oldest.until > now && inOrder.length <= MOST_CHANGES) return;
      inOrder.shift();
      take(oldest.from, 'out', oldest.to, oldest.edge);
      take(oldest.to, 'back', oldest.from, oldest.edge);
    }
  }

  return {
    enter({ type, from, to, at: told, mutual: wasMutual, own }, until) {
      const follows = type === 'followed';
      const known = users.get(from)?.out.get(to);
      const reverse = users.get(to)?.out.get(from);
      const mutual = reverse ? reverse.follows : wasMutual;
      // Own changes come in the order in which they were made; what else is told may come late.
      const isHistory = known !== undefined && !own && known.at > told;
      if (isHistory || known?.follows === follows) return { isNews: false, mutual };
      const isNews = own?.isNews ?? true;
      // Clocks of replicas differ, so what was made behind another may seem to be from before it.
      const at = Math.max(told, known?.at ?? told);
      const edge: Edge = { follows, at, since: isNews ? at : null, mutual };
      put(from, 'out', to, edge);
      put(to, 'back', from, edge);
      inOrder.push({ from, to, edge, until });
      return { isNews, mutual };
    },
    of(userId, now) {
      if (inOrder.length === 0) return undefined;
      dropOld(now);
      return users.get(userId);
    },
    between(from, to, now) {
      if (inOrder.length === 0) return undefined;
      dropOld(now);
      return users.get(from)?.out.get(to);
    },
  };
}
