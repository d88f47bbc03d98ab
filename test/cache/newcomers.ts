// People who are new, so that no replica knows them yet: a question about one goes to Redis, and then to the upstream.
import { expect } from 'vitest';
import type { Replica, TestGateway } from '../support/gateway.ts';

export function createNewcomers({ sandbox, openReplica }: Pick<TestGateway, 'sandbox' | 'openReplica'>) {
  let born = 0;

  function make(): string {
    const id = `new${born++}`;
    sandbox.world.importAccount(id, { Tag_Profile_IM_Nick: `Newcomer ${id}` });
    return id;
  }

  async function expectShown(replica: Replica, id: string): Promise<void> {
    // A replica that begins to listen again may say that it asks again, since it may have missed something.
    const { data, errors } = await replica.query(`{ user(id: "${id}") { nick } }`);
    expect({ data, errors }).toEqual({ data: { user: { nick: `Newcomer ${id}` } } });
  }

  /** Whether `replica`, by default one that starts empty, shows somebody without a call. */
  async function isShared(id: string, replica?: Replica): Promise<boolean> {
    const late = replica ?? (await openReplica());
    sandbox.calls.reset();
    await expectShown(late, id);
    return sandbox.calls.count() === 0;
  }

  return {
    make,
    expectShown,
    isShared,
    /** Has a replica show somebody new, and answers whom. */
    async ask(replica: Replica): Promise<string> {
      const id = make();
      await expectShown(replica, id);
      return id;
    },
  };
}

/** The number of log lines that match. */
export const linesOf = ({ logLines }: Pick<Replica, 'logLines'>, pattern: RegExp): number =>
  logLines.filter((line) => pattern.test(line)).length;
