import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../../src/images/names/reference.ts';
import { writeAuthFile } from '../../../../src/images/sources/credentials.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const folder = useEmptyDirectory();

const write = async (image: string, credentials: string) =>
  await writeAuthFile(folder, parseReference(image), credentials);

describe('writeAuthFile', () => {
  it.each([
    { image: 'quay.io/a/b:1', credentials: 'me:secret', registry: 'quay.io', plain: 'me:secret' },
    {
      image: 'http:localhost:5000/b',
      credentials: 'me:secret',
      registry: 'localhost:5000',
      plain: 'me:secret',
    },
    { image: 'short/name', credentials: 'me:secret', registry: 'docker.io', plain: 'me:secret' },
    { image: 'quay.io/b', credentials: 'me', registry: 'quay.io', plain: 'me:' },
    { image: 'quay.io/b', credentials: 'me:a:b', registry: 'quay.io', plain: 'me:a:b' },
    { image: 'quay.io/b', credentials: 'm\u00e9:\u20ac', registry: 'quay.io', plain: 'm\u00e9:\u20ac' },
  ])('keeps $credentials for $image under $registry', async ({ image, credentials, registry, plain }) => {
    const path = await write(image, credentials);

    const auth = Buffer.from(plain).toString('base64');
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ auths: { [registry]: { auth } } });
  });

  it('writes what skopeo reads', async () => {
    const path = await write('localhost:5000/b', 'me:secret');

    const { stdout } = await execa('skopeo', [
      'login',
      `--authfile=${path}`,
      '--get-login',
      'localhost:5000',
    ]);
    expect(stdout).toBe('me');
  });

  it('keeps the file from others, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const path = await write('quay.io/b', 'me:secret');

      expect((await stat(path)).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  it('writes into no file that is there already', async () => {
    await writeFile(join(folder, 'auth.json'), 'of somebody else', { mode: 0o644 });

    await expect(write('quay.io/b', 'me:secret')).rejects.toThrow('EEXIST');
    expect(await readFile(join(folder, 'auth.json'), 'utf8')).toBe('of somebody else');
  });
});
