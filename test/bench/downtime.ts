import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Box } from '../support/box.ts';
import { LAYOUTS } from '../support/build-images.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { pushLayout } from '../support/registry.ts';
import { type Comparison, compare } from './measure.ts';
import { succeed } from './succeed.ts';

const HOST_FILES = 200;
const LARGE = 300_000_000;

/** Notes in /run/down how long nothing listened on the port of `hello-world`, 8081, in milliseconds; runs in the box. */
const WATCH = `
  const { appendFileSync, readFileSync } = require('node:fs');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let since; ; Atomics.wait(pause, 0, 0, 1)) {
    const isUp = readFileSync('/proc/net/tcp', 'latin1').includes(':1F91 00000000:0000 0A ');
    const now = performance.now();
    if (!isUp) since ??= now;
    else if (since !== undefined) {
      appendFileSync('/run/down', (now - since) + '\\n');
      since = undefined;
    }
  }`;

/**
 * How long a service cannot be reached in an update with 200 host files and a large one of 300 MB, against the same in a
 * `systemctl restart` of it.
 */
export async function downtime(box: Box, image: string): Promise<readonly Comparison[]> {
  const registry = image.split('/')[0] ?? '';
  for (const version of [1, 2]) await pushVersion(registry, version);
  await succeed(box, `atomic install --system --name=ours ${registry}/many-files-1 && atomic run ours`);
  await succeed(box, `atomic pull ${registry}/many-files-2`);
  await box.run(['systemd-run', '--quiet', '--unit=watch', 'node', '-e', WATCH]);
  let version = 1;
  const update = async () => {
    version = version === 1 ? 2 : 1;
    await succeed(box, `atomic containers update --rebase=${registry}/many-files-${version} ours`);
  };
  const watched = { before: () => box.sh('sleep 1; : > /run/down'), duration: () => lastDowntime(box) };
  const ours = { ...watched, work: update };
  const baseline = { ...watched, work: () => succeed(box, 'systemctl restart ours') };
  const comparison = await compare('downtime', { ours, baseline, rounds: 11, goal: 1.15 });
  await succeed(box, 'systemctl stop watch; atomic uninstall ours');
  return [comparison];
}

/** The image `hello-world` with one more layer of host files, all of whose contents differ between the versions. */
async function pushVersion(registry: string, version: number): Promise<void> {
  const directory = await mkdtemp('/var/tmp/atomic-bench-');
  try {
    const files = join(directory, 'tree/exports/hostfs/opt/many-files');
    await mkdir(files, { recursive: true });
    for (let index = 0; index < HOST_FILES; index++)
      await writeFile(join(files, `file-${index}`), `${version} ${index}\n`.repeat(500));
    await writeFile(join(files, 'large'), Buffer.alloc(LARGE, version));
    const added = join(directory, 'added.tar');
    await execa('tar', ['-cf', added, '-C', join(directory, 'tree'), '.']);
    const tars = [...(await layersOf('hello-world', directory)), added];
    const layers = tars.map((tar) => ({ tar, compression: 'gzip' as const }));
    await writeLayout(join(directory, 'layout'), { layers, labels: {}, architectures: ['amd64'] });
    await pushLayout({ address: registry }, join(directory, 'layout'), `many-files-${version}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The layers of a fixture, uncompressed, the lowest first. */
async function layersOf(fixture: string, directory: string): Promise<readonly string[]> {
  const blob = (digest: string) => join(LAYOUTS, fixture, 'blobs', digest.replace(':', '/'));
  const json = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
  const index = await json(join(LAYOUTS, fixture, 'index.json'));
  const manifest = await json(blob(index.manifests[0].digest));
  const tars = [];
  for (const { digest } of manifest.layers as readonly { digest: string }[]) {
    const tar = join(directory, `${tars.length}.tar`);
    await execa('sh', ['-c', 'gzip -dc "$1" > "$2"', 'unpack', blob(digest), tar]);
    tars.push(tar);
  }
  return tars;
}

/** What has been noted, once the service can be reached again. */
async function lastDowntime(box: Box): Promise<number> {
  const { stdout } = await box.sh('until [ -s /run/down ]; do sleep 0.01; done; cat /run/down');
  return stdout
    .trim()
    .split('\n')
    .map(Number)
    .reduce((sum, milliseconds) => sum + milliseconds);
}
