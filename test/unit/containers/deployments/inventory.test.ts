import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerFolders } from '../../../../src/containers/deployments/inventory.ts';
import { folderWith } from '../../support/folder-with.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-inventory-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('containerFolders', () => {
  it('lists links and folders, sorted, without what is hidden and without the slots of links', async () => {
    const root = await folderWith(join(folder, 'folders'), {
      'b.0': null,
      b: '-> b.0',
      'b.1': null,
      'a.0.0': null,
      'a.0.5': null,
      'a.0': '-> a.0.0',
      'orphan.1': null,
      plain: null,
      'plain.0': null,
      file: '',
      dangling: '-> dangling.0',
      'dangling.1': null,
      'b.2': null,
      'b.10': null,
      '.storage': null,
      '.b.0.new': null,
      Z: '-> b.0',
    });

    const names = [
      'Z',
      'a.0',
      'a.0.5',
      'b',
      'b.10',
      'b.2',
      'dangling',
      'file',
      'orphan.1',
      'plain',
      'plain.0',
    ];
    expect(containerFolders(root)).toEqual(names.map((name) => [name, join(root, name)]));
  });

  it('has none where there is no folder', () => {
    expect(containerFolders(join(folder, 'nowhere'))).toEqual([]);
  });
});
