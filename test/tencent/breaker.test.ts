import { describe, expect, it } from 'vitest';
import { fail, failureOf, ok, type SeenRequest, startClient } from './scripted-upstream.ts';

type Rig = Awaited<ReturnType<typeof startClient>>;

const ask = ({ client, callOptions }: Rig) => client.call('follow_get', {}, callOptions());

/** An upstream that fails until `health.good`, and a breaker that is open. */
async function startOpen(answer: (request: SeenRequest) => object | undefined = () => fail(30006)) {
  const health = { good: false };
  const rig = await startClient((request) => (health.good ? ok() : answer(request)));
  for (let i = 0; i < 5; i++) await failureOf(ask(rig));
  return { rig, health };
}

describe('the circuit breaker of a command', () => {
  it('closes also when the probe is refused for what the caller asked', async () => {
    let code = 30006;
    const rig = await startClient(() => fail(code));
    for (let i = 0; i < 5; i++) await failureOf(ask(rig));
    code = 30003;
    rig.clock.advance(1000);
    expect(await failureOf(ask(rig))).toMatchObject({ code: 'USER_NOT_FOUND' });
    expect(rig.client.breakerStates()).toEqual({ follow_get: 'closed' });
  });

  it('counts a call that went well at its second try as a success', async () => {
    const rig = await startClient((_request, index) => (index % 2 === 0 ? fail(30006) : ok()));
    for (let i = 0; i < 10; i++) await ask(rig);
    expect(rig.client.breakerStates()).toEqual({ follow_get: 'closed' });
  });

  it.each([30003, 30001, 60007, 60028, 70009, 30005])('stays closed whatever often the answer is %i', async (code) => {
    const rig = await startClient(() => fail(code));
    for (let i = 0; i < 8; i++) await failureOf(ask(rig));
    expect(rig.client.breakerStates()).toEqual({ follow_get: 'closed' });
  });

  it('opens for silence that lasts as long as the timeout', async () => {
    const rig = await startClient(() => undefined);
    for (let i = 1; i <= 5; i++) {
      const call = { ...rig.callOptions(), deadlineAt: rig.clock.now() + 5000 };
      const failure = failureOf(rig.client.call('follow_get', {}, call));
      while (rig.requests.length < i) await new Promise((resolve) => setImmediate(resolve));
      rig.clock.advance(5000);
      expect(await failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    }
    expect(rig.client.breakerStates()).toEqual({ follow_get: 'open' });
  });

  it('stays closed when deadlines were too short for the upstream, and when callers went away', async () => {
    const rig = await startClient(() => undefined);
    for (let i = 1; i <= 8; i++) {
      const abort = new AbortController();
      const call = { ...rig.callOptions(), signal: abort.signal, deadlineAt: rig.clock.now() + 2600 };
      const failure = failureOf(rig.client.call('follow_get', {}, call));
      while (rig.requests.length < i) await new Promise((resolve) => setImmediate(resolve));
      if (i % 2 === 0) abort.abort();
      else rig.clock.advance(2600);
      await failure;
    }
    expect(rig.client.breakerStates()).toEqual({ follow_get: 'closed' });
  });

  it('hands a cancelled probe on to the next caller, a second later', async () => {
    let hold = false;
    const { rig, health } = await startOpen(() => (hold ? undefined : fail(30006)));
    hold = true;
    rig.clock.advance(1000);
    const abort = new AbortController();
    const probe = failureOf(rig.client.call('follow_get', {}, { ...rig.callOptions(), signal: abort.signal }));
    while (rig.requests.length < 16) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await probe;
    expect(rig.client.breakerStates()).toEqual({ follow_get: 'open' });
    health.good = true;
    rig.clock.advance(1000);
    await ask(rig);
    expect(rig.client.breakerStates()).toEqual({ follow_get: 'closed' });
  });
});
