// The public keys of whoever issues tokens: fetched from one URL, kept, and renewed behind the requests. jose's own
// remote set would refuse good tokens when its keys are old and the host is down, and knows no pause after a failure.
import { createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { fetchKeys } from './key-fetch.ts';

/** Finds the key of a token. */
export type Keys = ReturnType<typeof createLocalJWKSet>;

export type KeySet = {
  /**
   * Checks a token with the keys that are known, and once more with new ones when none of them fits. Rejects with
   * `UPSTREAM_UNAVAILABLE` when that cannot be decided because the keys cannot be fetched.
   */
  check<T>(verify: (keys: Keys) => Promise<T>): Promise<T>;
};

export type KeySetOptions = {
  url: string;
  clock: Clock;
  /** Told when the keys cannot be fetched, and when they can again. */
  report(message: string, facts: { reason?: string }): void;
};

/** Keys so old are renewed by the next token, which does not wait for it. */
const FRESH_MS = 10 * 60_000;
/** So long keys are good while their host is down; a key that was withdrawn is believed no longer than this. */
const USABLE_MS = 24 * 3_600_000;
/** After a failure the host is left in peace for so long. */
const RETRY_MS = 1000;
/** After a search that found nothing new, unknown keys are not searched for: anybody can make up as many as they like. */
const SEARCH_PAUSE_MS = 10_000;

export function createKeySet({ url, clock, report }: KeySetOptions): KeySet {
  let known: { keys: Keys; fetchedAt: number } | null = null;
  let failure: { error: unknown; at: number } | null = null;
  let fetching: Promise<Keys> | null = null;
  let searchedInVainAt = Number.NEGATIVE_INFINITY;

  const ageMs = () => (known ? clock.now() - known.fetchedAt : Number.POSITIVE_INFINITY);

  async function renew(): Promise<Keys> {
    try {
      const keys = createLocalJWKSet((await fetchKeys(url, clock)) as JSONWebKeySet); // which checks what it is given
      known = { keys, fetchedAt: clock.now() };
      if (failure) report('The keys of tokens can be fetched again', {});
      failure = null;
      return keys;
    } catch (error) {
      const reason = error instanceof errors.JWKSInvalid ? 'the answer is no key set' : (error as Error).message;
      if (!failure) report('The keys of tokens cannot be fetched', { reason });
      failure = { error, at: clock.now() };
      throw error;
    }
  }

  /** Fetches the keys, one fetch at a time. */
  function ask(): Promise<Keys> {
    if (fetching) return fetching;
    if (failure && clock.now() - failure.at < RETRY_MS) return Promise.reject(failure.error);
    fetching = renew().finally(() => {
      fetching = null;
    });
    return fetching;
  }

  /** Newer keys than those that did not fit; null when there are none to be had. */
  async function search(tried: Keys): Promise<Keys | null> {
    if (known && known.keys !== tried) return known.keys;
    if (clock.now() - searchedInVainAt < SEARCH_PAUSE_MS) return null;
    const keys = await ask().catch(unavailable);
    searchedInVainAt = clock.now();
    return keys;
  }

  return {
    async check(verify) {
      if (ageMs() > FRESH_MS) {
        const renewal = ask();
        if (ageMs() > USABLE_MS) await renewal.catch(unavailable);
        else renewal.catch(() => {});
      }
      const { keys } = known as { keys: Keys }; // there are some now, or the line above has thrown
      try {
        return await verify(keys);
      } catch (error) {
        const newer = mayHaveNewKey(error) ? await search(keys) : null;
        if (!newer) throw error;
        const result = await verify(newer);
        searchedInVainAt = Number.NEGATIVE_INFINITY;
        return result;
      }
    },
  };
}

/** Whether other keys could change the verdict. A signature counts too: issuers without key ids replace a key in place. */
function mayHaveNewKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
}

function unavailable(cause: unknown): never {
  const message = 'The keys that tokens are checked with cannot be fetched now; try again later.';
  throw new GatewayError('UPSTREAM_UNAVAILABLE', message, { cause });
}
