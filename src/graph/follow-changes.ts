// Follow, unfollow, and ending others' following of the viewer.
import type { ChangeKind } from '../follow/changes.ts';
import { builder } from './builder.ts';
import { PER_CALL } from './cost.ts';
import { addTargetMutations, COMMON_REASONS } from './target-results.ts';

const REASONS = {
  ...COMMON_REASONS,
  YOURSELF: { description: 'The viewer cannot follow themself.' },
  FOLLOW_LIMIT_REACHED: { description: 'The viewer follows as many users as one may.' },
  FAN_LIMIT_REACHED: { description: 'The user has as many fans as one may have.' },
  MUTUAL_LIMIT_REACHED: { description: 'The viewer has as many mutuals as one may have.' },
  THEIR_MUTUAL_LIMIT_REACHED: { description: 'The user has as many mutuals as one may have.' },
} as const;
const DOES: Record<ChangeKind, { field: string; does: string; perCall: number }> = {
  follow: {
    field: 'followUsers',
    does: 'Has the viewer follow users, in batches of what the upstream takes at once',
    perCall: PER_CALL.changes,
  },
  unfollow: {
    field: 'unfollowUsers',
    does: 'Ends the viewer’s following of users, in batches of what the upstream takes at once',
    perCall: PER_CALL.changes,
  },
  removeFans: {
    field: 'removeFans',
    does: 'Ends users’ following of the viewer, with a call for each; they may follow again',
    perCall: 1,
  },
};

builder.mutationType({ description: 'What a viewer can do. Anonymous requests can do nothing.' });

addTargetMutations(
  'Follow',
  REASONS,
  'Why a user was not followed, unfollowed or removed.',
  Object.entries(DOES).map(([kind, { field, does, perCall }]) => ({
    field,
    description: `${does}. What succeeds for some is never undone because others fail; the next read shows it, on every replica.`,
    // Relations and the viewer's counts are read before, and counts again after where the upstream is behind.
    calls: (targets) =>
      2 + [PER_CALL.relations, perCall, PER_CALL.counts].reduce((sum, n) => sum + Math.ceil(targets / n), 0),
    run: (context, targets) =>
      context.write(({ follows }, viewer, call) => follows.change(kind as ChangeKind, viewer, targets, call)),
  })),
);
