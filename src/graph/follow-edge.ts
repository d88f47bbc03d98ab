// A member of one of the three lists, as an edge.
import type { KeyObject } from 'node:crypto';
import type { Context, GraphSettings } from '../context.ts';
import type { FollowEntry, FollowList, FollowPage, PageQuery, UserHandle, UserId } from '../follow/model.ts';
import { andThen } from '../follow/services.ts';
import type { Page, ReadPage } from '../follow/walk.ts';
import { builder } from './builder.ts';
import { encodeCursor } from './cursor.ts';
import { dateTimeOf } from './scalars.ts';
import { UserType } from './user.ts';

/** A member of a list as it is shown; what is not asked for is not written. */
export class FollowEdge {
  readonly user: UserHandle;
  readonly followedAt: number;
  readonly #cursorOf: () => string;
  #cursor: string | undefined;
  #time: string | null | undefined;

  constructor(user: UserHandle, followedAt: number, cursorOf: () => string) {
    this.user = user;
    this.followedAt = followedAt;
    this.#cursorOf = cursorOf;
  }

  get cursor(): string {
    this.#cursor ??= this.#cursorOf();
    return this.#cursor;
  }

  /** When the follow began; null where the upstream's time cannot be read. */
  get time(): string | null {
    if (this.#time === undefined) this.#time = this.followedAt === 0 ? null : dateTimeOf(this.followedAt);
    return this.#time;
  }
}

/** How the pages of a list are read for a request, each as it is shown. */
export const readPageOf =
  (userId: UserId, list: FollowList, { load, settings }: Context): ReadPage<FollowEdge> =>
  (start, size) => {
    const query = { userId, list, start, size };
    return andThen(load.page(query), (page) => shape(page, query, settings.cursorKey));
  };

const shapedPages = new WeakMap<FollowPage, Page<FollowEdge>>();

/** A cached page is shaped once, however many answers are cut from it. */
function shape(page: FollowPage, query: PageQuery, cursorKey: KeyObject): Page<FollowEdge> {
  const known = shapedPages.get(page);
  if (known) return known;
  const entries = page.entries.map((entry, index) => edgeOf(entry, index, query, cursorKey));
  const shaped = { entries, next: page.next };
  shapedPages.set(page, shaped);
  return shaped;
}

function edgeOf({ user, followedAt }: FollowEntry, index: number, query: PageQuery, cursorKey: KeyObject): FollowEdge {
  const { id, profile } = user;
  const cursorOf = () => encodeCursor(cursorKey, query, { ...query, index, userId: id, followedAt });
  return new FollowEdge({ id, profile, memberOf: query }, followedAt, cursorOf);
}

/** The edge of somebody who has just become a fan, as it stands at the head of the list. `at` is epoch milliseconds. */
export function newFan(owner: UserId, fan: UserId, at: number, { cursorKey, chunkSize }: GraphSettings): FollowEdge {
  const query = { userId: owner, list: 'fans', start: '', size: chunkSize } as const;
  return edgeOf({ user: { id: fan, profile: null }, followedAt: Math.floor(at / 1000) }, 0, query, cursorKey);
}

export const FollowEdgeType = builder.objectRef<FollowEdge>('FollowEdge').implement({
  description: 'A member of a list of users.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      nullable: false,
      description:
        'Resumes the list right after this member when passed as `after`, also when the list has changed. Opaque.',
    }),
    node: t.expose('user', { type: UserType, nullable: false, description: 'The member.' }),
    followedAt: t.expose('time', {
      type: 'DateTime',
      description:
        'When the follow began; for mutuals, usually when it became mutual. Null where the upstream tells no time.',
    }),
  }),
});
