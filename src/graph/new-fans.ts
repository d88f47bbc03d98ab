// "12 new fans": the fans since a client looked last. The client keeps that time, the gateway does not.
import { z } from 'zod';
import type { GraphSettings } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { type FollowEntry, newestFirst, type UserId } from '../follow/model.ts';
import { readMembers } from '../follow/select-members.ts';
import { builder, NULL_ON_ERROR } from './builder.ts';
import { checkFirst, checkMaySee, connectionArguments, LIST_SIZE, pricedMembers, type UserEdge } from './connection.ts';
import { price } from './cost.ts';
import { decodeCursor } from './cursor.ts';
import { FollowEdgeType, readPageOf } from './follow-connection.ts';
import { UserType } from './user.ts';

type NewFans = { readonly count: number; readonly atLeast: boolean; readonly edges: readonly UserEdge[] };

/** The head of the list, which other screens have mostly had read, and one page of 1,000 behind it. */
const MAX_PAGES = 2;
/** A text that is meant as a time: no cursor has a colon, or is so short. */
const TIME = /:|^\d.{0,30}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
/** `Date.parse` takes 31 February for 3 March. */
const isDay = (text: string) => z.iso.date().safeParse(text).success;
const REMEDY = 'Give the cursor of an edge of the fans, or a date and time with its zone, as 2026-01-31T12:00:00Z.';

/** The position above which fans are new: that of the cursor's member, or the head of the second of the time. */
function lastSeen(since: string, userId: UserId, { cursorKey }: GraphSettings): FollowEntry {
  if (!TIME.test(since)) {
    const { followedAt, userId: id } = decodeCursor(cursorKey, { userId, list: 'fans' }, since, 'since', REMEDY);
    return { user: { id, profile: null }, followedAt };
  }
  const ms = INSTANT.test(since) && isDay(since.slice(0, 'YYYY-MM-DD'.length)) ? Date.parse(since) : Number.NaN;
  if (Number.isNaN(ms)) throw new GatewayError('BAD_USER_INPUT', `"since" is not an instant. ${REMEDY}`);
  return { user: { id: '', profile: null }, followedAt: Math.floor(ms / 1000) };
}

const NewFansType = builder.objectRef<NewFans>('NewFans').implement({
  description: 'The fans who have come since a client looked last.',
  fields: (t) => ({
    count: t.exposeInt('count', { nullable: false, description: 'How many there are: exact unless `atLeast`.' }),
    atLeast: t.exposeBoolean('atLeast', {
      nullable: false,
      description: 'Whether there are more than `count`, of whom no more were counted.',
    }),
    edges: t.expose('edges', {
      type: [FollowEdgeType],
      nullable: false,
      description:
        'The newest of them with their cursors in the fans. The first one is where to count from the next time.',
    }),
  }),
});

builder.objectField(UserType, 'newFans', (t) =>
  t.field({
    type: NewFansType,
    description:
      'The fans who stand above a position in the fans: those who have come since, or come back, and are still there.',
    args: {
      since: t.arg.string({
        required: true,
        description: 'The cursor of an edge of the fans, or an instant such as `2026-01-31T12:00:00Z`.',
      }),
      first: connectionArguments(t.arg).first,
    },
    complexity: price(MAX_PAGES, pricedMembers),
    directives: { ...NULL_ON_ERROR, cost: { weight: 1 }, listSize: { ...LIST_SIZE, sizedFields: ['edges'] } },
    async resolve({ id }, { since, first }, context) {
      const { settings } = context;
      const wanted = checkFirst(first, settings);
      const seen = lastSeen(since, id, settings);
      checkMaySee(context, id, 'fans');
      const { members, isComplete } = await readMembers(readPageOf(id, 'fans', context), {
        maxPages: MAX_PAGES,
        headSize: settings.chunkSize,
        isWanted: (member) => newestFirst(member, seen) < 0,
      });
      return { count: members.length, atLeast: !isComplete, edges: members.slice(0, wanted) };
    },
  }),
);
