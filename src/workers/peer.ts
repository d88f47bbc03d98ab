// Questions and answers between two processes, both ways. Each side hears in the order in which the other one sent.

/** A channel of messages, such as the one between a process and its parent. */
export type Channel = {
  /** What cannot be sent, since nobody is there any more, is lost. */
  send(message: object): void;
  listen(heard: (message: unknown) => void): void;
};

export type Peer = {
  /** Asks the other side; rejects when it failed, or is gone. */
  ask(subject: string, body?: unknown): Promise<unknown>;
  /** Answers what the other side asks about `subject`; at once, in the order of the questions, unless by a promise. */
  answer(subject: string, respond: (body: unknown) => unknown): void;
  /** The other side is gone: nothing is answered any more. */
  close(): void;
};

type Question = { kind: 'question'; id: number; subject: string; body: unknown };
type Answer = { kind: 'answer'; id: number; body?: unknown; failure?: string };

/** Both sides run the same code, so that a message of a kind of ours is as it was sent. */
const isOurs = (message: unknown): message is Question | Answer =>
  typeof message === 'object' && message !== null && 'kind' in message && 'id' in message;

export function createPeer({ send, listen }: Channel): Peer {
  const responders = new Map<string, (body: unknown) => unknown>();
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  let isClosed = false;

  function respond({ id, subject, body }: Question): void {
    const fail = (error: unknown) => tell({ kind: 'answer', id, failure: String(error) });
    try {
      const answer = responders.get(subject)?.(body);
      // What is known at once is sent before anything that is sent later.
      if (answer instanceof Promise) answer.then((later) => tell({ kind: 'answer', id, body: later }), fail);
      else tell({ kind: 'answer', id, body: answer });
    } catch (error) {
      fail(error);
    }
  }

  function hear({ id, body, failure }: Answer): void {
    const asking = open.get(id);
    open.delete(id);
    if (failure === undefined) asking?.resolve(body);
    else asking?.reject(new Error(failure));
  }

  function tell(message: Question | Answer): void {
    if (!isClosed) send(message);
  }

  listen((message) => {
    if (isClosed || !isOurs(message)) return;
    if (message.kind === 'question') respond(message);
    else hear(message);
  });

  return {
    ask(subject, body) {
      if (isClosed) return Promise.reject(new Error(`Nobody is there to be asked about ${subject}.`));
      const id = ++asked;
      const asking = Promise.withResolvers<unknown>();
      open.set(id, asking);
      tell({ kind: 'question', id, subject, body });
      return asking.promise;
    },
    answer: (subject, respond) => void responders.set(subject, respond),
    close() {
      isClosed = true;
      for (const { reject } of open.values()) reject(new Error('The other side is gone.'));
      open.clear();
    },
  };
}
