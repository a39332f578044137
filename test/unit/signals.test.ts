import { afterEach, describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/errors.ts';
import { listenToSignals, type Signals } from '../../src/signals.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const before = new Map(SIGNALS.map((name) => [name, process.listeners(name)]));
let listening: Signals | undefined;

afterEach(() => {
  listening?.stopListening();
  for (const name of SIGNALS)
    for (const listener of process.listeners(name))
      if (!before.get(name)?.includes(listener)) process.off(name, listener);
});

/** What becomes of each signal after a start with this mask. */
function reactions(mask: string | undefined): Record<string, unknown> {
  return Object.fromEntries(
    SIGNALS.map((name) => {
      listening = listenToSignals(mask);
      const { signal } = listening;
      const isHandled = process.listenerCount(name) > (before.get(name)?.length ?? 0);
      if (isHandled) process.emit(name, name);
      listening.stopListening();
      return [name, isHandled ? (signal.aborted ? signal.reason : 'ignored') : 'default'];
    }),
  );
}

const stops = { SIGINT: new Interrupted('SIGINT'), SIGTERM: new Interrupted('SIGTERM') };

describe('listenToSignals', () => {
  it.each([undefined, '', '0', '0000000000000000', 'no mask'])('hears all with the mask %j', (mask) => {
    expect(reactions(mask)).toEqual({ ...stops, SIGHUP: new Interrupted('SIGHUP'), SIGQUIT: 'default' });
    expect(listening?.ignoresSignals).toBe(false);
  });

  it('ignores what nohup ignores', () => {
    expect(reactions('0000000000000001')).toEqual({ ...stops, SIGHUP: 'ignored', SIGQUIT: 'default' });
    expect(listening?.ignoresSignals).toBe(true);
  });

  it('ignores what background jobs of scripts ignore', () => {
    expect(reactions('0000000000000006')).toMatchObject({ SIGINT: 'ignored', SIGQUIT: 'ignored' });
    expect(reactions('fffffffffffffffe')).toMatchObject({
      SIGTERM: 'ignored',
      SIGHUP: new Interrupted('SIGHUP'),
    });
  });

  it('leaves signals to the system when it stops', () => {
    listening = listenToSignals(undefined);
    listening.stopListening();

    expect(process.listenerCount('SIGTERM')).toBe(before.get('SIGTERM')?.length);
  });
});
