import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HostileImage, type HostileImages, hostileImages } from '../support/hostile-image.ts';
import { changeManifest, type Manifest } from '../support/oci-layout.ts';
import { type Entry, tarOf } from '../support/tar-writer.ts';
import { CONTAINERS, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const REPO = `${CONTAINERS}/.storage/ostree`;
/** What no image may touch. */
const OUTSIDE = '/run/outside';
const VICTIM = `${OUTSIDE}/victim`;

let images: HostileImages;

beforeAll(async () => {
  images = await hostileImages();
});
afterAll(async () => {
  await images[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await box.sh(`rm -rf ${OUTSIDE} ${REPO} && mkdir ${OUTSIDE} && echo untouched > ${VICTIM}`);
});

const outside = async () => (await box.sh(`cd ${OUTSIDE} && ls -A && cat victim`)).stdout;
const refs = async () => (await box.sh(`ostree --repo=${REPO} refs`)).stdout.split('\n').filter(Boolean);

/** Pulls and installs an image that is to be refused at once: one line, nothing left, nothing touched. */
async function refusal(layout: string): Promise<string> {
  const { stderr, exitCode } = await box.atomic('install', '--system', '--name=h', `oci:${layout}`);

  expect({ exitCode, traces: await tracesIn(box) }).toEqual({ exitCode: 1, traces: '' });
  expect((await refs()).filter((ref) => ref.includes('latest'))).toEqual([]);
  expect(await outside()).toBe('victim\nuntouched\n');
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr.trimEnd();
}

/** Installs an image, says what `line` prints in its root file system, and removes all of it again. */
async function inside(layout: string, line: string): Promise<string> {
  const { stderr, exitCode } = await box.atomic('install', '--system', '--name=h', `oci:${layout}`);
  const { stdout } = await box.sh(`cd ${CONTAINERS}/h/rootfs && ${line}`);
  const uninstalled = await box.atomic('uninstall', 'h');
  const checked = await box.sh(`ostree fsck --quiet --repo=${REPO}`);

  if (exitCode !== 0) throw new Error(stderr);
  expect([uninstalled.exitCode, checked.exitCode]).toEqual([0, 0]);
  expect({ outside: await outside(), traces: await tracesIn(box) }).toEqual({
    outside: 'victim\nuntouched\n',
    traces: '',
  });
  return stdout;
}

const UP = '../../../../../../../..';
const link = (name: string, target: string): Entry => ({ name, type: '2', link: target });
const hardLink = (name: string, target: string): Entry => ({ name, type: '1', link: target });
const folder = (name: string): Entry => ({ name, type: '5' });
const file = (name: string, content = 'evil\n'): Entry => ({ name, content });

describe('a layer', () => {
  it.each<{ name: string; layers: HostileImage['layers']; line: RegExp }>([
    {
      name: 'paths that lead out',
      layers: [[file(`${UP}${OUTSIDE}/evil`)]],
      line: /which leads out of the image/,
    },
    {
      name: 'paths that lead out in the end',
      layers: [[file('etc/../../evil')]],
      line: /which leads out of the image/,
    },
    {
      name: 'hard links that lead out',
      layers: [[hardLink('a', `${UP}${VICTIM}`)]],
      line: /which leads out of the image/,
    },
    {
      name: 'hard links to the host',
      layers: [[hardLink('a', VICTIM)]],
      line: /cannot be imported: .*victim/,
    },
    {
      name: 'files below a link',
      layers: [[link('a', OUTSIDE), file('a/evil')]],
      line: /has "a\/evil" below "a", which is not a directory/,
    },
    {
      name: 'names that are not UTF-8',
      layers: [[{ name: Buffer.from('etc/\xe4\xff', 'latin1') }]],
      line: /which is not UTF-8/,
    },
    {
      name: 'a name that is a file and a folder',
      layers: [[file('a'), folder('a'), file('a/b')]],
      line: /has "a" twice/,
    },
    { name: 'files without a name', layers: [[file('')]], line: /has a file without a name/ },
    {
      name: 'names that no file system takes',
      layers: [[{ ...file('a'), pax: { path: 'n'.repeat(300) } }]],
      line: /more than 255 bytes/,
    },
    {
      name: 'whiteouts of the folder above',
      layers: [[file('a/b')], [file('a/.wh...', '')]],
      line: /has the whiteout '\.wh\.\.\.'/,
    },
    {
      name: 'whiteouts of its own root',
      layers: [[file('a/b')], [file('.wh..', '')]],
      line: /has the whiteout '\.wh\.\.'/,
    },
    { name: 'whiteouts of nothing', layers: [[file('.wh.', '')]], line: /has the whiteout '\.wh\.'/ },
    { name: 'no tar in it', layers: [Buffer.from('text'.repeat(1000))], line: /is not a tar archive/ },
  ])('is refused with $name', async ({ layers, line }) => {
    expect(await refusal(await images.write('refused', { layers }))).toMatch(line);
  });

  it('is refused when it is cut short', async () => {
    const cut = tarOf([file('a', 'x'.repeat(3000))]).subarray(0, 2000);

    expect(await refusal(await images.write('cut', { layers: [cut] }))).toMatch(/is cut short/);
  });

  it.each<{ name: string; layers: HostileImage['layers']; line: string; want: string }>([
    {
      name: 'links that lead out',
      layers: [[link('etc/a', `${UP}${VICTIM}`), link('b', OUTSIDE)]],
      line: 'readlink etc/a b',
      want: `${UP}${VICTIM}\n${OUTSIDE}\n`,
    },
    {
      name: 'absolute paths',
      layers: [[file(`${OUTSIDE}/evil`)]],
      line: `cat .${OUTSIDE}/evil`,
      want: 'evil\n',
    },
    {
      name: 'a folder above a link',
      layers: [[link('a', OUTSIDE)], [folder('a'), file('a/evil')]],
      line: 'cat a/evil; find . -type l',
      want: 'evil\n',
    },
    {
      name: 'a folder above a relative link',
      layers: [[link('b/a', `${UP}${OUTSIDE}`)], [file('b/a/evil')]],
      line: 'cat b/a/evil',
      want: 'evil\n',
    },
    {
      name: 'a whiteout above a link',
      layers: [[link('a', OUTSIDE)], [file('a/.wh.victim', '')]],
      line: 'find a',
      want: 'a\n',
    },
    {
      name: 'an opaque folder above a link',
      layers: [[link('a', OUTSIDE)], [file('a/.wh..wh..opq', '')]],
      line: 'find a',
      want: 'a\n',
    },
    {
      name: 'a folder above a link above a folder',
      layers: [[file('a/b')], [link('a', OUTSIDE)], [file('a/evil')]],
      line: 'find a',
      want: 'a\na/evil\n',
    },
    {
      name: 'folders above files, one after the other',
      layers: [[file('a'), file('b/c')], [file('a/b')], [file('b/c/d')]],
      line: 'find . -type f | sort',
      want: './a/b\n./b/c/d\n',
    },
    {
      name: 'a link above a folder',
      layers: [[file('a/b')], [link('a', OUTSIDE)]],
      line: 'readlink a',
      want: `${OUTSIDE}\n`,
    },
    {
      name: 'a file above a folder',
      layers: [[file('a/b')], [file('a', 'flat\n')]],
      line: 'cat a',
      want: 'flat\n',
    },
    {
      name: 'files twice',
      layers: [[file('a', 'first\n'), file('a', 'second\n')]],
      line: 'cat a',
      want: 'second\n',
    },
    {
      name: 'the same layer twice',
      layers: [[file('a', 'one\n')], [file('a', 'two\n')], [file('a', 'one\n')]],
      line: 'cat a',
      want: 'one\n',
    },
    {
      name: 'a link in the place of a file',
      layers: [[file('a'), link('a', VICTIM)]],
      line: 'readlink a',
      want: `${VICTIM}\n`,
    },
    {
      name: 'devices and hard links to them',
      layers: [
        [
          { name: 'dev/null', type: '3' },
          hardLink('dev/zero', 'dev/null'),
          { name: 'dev/sda', type: '4' },
          { name: 'fifo', type: '6' },
          file('a'),
        ],
      ],
      line: 'find . -type f',
      want: './a\n',
    },
    {
      name: 'names beyond ASCII',
      layers: [[{ ...file('a'), pax: { path: 'etc/Főtanúsítvány' } }]],
      line: 'ls etc',
      want: 'Főtanúsítvány\n',
    },
    {
      name: 'names with line breaks',
      layers: [[file('a\nb')]],
      line: 'ls -1 --quoting-style=c | grep a',
      want: '"a\\nb"\n',
    },
    {
      name: 'a whiteout of a folder',
      layers: [[file('a/b/c'), file('d')], [file('.wh.a', '')]],
      line: 'ls',
      want: 'd\n',
    },
    {
      name: 'an opaque folder',
      layers: [
        [file('a/b/c'), file('a/d')],
        [file('a/.wh..wh..opq', ''), file('a/e')],
      ],
      line: 'find a',
      want: 'a\na/e\n',
    },
    {
      name: 'a whiteout of what is not there',
      layers: [[file('a')], [file('b/.wh.c', '')]],
      line: 'find . -type f',
      want: './a\n',
    },
    { name: 'no entries', layers: [[file('a')], []], line: 'ls', want: 'a\n' },
  ])('is harmless with $name', async ({ layers, line, want }) => {
    expect(await inside(await images.write('harmless', { layers }), line)).toBe(want);
  });

  it('may have 20,000 files', async () => {
    const files = Array.from({ length: 20_000 }, (_, index) => file(`d${index % 50}/f${index}`, `${index}`));

    const layout = await images.write('many', { layers: [files], compression: 'gzip' });

    expect(await inside(layout, 'find . -type f | wc -l; cat d7/f19957')).toBe('20000\n19957');
  });

  it('may have a sparse file', async () => {
    const sparse = '/var/tmp/atomic-sparse';
    await execa('sh', [
      '-c',
      `mkdir ${sparse} && cd ${sparse} && truncate -s 64M big && echo end >> big && tar -c --sparse --format=gnu -f layer.tar big`,
    ]);
    const layout = await images.write('sparse', { layers: [`${sparse}/layer.tar`] });
    await execa('rm', ['-r', sparse]);

    expect(await inside(layout, 'stat -c %s big; tail -c 4 big')).toBe('67108868\nend\n');
  });
});

describe('a manifest', () => {
  const OTHER = `sha256:${'ab'.repeat(32)}`;

  it.each<{ name: string; change: (manifest: Manifest) => void; line: RegExp }>([
    {
      name: 'the size of a layer',
      change: ({ layers: [layer] }) => Object.assign(layer ?? {}, { size: 7 }),
      line: /has \d+ bytes, not 7 as its manifest says/,
    },
    {
      name: 'a layer that is not there',
      change: ({ layers: [layer] }) => Object.assign(layer ?? {}, { digest: OTHER }),
      line: /no such file/,
    },
    {
      name: 'the configuration',
      change: ({ config }) => Object.assign(config, { digest: OTHER }),
      line: /no such file/,
    },
    {
      name: 'a digest that is none',
      change: ({ layers: [layer] }) => Object.assign(layer ?? {}, { digest: 'sha256:../../../etc/passwd' }),
      line: /digest/,
    },
    {
      name: 'a size that is none',
      change: ({ layers: [layer] }) => Object.assign(layer ?? {}, { size: -1 }),
      line: /./,
    },
    { name: 'its layers', change: (manifest) => Object.assign(manifest, { layers: 'none' }), line: /./ },
  ])('is refused when it lies about $name', async ({ change, line }) => {
    const layout = await images.write('lying', { layers: [[file('a')]] });
    await changeManifest(layout, change);

    expect(await refusal(layout)).toMatch(line);
  });

  it('is refused when a layer is not what its digest says', async () => {
    const layout = await images.write('swapped', { layers: [[file('a')]] });
    await changeManifest(layout, async ({ layers: [layer] }) => {
      await writeFile(join(layout, 'blobs/sha256', layer?.digest.slice(7) ?? ''), 'something else');
    });

    expect(await refusal(layout)).toMatch(/[Dd]igest did not match/);
  });
});

describe('a configuration', () => {
  it('is refused when it is for another machine', async () => {
    const other = process.arch === 's390x' ? 'amd64' : 's390x';

    const layout = await images.write('foreign', { layers: [[file('a')]], architectures: [other] });

    expect(await refusal(layout)).toMatch(new RegExp(`it is for ${other}, this machine is`));
  });

  it('is refused when none of several is for this machine', async () => {
    const others = ['mips', 'sparc'];

    const layout = await images.write('foreigners', { layers: [[file('a')]], architectures: others });

    expect(await refusal(layout)).toMatch(
      /^cannot pull .*it has no manifest for linux\/\w+, only: linux\/mips, linux\/sparc$/,
    );
  });

  it('is refused when the layers are not those that it speaks of', async () => {
    const config = { rootfs: { type: 'layers', diff_ids: [`sha256:${'ab'.repeat(32)}`] } };

    const layout = await images.write('unlike', { layers: [[file('a')]], config });

    expect(await refusal(layout)).toMatch(/does not match its image/);
  });

  it.each([
    { name: 'labels', config: { config: { Labels: null } } },
    { name: 'settings', config: { config: null } },
    { name: 'layers', config: { rootfs: { type: 'layers' } } },
  ])('may be without $name', async ({ config }) => {
    const layout = await images.write('bare', { layers: [[file('a')]], config });

    expect(await inside(layout, 'cat a')).toBe('evil\n');
  });

  it.each([
    { name: 'labels that are numbers', config: { config: { Labels: { a: 1 } } } },
    { name: 'an architecture that is a list', config: { architecture: [] } },
  ])('is refused with $name', async ({ config }) => {
    const layout = await images.write('odd', { layers: [[file('a')]], config });

    expect(await refusal(layout)).toMatch(/./);
  });

  it('does not command the terminal, nor forge lines', async () => {
    const Labels = { a: 'b\nImage Name: forged\u001b[2J\u009b' };
    const layout = await images.write('talks', { layers: [[file('a')]], config: { config: { Labels } } });
    await box.type(`atomic pull oci:${layout}`);

    const stdout = await box.type('atomic info $(atomic images list --no-trunc -q -f repo=talks)');

    expect(stdout).toContain('\na: b Image Name: forged [2J \n');
    expect(stdout).not.toContain('\u001b');
  });
});
