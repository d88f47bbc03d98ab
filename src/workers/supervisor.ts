// Keeps workers alive: starts them together, replaces whoever dies, and lets them leave so that nobody is dropped.
import type { Clock } from '../clock.ts';
import { type Channel, createPeer, type Peer } from './peer.ts';

/** A process that serves; `number` counts from 1, and whoever replaces one has its number. */
export type WorkerProcess = {
  pid: number | undefined;
  channel: Channel;
  ended: Promise<{ code: number | null; signal: string | null }>;
  /** Ends it at once. */
  kill(): void;
};

/** A worker that serves. */
export type ReadyWorker = { number: number; pid: number | undefined; peer: Peer };

export type Supervisor = {
  /** Starts all workers; resolves with their URL when all serve, rejects with a `WorkerFailure` when one cannot. */
  start(): Promise<string>;
  /** Those that serve now. The same worker is the same object each time. */
  ready(): readonly ReadyWorker[];
  /** How many were started in the place of one that had died. */
  restarts(): number;
  /**
   * Has all workers leave: from now on none says that it is ready, and for `drainMs`, which each of them knows, all serve
   * on; then they go, one of them after the others. Resolves, when all have ended, with whether each of them ended well.
   */
  drain(drainMs: number): Promise<boolean>;
  /** Ends all of them at once; resolves when they have. */
  destroy(): Promise<void>;
};

export type SupervisorOptions = {
  count: number;
  launch(number: number): WorkerProcess;
  /** Lets nobody new in; who came already is still handed to a worker. */
  closeDoor(): Promise<void>;
  /** Workers come, and go. */
  hub: { admit(worker: Peer): void; dismiss(worker: Peer): void };
  clock: Clock;
  log: { warn(facts: object, message: string): void; info(facts: object, message: string): void };
  /** At least 0, below 1. */
  random?: () => number;
};

/** Why a worker cannot start, in the words that a single process would have used. */
export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure';
  readonly exitCode: number;

  constructor(exitCode: number, complaint: string) {
    super(complaint);
    this.exitCode = exitCode;
  }
}

/** The pause before somebody who died is replaced: this, twice as long each time, and at most so much. Milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Who has lived so long before it died did not die of its start. */
const LIVED_MS = 30_000;
/**
 * On the way out all turn unready at once, since a load balancer that asks their one port must not hear yes from some and
 * no from others. Then all but one leave; that one keeps the door until they are gone, so that clients who are sent away
 * find somebody, and no longer than this when the others take their time. Milliseconds.
 */
const LONGEST_KEEPING_MS = 2000;
/** When the others are gone, it keeps it so much longer: whom they have sent away is on the way. */
const COMING_BACK_MS = 250;
/** More than wait to be handed to it, once nobody new gets in: one goes along with every question. */
const MOST_WAITING = 64;

type Life = WorkerProcess & ReadyWorker & { isReady: boolean; failure: WorkerFailure | null };

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { count, launch, closeDoor, hub, clock, log, random = Math.random } = options;
  const alive = new Set<Life>();
  const leaving = new AbortController();
  const started = Promise.withResolvers<string>();
  // Whoever only watches has no part in a start that fails.
  started.promise.catch(() => {});
  let hasStarted = false;
  let restarts = 0;
  let endedWell = true;
  let served: Promise<unknown> = Promise.resolve();

  function begin(number: number): Life {
    const worker = launch(number);
    const peer = createPeer(worker.channel);
    const life: Life = { ...worker, number, peer, isReady: false, failure: null };
    alive.add(life);
    hub.admit(peer);
    peer.answer('ready', (url) => {
      life.isReady = true;
      log.info({ worker: number, pid: worker.pid }, 'a worker serves');
      if ([...alive].filter(({ isReady }) => isReady).length < count) return;
      hasStarted = true;
      started.resolve(url as string);
    });
    peer.answer('failed', (body) => {
      const { exitCode, complaint } = body as { exitCode: number; complaint: string };
      life.failure = new WorkerFailure(exitCode, complaint);
    });
    return life;
  }

  /** Has a worker with this number, one after the other, until all are to leave. */
  async function keep(number: number): Promise<void> {
    for (let deaths = 0; ; restarts++) {
      const startedAt = clock.now();
      const life = begin(number);
      const { code, signal } = await life.ended;
      alive.delete(life);
      hub.dismiss(life.peer);
      life.peer.close();
      const facts = { worker: number, pid: life.pid, code, signal, reason: life.failure?.message };
      if (leaving.signal.aborted) {
        if (life.failure && life.isReady) log.warn(facts, 'a worker could not leave as it should');
        // Who did not serve yet was ended by us.
        endedWell &&= code === 0 || !life.isReady;
        return;
      }
      if (!hasStarted) {
        const complaint = `Worker ${number} ended before it served (${signal ?? `exit code ${code}`}).\n`;
        return started.reject(life.failure ?? new WorkerFailure(code || 1, complaint));
      }
      // A reason that would end a first start may go by: a Redis that is away for a while, say. Others still serve.
      deaths = clock.now() - startedAt < LIVED_MS ? deaths + 1 : 1;
      const pauseMs = pauseAfter(deaths, random());
      log.warn({ ...facts, pauseMs: Math.round(pauseMs) }, 'a worker has died: another one takes its place');
      await clock.sleep(pauseMs, leaving.signal).catch(() => {});
      if (leaving.signal.aborted) return;
    }
  }

  return {
    start() {
      served = Promise.all(Array.from({ length: count }, (_, index) => keep(index + 1)));
      return started.promise;
    },
    ready: () => [...alive].filter(({ isReady }) => isReady),
    restarts: () => restarts,
    async drain(drainMs) {
      leaving.abort();
      const serving = [...alive].filter(({ isReady }) => isReady);
      const keeper = serving.pop();
      // Nobody talks to those that do not serve yet.
      for (const { isReady, kill } of alive) if (!isReady) kill();
      const tell = (life: Life | undefined, subject: string) => life?.peer.ask(subject).catch(() => {});
      for (const life of serving) tell(life, 'leave');
      tell(keeper, 'keep the door');
      const others = Promise.all(serving.map(({ ended }) => ended)).then(() => clock.sleep(COMING_BACK_MS));
      const patience = Promise.race([others, clock.sleep(drainMs + LONGEST_KEEPING_MS)]);
      // Whoever is left serves on for `drainMs`, also when the keeper dies.
      const everybody = Promise.all([...serving, ...(keeper ? [keeper] : [])].map(({ ended }) => ended));
      const isNeeded = Promise.all([keeper && Promise.race([patience, keeper.ended]), clock.sleep(drainMs)]);
      await Promise.race([isNeeded, everybody]);
      await closeDoor();
      for (let n = 0; keeper && alive.has(keeper) && n < MOST_WAITING; n++) await tell(keeper, 'take who waits');
      tell(keeper, 'leave');
      await served;
      return endedWell;
    },
    async destroy() {
      leaving.abort();
      for (const { kill } of alive) kill();
      await served;
    },
  };
}

/** Half of it is chance, so that workers that died of the same thing do not come back at the same moment. */
function pauseAfter(deaths: number, random: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 1)) * (0.5 + random / 2);
}
