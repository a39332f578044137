import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, describe, expect, it } from 'vitest';
import { readExports } from '../../../../src/containers/rendering/exports.ts';
import { AtomicError } from '../../../../src/errors.ts';
import { useEmptyDirectory } from '../../support/directory.ts';
import { mutated, randomFrom } from '../../support/noise.ts';

const NO_MANIFEST = {
  defaultValues: {},
  renameFiles: {},
  installedFilesTemplate: [],
  useLinks: true,
  noContainerService: false,
};
const NOTHING = {
  isPresent: true,
  manifest: NO_MANIFEST,
  config: undefined,
  configTemplate: undefined,
  serviceTemplate: undefined,
  tmpfilesTemplate: undefined,
};

const directory = useEmptyDirectory();
const rootfs = join(directory, 'rootfs');
const outside = join(directory, 'outside');

beforeEach(async () => {
  await mkdir(join(rootfs, 'exports'), { recursive: true });
  await mkdir(outside);
});

const put = async (name: string, text: string) => await writeFile(join(rootfs, 'exports', name), text);
const read = async () => await readExports(rootfs, '/ck/x.0/rootfs', 'me/image:1');

describe('readExports', () => {
  it('reads all that there can be, and shows where it will be', async () => {
    await put('config.json', '{"$X": 1}');
    await put('config.json.template', 'config $X');
    await put('service.template', 'service $X');
    await put('tmpfiles.template', 'tmpfiles $X');
    await put('manifest.json', '{"version": "1.0", "defaultValues": {"X": "1"}}');
    await mkdir(join(rootfs, 'exports/hostfs'));

    const exported = '/ck/x.0/rootfs/exports';
    expect(await read()).toEqual({
      isPresent: true,
      manifest: { ...NO_MANIFEST, version: '1.0', defaultValues: { X: '1' } },
      config: '{"$X": 1}',
      configTemplate: { file: `${exported}/config.json.template`, text: 'config $X' },
      serviceTemplate: { file: `${exported}/service.template`, text: 'service $X' },
      tmpfilesTemplate: { file: `${exported}/tmpfiles.template`, text: 'tmpfiles $X' },
    });
  });

  it('has the defaults for an empty folder', async () => {
    expect(await read()).toEqual(NOTHING);
  });

  it('says when there is no folder at all', async () => {
    await rm(join(rootfs, 'exports'), { recursive: true });

    expect(await read()).toEqual({ ...NOTHING, isPresent: false });
  });

  it('takes empty files for what they are', async () => {
    await put('config.json', '');
    await put('service.template', '');

    expect(await read()).toMatchObject({
      config: '',
      serviceTemplate: { file: '/ck/x.0/rootfs/exports/service.template', text: '' },
    });
  });

  it('takes anything but a regular file for absent', async () => {
    await mkdir(join(rootfs, 'exports/config.json'));
    await mkdir(join(rootfs, 'exports/manifest.json'));
    await execa('mkfifo', [join(rootfs, 'exports/service.template')]);

    expect(await read()).toEqual(NOTHING);
  });

  it('follows links as the container would, and never out of it', async () => {
    await mkdir(join(rootfs, 'etc'));
    await writeFile(join(rootfs, 'etc/inside'), 'of the image');
    await writeFile(join(outside, 'secret'), 'of the host');
    await symlink('/etc/inside', join(rootfs, 'exports/config.json'));
    await symlink('../../outside/secret', join(rootfs, 'exports/service.template'));
    await symlink(join(outside, 'secret'), join(rootfs, 'exports/manifest.json'));
    await symlink(outside, join(rootfs, 'exports/hostfs'));

    expect(await read()).toEqual({ ...NOTHING, config: 'of the image' });
  });

  it('follows a link in place of the folder, and never out of the image', async () => {
    await rm(join(rootfs, 'exports'), { recursive: true });
    await mkdir(join(rootfs, 'usr/exports'), { recursive: true });
    await writeFile(join(rootfs, 'usr/exports/config.json'), 'of the image');
    await symlink('/usr/exports', join(rootfs, 'exports'));
    expect(await read()).toEqual({ ...NOTHING, config: 'of the image' });

    await rm(join(rootfs, 'exports'));
    await symlink(outside, join(rootfs, 'exports'));
    await writeFile(join(outside, 'config.json'), 'of the host');
    expect(await read()).toEqual({ ...NOTHING, isPresent: false });
  });

  it('gives up on links in a circle', async () => {
    await symlink('config.json', join(rootfs, 'exports/config.json'));

    await expect(read()).rejects.toThrow(AtomicError);
  });
});

describe('manifest.json', () => {
  it.each([
    { name: 'an empty object', document: {}, want: {} },
    {
      name: 'keys that we do not know',
      document: { version: '1.0', later: [1] },
      want: { version: '1.0', later: [1] },
    },
    {
      name: 'values that are no text in the spelling of JSON',
      document: { defaultValues: { a: true, b: null, c: 12, d: 1.5, e: [1, '2'], f: { g: 'h' }, i: '' } },
      want: {
        defaultValues: { a: 'true', b: 'null', c: '12', d: '1.5', e: '[1,"2"]', f: '{"g":"h"}', i: '' },
      },
    },
    {
      name: 'everything else',
      document: {
        renameFiles: { '/a': '/$NAME' },
        installedFilesTemplate: ['/a'],
        useLinks: false,
        noContainerService: true,
      },
      want: {
        renameFiles: { '/a': '/$NAME' },
        installedFilesTemplate: ['/a'],
        useLinks: false,
        noContainerService: true,
      },
    },
  ])('may hold $name', async ({ document, want }) => {
    await put('manifest.json', JSON.stringify(document));

    expect((await read()).manifest).toEqual({ ...NO_MANIFEST, ...want });
  });

  it.each([
    { name: 'nothing', text: '', hint: /JSON/ },
    { name: 'no JSON', text: '{"version": "1.0",}', hint: /JSON/ },
    { name: 'a list', text: '[]', hint: /^document: .*expected object/ },
    { name: 'null', text: 'null', hint: /^document: .*expected object/ },
    { name: 'default values that are a list', text: '{"defaultValues": ["A=1"]}', hint: /^defaultValues: / },
    { name: 'a new name that is no text', text: '{"renameFiles": {"/a": 1}}', hint: /^renameFiles\..*: / },
    {
      name: 'a path that is no text',
      text: '{"installedFilesTemplate": [1]}',
      hint: /^installedFilesTemplate\.0: /,
    },
    { name: 'a word for a truth value', text: '{"useLinks": "no"}', hint: /^useLinks: / },
    { name: 'a number for a truth value', text: '{"noContainerService": 1}', hint: /^noContainerService: / },
  ])('is refused with $name', async ({ text, hint }) => {
    await put('manifest.json', text);

    const error = await read().catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(AtomicError);
    expect(error).toMatchObject({
      message: 'Invalid manifest.json file in image: me/image:1.',
      hint: expect.stringMatching(hint),
    });
  });

  it('survives mutations', async () => {
    const random = randomFrom(5);
    const document = {
      version: '1.0',
      defaultValues: { PORT: '80', FLAG: true },
      renameFiles: { '/a': '/b' },
      useLinks: false,
    };
    const verdicts = new Set<string>();

    for (let round = 0; round < 500; round++) {
      await writeFile(
        join(rootfs, 'exports/manifest.json'),
        mutated(Buffer.from(JSON.stringify(document)), random),
      );
      try {
        const { defaultValues } = (await read()).manifest;
        for (const value of Object.values(defaultValues)) expect(value).toBeTypeOf('string');
        verdicts.add('read');
      } catch (error) {
        expect(error).toBeInstanceOf(AtomicError);
        verdicts.add('refused');
      }
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });
});
