import { defineConfig } from 'vitest/config';

/**
 * `unit` needs nothing; its files share processes, as they change nothing that is global. `box` and `faults` boot
 * machines, and run one file at a time on their account. The faults are a selection, unless FAULTS is `all`.
 */
const inBoxes = {
  globalSetup: ['test/support/global-setup.ts'],
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      { test: { name: 'box', include: ['test/box/**/*.test.ts'], ...inBoxes } },
      { test: { name: 'faults', include: ['test/faults/**/*.test.ts'], ...inBoxes } },
    ],
  },
});
