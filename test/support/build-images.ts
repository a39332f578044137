/** Builds the images of fixtures/images into .cache/fixtures: `make fixtures`. */
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { type LayerSource, writeLayout } from './oci-layout.ts';
import { PROJECT } from './project.ts';

const SOURCES = join(PROJECT, 'fixtures/images');
export const LAYOUTS = join(PROJECT, '.cache/fixtures');

const Device = z.object({
  path: z.string(),
  type: z.enum(['c', 'b', 'p']),
  major: z.number().optional(),
  minor: z.number().optional(),
});

/** image.json: what an image is made of, besides its folders `files` and `exports`. */
const ImageFile = z.strictObject({
  /** Another fixture, whose files and settings this one starts from. */
  extends: z.string().optional(),
  /** Programs of this machine that go into the lowest layer, with their libraries. */
  programs: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  /** Empty folders, which git cannot hold. */
  folders: z.array(z.string()).optional(),
  /** Files for the host that are programs of the lowest layer: new path to path there. */
  copies: z.record(z.string(), z.string()).optional(),
  /** Symbolic links by path: some that are of use here, tools would stumble over in the source tree. */
  links: z.record(z.string(), z.string()).optional(),
  /** Permissions that git does not keep, in octal. */
  modes: z.record(z.string(), z.string()).optional(),
  /** `UID:GID` of files that are not root's. */
  owners: z.record(z.string(), z.string()).optional(),
  /** `host` is this machine's own. */
  architectures: z.array(z.string()).optional(),
  layers: z
    .array(
      z.object({
        folder: z.string(),
        compression: z.enum(['gzip', 'zstd', 'none']),
        devices: z.array(Device).default([]),
      }),
    )
    .optional(),
});
type ImageFile = z.infer<typeof ImageFile>;

/** The names of all fixtures. */
export async function fixtureNames(): Promise<readonly string[]> {
  return (await readdir(SOURCES)).sort();
}

/** Builds those of the fixtures, or of some of them, that have changed since the last time. */
export async function buildImages(names?: readonly string[]): Promise<void> {
  await mkdir(LAYOUTS, { recursive: true });
  const sources = await newest(SOURCES);
  for (const name of names ?? (await fixtureNames())) {
    const built = await stat(join(LAYOUTS, name, 'index.json')).catch(() => undefined);
    if (built === undefined || built.mtimeMs < sources) await buildImage(name);
  }
}

async function newest(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const times = await Promise.all(
    entries.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).mtimeMs),
  );
  return Math.max(...times);
}

async function buildImage(name: string): Promise<void> {
  const work = await mkdtemp(join(LAYOUTS, '.work-'));
  try {
    const image = await readImageFile(name);
    const layers = [
      await programLayer(work, image.programs ?? []),
      ...(await ownLayers(work, name, image)),
      await contentLayer(work, name, image),
    ];
    const architectures = (image.architectures ?? ['host']).map((one) =>
      one === 'host' ? hostArchitecture() : one,
    );
    await writeLayout(join(LAYOUTS, name), { layers, labels: image.labels ?? {}, architectures });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function hostArchitecture(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}

async function readImageFile(name: string): Promise<ImageFile> {
  const own = ImageFile.parse(JSON.parse(await readFile(join(SOURCES, name, 'image.json'), 'utf8')));
  return own.extends === undefined ? own : { ...(await readImageFile(own.extends)), ...own };
}

const programsIn = (work: string) => join(work, 'programs');

/** The programs keep their paths; `sh` is whatever this machine has behind the name. */
async function programLayer(work: string, programs: readonly string[]): Promise<LayerSource> {
  const root = programsIn(work);
  for (const folder of ['proc', 'dev', 'sys', 'tmp', 'run', 'etc', 'opt', 'mnt', 'usr/bin']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const program of programs) {
    const path = (await execa('which', [program])).stdout;
    await copyFile(await realpath(path), join(root, 'usr/bin', program));
    for (const library of await librariesOf(path)) await copyInto(root, library, library);
  }
  await execa('ln', ['-s', 'usr/bin', join(root, 'bin')]);
  return await pack(work, 'programs', root);
}

async function librariesOf(path: string): Promise<readonly string[]> {
  const { stdout } = await execa('ldd', [path], { reject: false });
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, library]) => library ?? '');
}

async function copyInto(root: string, path: string, source: string): Promise<void> {
  const target = join(root, path);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
  await chmod(target, 0o755);
}

async function ownLayers(
  work: string,
  name: string,
  { layers = [] }: ImageFile,
): Promise<readonly LayerSource[]> {
  const packed = [];
  for (const [index, { folder, compression, devices }] of layers.entries()) {
    const root = join(work, `layer-${index}`);
    await cp(join(SOURCES, name, folder), root, { recursive: true });
    for (const device of devices) await makeDevice(root, device);
    packed.push({ ...(await pack(work, `layer-${index}`, root)), compression });
  }
  return packed;
}

async function makeDevice(root: string, { path, type, major, minor }: z.infer<typeof Device>): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  const numbers = type === 'p' ? [] : [String(major), String(minor)];
  await execa('mknod', [join(root, path), type, ...numbers]);
}

/** `files` go to the root of the image, `exports` to /exports; those of the fixture that it extends come first. */
async function contentLayer(work: string, name: string, image: ImageFile): Promise<LayerSource> {
  const root = join(work, 'content');
  await mkdir(root);
  for (const source of [image.extends, name].filter((one) => one !== undefined)) {
    await copyIfPresent(join(SOURCES, source, 'files'), root);
    await copyIfPresent(join(SOURCES, source, 'exports'), join(root, 'exports'));
  }
  for (const folder of image.folders ?? []) await mkdir(join(root, folder), { recursive: true });
  for (const [path, program] of Object.entries(image.copies ?? {})) {
    await copyInto(root, path, join(programsIn(work), program));
  }
  for (const [path, text] of Object.entries(image.links ?? {})) await symlink(text, join(root, path));
  await execa('chmod', ['-R', 'u=rwX,go=rX', root]);
  for (const [path, mode] of Object.entries(image.modes ?? {}))
    await chmod(join(root, path), Number.parseInt(mode, 8));
  for (const [path, owner] of Object.entries(image.owners ?? {}))
    await execa('chown', ['-h', owner, join(root, path)]);
  return await pack(work, 'content', root);
}

async function copyIfPresent(source: string, target: string): Promise<void> {
  if (await stat(source).catch(() => undefined))
    await cp(source, target, { recursive: true, verbatimSymlinks: true });
}

/** The same folder always gives the same bytes, so that images share layers. */
async function pack(work: string, name: string, root: string): Promise<LayerSource> {
  const tar = join(work, `${name}.tar`);
  const reproducible = ['--sort=name', '--mtime=@0', '--numeric-owner', '--format=posix'];
  const noTimes = '--pax-option=delete=atime,delete=ctime';
  await execa('tar', ['-cf', tar, '-C', root, ...reproducible, noTimes, '.']);
  return { tar, compression: 'gzip' };
}

if (import.meta.url === `file://${process.argv[1]}`) await buildImages();
