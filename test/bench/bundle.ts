/** What commands load: sizes, which are the same in each run. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import type { Figure } from './measure.ts';

const CHUNKS = join(PROJECT, 'dist/chunks');

const COMMANDS = {
  version: ['--version'],
  containers_list: ['containers', 'list'],
  images_list: ['images', 'list'],
  install: ['install', '--system', '--display', 'registry.invalid/none'],
  pull: ['pull', 'registry.invalid/none'],
};

/** The size of the bundle, and how much of it each command loads. */
export async function bundle(): Promise<readonly Figure[]> {
  const all = readdirSync(CHUNKS).filter((name) => name.endsWith('.cjs'));
  const figures = [{ name: 'bundle', value: kilobytesOf(all), unit: 'kB' }];
  for (const [name, argv] of Object.entries(COMMANDS))
    figures.push({ name: `bundle_${name}`, value: kilobytesOf(await loadedBy(argv)), unit: 'kB' });
  return figures;
}

function kilobytesOf(chunks: readonly string[]): number {
  const bytes = chunks.reduce((sum, name) => sum + statSync(join(CHUNKS, name)).size, 0);
  return Math.round(bytes / 1000);
}

/** The chunks that a command loads; it may fail, since nothing is here for it. */
async function loadedBy(argv: readonly string[]): Promise<readonly string[]> {
  const script = `
    process.argv = ['node', 'atomic', ...${JSON.stringify(argv)}];
    const { scripts } = require('${join(PROJECT, 'dist/atomic.cjs')}');
    process.on('exit', () => console.log('\\n' + JSON.stringify([...scripts.keys()])));`;
  const nowhere = mkdtempSync(join(tmpdir(), 'atomic-bench-'));
  const env = { ATOMIC_OSTREE_CHECKOUT_PATH: nowhere, ATOMIC_OSTREE_REPO: join(nowhere, 'repo') };
  const { stdout } = await execa('node', ['-e', script], { env, reject: false });
  rmSync(nowhere, { recursive: true });
  return JSON.parse(stdout.split('\n').at(-1) ?? '');
}
