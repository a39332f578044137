import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireGrowth } from '../../../../src/images/layers/growth.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const directory = useEmptyDirectory();

describe('requireGrowth', () => {
  it('throws when nothing arrives', async () => {
    const watched = requireGrowth(directory, 'etcd:3', new AbortController().signal, 1);

    await expect(watched).rejects.toThrow('cannot pull etcd:3: nothing has arrived for 120 seconds');
  });

  it('is content as long as something does, until it is told to stop', async () => {
    const controller = new AbortController();
    let hasEnded = false;
    const watched = requireGrowth(directory, 'etcd:3', controller.signal, 1).then(() => {
      hasEnded = true;
    });
    for (let round = 0; round < 20; round++) {
      appendFileSync(join(directory, 'blob'), 'more');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }

    expect(hasEnded).toBe(false);
    controller.abort();
    await watched;
  });
});
