// Asks the upstream whether changes that webhooks report have happened: few calls at a time, each for all claims about
// one user, behind the calls that clients wait for.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Span } from '../span.ts';
import { type FollowChange, isFan, isFollowing } from './changes.ts';
import { PER_CALL } from './model.ts';
import { type FollowService, valueOrNull } from './services.ts';

export type Claim = Pick<FollowChange, 'type' | 'from' | 'to' | 'at'>;

/** A claim that the upstream does not confirm yet is asked again after these pauses, in ms, since its parts may lag. */
const PAUSES_MS = [1000, 5000, 30_000];
const CALL_MS = 10_000;
const MAX_CALLS = 4;
const MAX_WAITING = 1000;

export type ConfirmationOptions = {
  /** The upstream itself: its word counts. */
  follow: Pick<FollowService, 'readRelations'>;
  clock: Clock;
  onBug(error: unknown): void;
};

type Waiting = Claim & { span: Span; tries: number };

/** `isLate` when the upstream did not show the change at first: values read since may lack it. */
export function createChangeConfirmation(
  { follow, clock, onBug }: ConfirmationOptions,
  signal: AbortSignal,
  onConfirmed: (change: Claim & { mutual: boolean }, isLate: boolean) => Promise<void>,
) {
  let waiting: Waiting[] = [];
  let calls = 0;
  let checked = Promise.resolve();
  const stopping = new AbortController();
  const endsPauses = AbortSignal.any([signal, stopping.signal]);

  /** Looks into a claim. A claim is dropped when the upstream never confirms it, and when too many wait before it. */
  function confirm(claim: Omit<Waiting, 'tries'>, tries = 0): void {
    if (waiting.length >= MAX_WAITING) return;
    waiting.push({ ...claim, tries });
    if (calls < MAX_CALLS) checked = Promise.all([checked, work()]).then(() => {});
  }

  async function work(): Promise<void> {
    calls++;
    // Claims of one webhook come one after the other, and share a call.
    await null;
    while (waiting.length > 0 && !signal.aborted) await checkBatch().catch((error) => signal.aborted || onBug(error));
    calls--;
  }

  /** Checks what waits about the same user as the first claim, on whichever side more of it is. */
  async function checkBatch(): Promise<void> {
    const [first] = waiting as [Waiting];
    const about = (side: 'from' | 'to') =>
      waiting.filter((claim) => claim[side] === first[side]).slice(0, PER_CALL.relations);
    const [side, other] =
      about('to').length > about('from').length ? (['to', 'from'] as const) : (['from', 'to'] as const);
    const batch = about(side);
    waiting = waiting.filter((claim) => !batch.includes(claim));
    const others = [...new Set(batch.map((claim) => claim[other]))];
    const spans = [...new Set(batch.map(({ span }) => span))];
    const call = { signal, deadlineAt: clock.now() + CALL_MS, priority: 'revalidation', spans } as const;
    const relations = await follow.readRelations(first[side], others, call);
    for (const { tries, span, ...claim } of batch) {
      const answer = relations.get(claim[other]);
      // Nothing happens to an account that does not exist.
      if (answer instanceof GatewayError && answer.code === 'USER_NOT_FOUND') continue;
      const relation = valueOrNull(answer);
      const [follows, isFollowed] = [isFollowing(relation), isFan(relation)];
      const [isThere, mutual] = side === 'from' ? [follows, isFollowed] : [isFollowed, follows];
      if (relation !== null && isThere === (claim.type === 'followed')) {
        await onConfirmed({ ...claim, mutual }, tries > 0);
      } else if (tries < PAUSES_MS.length) {
        const again = () => confirm({ ...claim, span }, tries + 1);
        clock.sleep(PAUSES_MS[tries] ?? 0, endsPauses).then(again, again);
      }
    }
  }

  return {
    confirm,
    /** Asks at once what would be asked again later. Resolves when no check is under way. */
    async settle(): Promise<void> {
      stopping.abort();
      do await checked;
      while (calls > 0);
    },
    /** Drops the claims that wait. */
    clear() {
      waiting = [];
    },
  };
}
