// Changes that wait until one subscriber takes them: a queue that can be full.
import { GatewayError } from '../errors.ts';

export type SubscriberQueue<Item> = {
  offer(item: Item): void;
  /** The next item; undefined at the end. Rejects once when the queue ended with an error. One waiter at a time. */
  take(): Promise<Item | undefined>;
  /** Ends it, as completed or with an error for the next `take`. What waits is dropped. */
  end(error?: Error): void;
};

/** `ended` is called once, as soon as the queue takes nothing more. */
export function createSubscriberQueue<Item>(maxWaiting: number, ended: () => void): SubscriberQueue<Item> {
  let items: Item[] = [];
  let waiter: PromiseWithResolvers<Item | undefined> | null = null;
  let isOver = false;
  let failure: Error | undefined;

  function end(error?: Error): void {
    if (isOver) return;
    isOver = true;
    items = [];
    if (!waiter) failure = error;
    else if (error) waiter.reject(error);
    else waiter.resolve(undefined);
    ended();
  }

  return {
    offer(item) {
      if (isOver) return;
      if (waiter) {
        waiter.resolve(item);
        waiter = null;
      } else if (items.push(item) > maxWaiting) {
        end(new GatewayError('THROTTLED', 'The subscriber is too slow: resume with the last cursor.'));
      }
    },
    take() {
      if (failure) {
        const rejected = Promise.reject(failure);
        failure = undefined;
        return rejected;
      }
      if (isOver || items.length > 0) return Promise.resolve(items.shift());
      waiter = Promise.withResolvers();
      return waiter.promise;
    },
    end,
  };
}
