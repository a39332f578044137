import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkoutImage } from '../../../../src/images/layers/checkout.ts';
import { importLayer } from '../../../../src/images/layers/import.ts';
import { openIntake } from '../../../../src/images/store/intake.ts';
import { type Entry, tarOf } from '../../../support/tar-writer.ts';
import { contextFor } from '../../support/context.ts';
import { useDirectory } from '../../support/directory.ts';

const checkouts = useDirectory();
const context = contextFor({ checkouts });
const { repository } = context.paths;
const intake = openIntake(context);

beforeAll(async () => {
  mkdirSync(repository, { recursive: true });
  await execa('ostree', [`--repo=${repository}`, 'init', '--mode=bare']);
});

const directory = (name: string, mode = 0o755, owner = 0): Entry => ({ name, type: '5', mode, owner });
const file = (name: string): Entry => ({ name, content: name });

let images = 0;

/** Imports the layers of an image, base first, and checks it out; returns the path of its root. */
async function checkout(...layers: readonly (readonly Entry[])[]): Promise<string> {
  const root = join(checkouts, `image-${images++}`);
  mkdirSync(root);
  const hexes: string[] = [];
  for (const entries of layers) {
    const tar = tarOf(entries);
    const hex = createHash('sha256').update(tar).digest('hex');
    writeFileSync(join(checkouts, hex), tar);
    const layer = { hex, size: undefined, diffId: undefined };
    await importLayer(context, layer, { file: join(checkouts, hex), intake });
    hexes.push(hex);
  }
  await checkoutImage(context, { commit: '', layers: hexes }, root);
  return root;
}

/** `MODE OWNER:GROUP` of a directory. */
function attributes(root: string, path = ''): string {
  const { mode, uid, gid } = lstatSync(join(root, path));
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}

describe('a directory that several layers have', () => {
  it('is what the uppermost of them says', async () => {
    const root = await checkout(
      [directory('a/'), directory('a/b/', 0o700, 5), file('a/b/low')],
      [directory('a/', 0o1777, 1000), directory('a/b/', 0o2750, 6), file('a/b/high')],
    );

    expect([attributes(root, 'a'), attributes(root, 'a/b')]).toEqual(['1777 1000:1000', '2750 6:6']);
    expect(readdirSync(join(root, 'a/b'))).toEqual(['high', 'low']);
  });

  it('is what the layer says that describes it, not one that only has something in it', async () => {
    const root = await checkout(
      [file('early/low')],
      [directory('early/', 0o711, 7), directory('late/', 0o1777, 8), file('late/low')],
      [file('late/high'), file('early/high')],
    );

    expect([attributes(root, 'early'), attributes(root, 'late')]).toEqual(['711 7:7', '1777 8:8']);
  });

  it('can become an ordinary one again', async () => {
    const root = await checkout([directory('a/', 0o700, 5)], [directory('a/'), file('a/f')]);

    expect(attributes(root, 'a')).toBe('755 0:0');
  });

  it('forgets what it was before it was removed', async () => {
    const root = await checkout(
      [directory('a/', 0o700, 5), directory('b/', 0o700, 5)],
      [file('.wh.a'), file('b/.wh..wh..opq')],
      [file('a/new'), file('b/new')],
    );

    expect(attributes(root, 'a')).toBe('755 0:0');
    expect(attributes(root, 'b')).toBe('755 0:0');
  });

  it('has the extended attributes of the uppermost, and none of the others', async () => {
    const low = { ...directory('a/'), pax: { 'SCHILY.xattr.user.low': 'low' } };
    const high = { ...directory('a/', 0o750), pax: { 'SCHILY.xattr.user.high': 'high' } };
    const root = await checkout([low, file('a/low')], [high, file('a/high')]);

    const { stdout } = await execa('tar', ['-C', root, '--xattrs', '--no-recursion', '-c', 'a']);
    expect(stdout.match(/user\.\w+=\w+/g)).toEqual(['user.high=high']);
    expect(attributes(root, 'a')).toBe('750 0:0');
    expect(readdirSync(join(root, 'a'))).toEqual(['high', 'low']);
  });
});

describe('the root directory', () => {
  it('is what the image says, whatever the umask', async () => {
    const before = process.umask(0o077);
    const root = await checkout([directory('./', 0o711, 3), file('f')], [file('g')]);
    process.umask(before);

    expect(attributes(root)).toBe('711 3:3');
  });

  it('is open to everybody when the image does not say', async () => {
    const before = process.umask(0o077);
    const root = await checkout([file('f')], [file('g')]);
    process.umask(before);

    expect(attributes(root)).toBe('755 0:0');
  });
});

describe('layers of the Python tool, which do not say what they describe', () => {
  it('count an ordinary directory with something in it as not described', async () => {
    const commit = async (hex: string, build: string) => {
      const tree = join(checkouts, `tree-${hex.slice(0, 1)}`);
      await execa('sh', ['-ec', `mkdir "$1"; cd "$1"; ${build}`, 'sh', tree]);
      await execa('ostree', [
        `--repo=${repository}`,
        'commit',
        `--branch=ociimage/${hex}`,
        `--tree=dir=${tree}`,
      ]);
    };
    const layers = ['c'.repeat(64), 'd'.repeat(64)];
    await commit(layers[0] ?? '', 'mkdir -m 1777 a; mkdir -m 700 b; mkdir -m 755 c; chmod 711 .');
    await commit(layers[1] ?? '', 'mkdir -m 755 a b; touch a/f; mkdir -m 750 c; chmod 755 .');
    const root = join(checkouts, 'python');
    mkdirSync(root);

    await checkoutImage(context, { commit: '', layers }, root);

    const modes = ['', 'a', 'b', 'c'].map((path) => attributes(root, path));
    expect(modes).toEqual(['711 0:0', '1777 0:0', '755 0:0', '750 0:0']);
  });
});
