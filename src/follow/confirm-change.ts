// Asks the upstream whether changes that webhooks tell of are so: few calls at a time, each for all that waits about one
// user, behind what clients wait for.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { type FollowChange, isFan, isFollowing } from './changes.ts';
import type { FollowRelation, UserId } from './model.ts';
import type { FollowService, Outcome } from './services.ts';

export type Claim = Pick<FollowChange, 'type' | 'from' | 'to' | 'at'>;

export type ChangeConfirmation = {
  /** Looks into a claim; what the upstream never confirms is left, and so is one that finds too many before it. */
  confirm(claim: Claim): void;
  /** Leaves the claims that wait. */
  clear(): void;
  close(): void;
};

export type ChangeConfirmationOptions = {
  follow: Pick<FollowService, 'readRelations'>;
  clock: Clock;
  /** `isLate` when the upstream did not show the change at first: what was read since may lack it. */
  onConfirmed(change: Claim & { mutual: boolean }, isLate: boolean): Promise<void>;
  onBug(error: unknown): void;
};

/** What the upstream does not confirm yet is asked again after these pauses, since its parts may lag. In milliseconds. */
const PAUSES_MS = [1000, 5000];
const CALL_MS = 10_000;
const MAX_CALLS = 4;
/** How many relations one call tells (upstream contract, 4.4). */
const MAX_BATCH = 100;
const MAX_WAITING = 1000;

type Side = 'from' | 'to';
type Waiting = Claim & { tries: number };

export function createChangeConfirmation(options: ChangeConfirmationOptions): ChangeConfirmation {
  const { follow, clock, onConfirmed, onBug } = options;
  const closed = new AbortController();
  let waiting: Waiting[] = [];
  let calls = 0;

  function add(claim: Waiting): void {
    if (waiting.length >= MAX_WAITING) return;
    waiting.push(claim);
    pump();
  }

  function pump(): void {
    while (calls < MAX_CALLS && waiting.length > 0 && !closed.signal.aborted) {
      calls++;
      void check(takeBatch())
        .catch((error) => closed.signal.aborted || onBug(error))
        .finally(() => {
          calls--;
          pump();
        });
    }
  }

  /** What waits about the same user as the first one, on whichever side more of it is. */
  function takeBatch(): { side: Side; batch: Waiting[] } {
    const [first] = waiting as [Waiting];
    const same = (side: Side) => waiting.filter((claim) => claim[side] === first[side]);
    const side = same('to').length > same('from').length ? 'to' : 'from';
    const batch = same(side).slice(0, MAX_BATCH);
    waiting = waiting.filter((claim) => !batch.includes(claim));
    return { side, batch };
  }

  async function check({ side, batch }: { side: Side; batch: Waiting[] }): Promise<void> {
    const [first] = batch as [Waiting];
    const other = side === 'from' ? 'to' : 'from';
    const others: UserId[] = [...new Set(batch.map((claim) => claim[other]))];
    const relations = await follow.readRelations(first[side], others, {
      signal: closed.signal,
      deadlineAt: clock.now() + CALL_MS,
      priority: 'revalidation',
    });
    for (const claim of batch) await conclude(claim, side, relations.get(claim[other]));
  }

  async function conclude({ tries, ...claim }: Waiting, side: Side, relation: Outcome<FollowRelation> | undefined) {
    // Nothing happens to an account that does not exist.
    if (relation instanceof GatewayError && relation.code === 'USER_NOT_FOUND') return;
    const known = relation === undefined || relation instanceof GatewayError ? null : relation;
    const [there, back] = side === 'from' ? [isFollowing(known), isFan(known)] : [isFan(known), isFollowing(known)];
    if (known !== null && there === (claim.type === 'followed'))
      return onConfirmed({ ...claim, mutual: back }, tries > 0);
    const pauseMs = PAUSES_MS[tries];
    if (pauseMs === undefined) return;
    clock.sleep(pauseMs, closed.signal).then(
      () => add({ ...claim, tries: tries + 1 }),
      () => {},
    );
  }

  return {
    confirm: (claim) => add({ ...claim, tries: 0 }),
    clear() {
      waiting = [];
    },
    close: () => closed.abort(),
  };
}
