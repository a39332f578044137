/** Loads the bundle: its scripts are compiled from V8's code cache, where there is one for this Node. */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

const CHUNKS = join(__dirname, 'chunks');
const ENTRY = './main.cjs';

/** What the program says when it begins to change something: see `host/files/lock.ts`. */
const HOLD = 'atomic:hold';

/** A cache is for one version of Node on one kind of processor. */
export const CACHES = join(__dirname, 'code-cache', `${process.version}-${process.arch}`);

/** What has been loaded so far, by name: for the one who makes the cache. */
export const scripts = new Map<string, Script>();

const loaded = new Map<string, { exports: unknown }>();

/** Chunks that have been opened, by name. */
const descriptors = new Map<string, number>();

/** Whoever upgrades or removes this program while it runs takes those away that it has not loaded yet. */
function openChunks(): void {
  for (const name of chunkNames()) descriptors.set(name, openSync(join(CHUNKS, name), 'r'));
}

const chunkNames = () =>
  readdirSync(CHUNKS)
    .filter((file) => file.endsWith('.cjs'))
    .map((file) => `./${file}`);

/** Compiles a chunk, for instance `./main.cjs`. Its source has ASCII only, and latin1 takes half the memory of UTF-8. */
export function compile(name: string): Script {
  const filename = join(CHUNKS, name);
  const source = readChunk(name, filename);
  const cachedData = readIfPresent(join(CACHES, name));
  const options = cachedData === undefined ? { filename } : { filename, cachedData };
  return new Script(`(function (exports, require, module) {${source}\n})`, options);
}

function readChunk(name: string, filename: string): string {
  const fd = descriptors.get(name);
  if (fd === undefined) return readFileSync(filename, 'latin1');
  descriptors.delete(name);
  try {
    return readFileSync(fd, 'latin1');
  } finally {
    closeSync(fd);
  }
}

function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Modules of Node that take a millisecond each, and that most commands load without using them. No chunk may ask which
 * names they have, which `import * as` and `import NAME` do.
 */
export const LAZY: ReadonlySet<string> = new Set(
  ['crypto', 'zlib', 'child_process', 'fs/promises', 'stream/promises', 'v8'].map((name) => `node:${name}`),
);

/** A module of Node; one of the lazy ones is loaded when something of it is used. */
function builtin(name: string): object | undefined {
  if (!LAZY.has(name)) return process.getBuiltinModule(name);
  return new Proxy({}, { get: (_, key) => Reflect.get(process.getBuiltinModule(name) ?? {}, key) });
}

/** What chunks call for other chunks and for the modules of Node; they need nothing else. */
export function load(name: string): unknown {
  if (!name.startsWith('.')) return builtin(name);
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  const script = compile(name);
  loaded.set(name, module);
  scripts.set(name, script);
  script.runInThisContext()(module.exports, load, module);
  return module.exports;
}

// Node looks for source maps only in what it has loaded itself
if (process.execArgv.includes('--enable-source-maps')) {
  process.once(HOLD, () => {
    for (const name of chunkNames()) require(join(CHUNKS, name));
  });
  require(join(CHUNKS, ENTRY));
} else {
  process.once(HOLD, openChunks);
  load(ENTRY);
}
