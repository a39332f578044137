import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Box, PROJECT } from '../support/box.ts';
import { compare, type Result } from './measure.ts';
import { chunksOf, loadingOf } from './probe.ts';
import { succeed } from './succeed.ts';

const CHUNKS = join(PROJECT, 'dist/chunks');

/** Milliseconds that loading may take: what was aimed at for an install. */
const MOST = 25;

/** The size of the bundle, how much of it commands load, and how long that takes; each does its usual work once. */
export async function load(box: Box, image: string): Promise<readonly Result[]> {
  await succeed(box, `atomic pull ${image} && atomic install --system --name=one ${image}`);
  const commands = {
    version: ['--version'],
    containers_list: ['containers', 'list'],
    images_list: ['images', 'list'],
    install: ['install', '--system', '--name=two', image],
    update: ['containers', 'update', '--set=RECEIVER=Ann', 'one'],
    pull: ['pull', image],
  };
  const results: Result[] = [{ name: 'bundle', value: kilobytesOf(allChunks()), unit: 'kB' }];
  for (const [name, argv] of Object.entries(commands)) {
    const chunks = await loadedBy(box, argv);
    results.push({ name: `bundle_${name}`, value: kilobytesOf(chunks), unit: 'kB' });
    const ours = { work: () => succeed(box, loadingOf(chunks)) };
    const baseline = { work: () => succeed(box, 'node -e 0') };
    results.push(await compare(`load_${name}`, { ours, baseline, rounds: 9, goal: { more: MOST } }));
  }
  return results;
}

async function loadedBy(box: Box, argv: readonly string[]): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await box.sh(chunksOf(argv));
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

function allChunks(): readonly string[] {
  return readdirSync(CHUNKS).filter((name) => name.endsWith('.cjs'));
}

function kilobytesOf(chunks: readonly string[]): number {
  const bytes = chunks.reduce((sum, name) => sum + statSync(join(CHUNKS, name)).size, 0);
  return Math.round(bytes / 1000);
}
