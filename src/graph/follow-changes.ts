// Follow, unfollow, and ending others' following of the viewer.
import { PER_CALL } from '../follow/model.ts';
import { builder } from './builder.ts';
import { addTargetMutations, COMMON_REASONS } from './target-results.ts';

const REASONS = {
  ...COMMON_REASONS,
  YOURSELF: { description: 'The viewer cannot follow themself.' },
  FOLLOW_LIMIT_REACHED: { description: 'The viewer follows as many users as one may.' },
  FAN_LIMIT_REACHED: { description: 'The user has as many fans as one may have.' },
  MUTUAL_LIMIT_REACHED: { description: 'The viewer has as many mutuals as one may have.' },
  THEIR_MUTUAL_LIMIT_REACHED: { description: 'The user has as many mutuals as one may have.' },
} as const;

/** Relations and the viewer's counts are read before, and counts again after where the upstream is behind. */
const callsBy = (perCall: number) => (targets: number) =>
  2 + [PER_CALL.relations, perCall, PER_CALL.counts].reduce((sum, n) => sum + Math.ceil(targets / n), 0);

builder.mutationType({ description: 'What a viewer can do. Anonymous requests can do nothing.' });

addTargetMutations('Follow', REASONS, 'Why a user was not followed, unfollowed or removed.', [
  {
    field: 'followUsers',
    does: 'Has the viewer follow users, in batches of what the upstream takes at once.',
    calls: callsBy(PER_CALL.changes),
    change: ({ follows }, ...rest) => follows.change('follow', ...rest),
  },
  {
    field: 'unfollowUsers',
    does: 'Ends the viewer’s following of users, in batches of what the upstream takes at once.',
    calls: callsBy(PER_CALL.changes),
    change: ({ follows }, ...rest) => follows.change('unfollow', ...rest),
  },
  {
    field: 'removeFans',
    does: 'Ends users’ following of the viewer, with a call for each; they may follow again.',
    calls: callsBy(1),
    change: ({ follows }, ...rest) => follows.change('removeFans', ...rest),
  },
]);
