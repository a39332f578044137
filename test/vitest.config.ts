/** `unit` needs nothing; `box` and `faults` boot boxes, `vm` a virtual machine (`npx vitest --project box NAME` runs one file). */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { isOnHost } from './support/host-box.ts';
import { LongFilesFirst } from './support/sequencer.ts';

/** A box waits more than it computes: one more of them than there are cores. There is only one host. */
const boxesAtOnce = isOnHost ? 1 : Math.min(availableParallelism() + 1, 4);

/** What cuts the power of a machine. */
const NO_HOST = isOnHost ? ['test/faults/power-cut.test.ts', 'test/faults/recovery-at-boot.test.ts'] : [];

/** What installs and removes packages of the host, or needs another layout of it. */
const NO_BOX = isOnHost ? ['test/box/packages.test.ts', 'test/box/ostree-host.test.ts'] : [];

/** The limits only end what hangs: machines may be slow. */
const inBoxes = {
  globalSetup: ['test/support/global-setup.ts'],
  maxWorkers: boxesAtOnce,
  testTimeout: 300_000,
  hookTimeout: 300_000,
  sequence: { groupOrder: 1 },
};

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    // no test may take longer: those that do are named in the report
    slowTestThreshold: 20_000,
    sequence: { sequencer: LongFilesFirst },
    projects: [
      // its files share processes, as they change nothing that is global
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          isolate: false,
          maxWorkers: availableParallelism(),
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: 'box', include: ['test/box/**/*.test.ts'], exclude: NO_BOX, ...inBoxes } },
      { test: { name: 'faults', include: ['test/faults/**/*.test.ts'], exclude: NO_HOST, ...inBoxes } },
      { test: { name: 'vm', include: ['test/vm/**/*.test.ts'], testTimeout: 900_000, hookTimeout: 600_000 } },
    ],
  },
});
