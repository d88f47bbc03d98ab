// What everything is asked with that is read for one request.
import type { CallOptions } from './services.ts';

/** How long is waited: until `signal` aborts, or there is nothing left to be waited for. */
type Patience = { readonly signal: AbortSignal; end(): void };

type CallParts = Omit<CallOptions, 'signal'> & { beginToWait(): Patience };

/** A class, since a getter in an object literal takes longer to make than all the rest of a warm answer's context. */
export class Call implements CallOptions {
  readonly deadlineAt: number;
  readonly onUpstreamCall: CallOptions['onUpstreamCall'];
  readonly onRead: CallOptions['onRead'];
  readonly onStale: CallOptions['onStale'];
  readonly #beginToWait: () => Patience;
  #patience: Patience | undefined;

  constructor({ deadlineAt, onUpstreamCall, onRead, onStale, beginToWait }: CallParts) {
    this.deadlineAt = deadlineAt;
    this.onUpstreamCall = onUpstreamCall;
    this.onRead = onRead;
    this.onStale = onStale;
    this.#beginToWait = beginToWait;
  }

  /** Made when something has to be waited for. */
  get signal(): AbortSignal {
    this.#patience ??= this.#beginToWait();
    return this.#patience.signal;
  }

  /** There is nothing left to be waited for. */
  end(): void {
    this.#patience?.end();
  }
}
