// What everything is asked with that is read for one request.
import type { CallOptions } from './services.ts';

/** A class, since a getter in an object literal takes longer to make than all the rest of a warm answer's context. */
export class Call implements CallOptions {
  readonly deadlineAt: number;
  readonly onUpstreamCall: CallOptions['onUpstreamCall'];
  readonly onFresh: CallOptions['onFresh'];
  readonly onStale: CallOptions['onStale'];
  readonly #signal: () => AbortSignal;

  constructor(
    { deadlineAt, onUpstreamCall, onFresh, onStale }: Omit<CallOptions, 'signal'>,
    signal: () => AbortSignal,
  ) {
    this.deadlineAt = deadlineAt;
    this.onUpstreamCall = onUpstreamCall;
    this.onFresh = onFresh;
    this.onStale = onStale;
    this.#signal = signal;
  }

  /** Made when something has to be waited for. */
  get signal(): AbortSignal {
    return this.#signal();
  }
}
