import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseInfo, readDeployment } from '../../../../src/containers/deployments/deployment.ts';
import { AtomicError } from '../../../../src/errors.ts';
import { useDirectory } from '../../support/directory.ts';
import { folderWith } from '../../support/folder-with.ts';

const folder = useDirectory();

describe('readDeployment', () => {
  it('reads the record of a folder', async () => {
    const text = '{"image": "x", "created": 7}';
    const path = await folderWith(join(folder, 'read'), { info: text });

    expect(readDeployment('etcd', path)).toEqual({ name: 'etcd', path, info: parseInfo(text, '') });
  });

  it.each([
    { name: 'missing', entries: {} },
    { name: 'a folder', entries: { info: null } },
    { name: 'a dangling link', entries: { info: '-> nowhere' } },
    { name: 'a link to itself', entries: { info: '-> info' } },
  ])('names an info that is $name', async ({ name, entries }) => {
    const path = await folderWith(join(folder, name), entries);

    expect(() => readDeployment('x', path)).toThrow(AtomicError);
    expect(() => readDeployment('x', path)).toThrow(
      `cannot read ${path}/info: it is missing or not a readable file`,
    );
  });

  it('names the info below what is no folder', async () => {
    const root = await folderWith(join(folder, 'no-folder'), { file: '' });

    expect(() => readDeployment('x', join(root, 'file'))).toThrow(
      `cannot read ${root}/file/info: it is missing`,
    );
  });
});
