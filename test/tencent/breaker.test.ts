import { describe, expect, it } from 'vitest';
import { fail, ok, startClient } from './scripted-upstream.ts';

/** What an upstream answers; a test changes it. Nothing is silence. */
async function startRig(answer: ReturnType<typeof fail> | undefined) {
  const upstream = { answer: answer as object | undefined };
  const rig = await startClient(() => upstream.answer);
  return { ...rig, upstream, state: () => rig.client.breakerStates().follow_get };
}

async function startOpen() {
  const rig = await startRig(fail(30006));
  for (let i = 0; i < 5; i++) await rig.askInVain();
  expect(rig.state()).toBe('open');
  return rig;
}

describe('the circuit breaker of a command', () => {
  it('closes also when the probe is refused for what the caller asked', async () => {
    const { upstream, clock, askInVain, state } = await startOpen();
    upstream.answer = fail(30003);
    clock.advance(1000);
    expect(await askInVain()).toMatchObject({ code: 'USER_NOT_FOUND' });
    expect(state()).toBe('closed');
  });

  it('counts a call that went well at its second try as a success', async () => {
    const { client, ask } = await startClient((_request, index) => (index % 2 === 0 ? fail(30006) : ok()));
    for (let i = 0; i < 10; i++) await ask();
    expect(client.breakerStates()).toEqual({ follow_get: 'closed' });
  });

  it.each([30003, 30001, 60007, 60028, 70009, 30005])('stays closed whatever often the answer is %i', async (code) => {
    const { askInVain, state } = await startRig(fail(code));
    for (let i = 0; i < 8; i++) await askInVain();
    expect(state()).toBe('closed');
  });

  it.each([
    ['opens for silence that lasts as long as the timeout', 5000, 'open'],
    ['stays closed when deadlines were too short for the upstream', 2600, 'closed'],
    ['stays closed when callers went away', 0, 'closed'],
  ])('%s', async (_what, deadlineMs, expected) => {
    const { askInVain, seen, clock, state } = await startRig(undefined);
    for (let i = 1; i <= 5; i++) {
      const abort = new AbortController();
      const deadlineAt = clock.now() + (deadlineMs || 5000);
      const failure = askInVain('follow_get', { signal: abort.signal, deadlineAt });
      await seen(i);
      if (deadlineMs > 0) clock.advance(deadlineMs);
      else abort.abort();
      const code = deadlineMs > 0 ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNAVAILABLE';
      expect(await failure).toMatchObject({ code });
    }
    expect(state()).toBe(expected);
  });

  it('hands a cancelled probe on to the next caller, a second later', async () => {
    const { upstream, requests, clock, ask, askInVain, seen, state } = await startOpen();
    upstream.answer = undefined;
    clock.advance(1000);
    const abort = new AbortController();
    const probe = askInVain('follow_get', { signal: abort.signal });
    await seen(requests.length + 1);
    abort.abort();
    await probe;
    expect(state()).toBe('open');
    upstream.answer = ok();
    clock.advance(1000);
    await ask();
    expect(state()).toBe('closed');
  });
});
