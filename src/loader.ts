/** Loads the bundle: its scripts are compiled from V8's code cache, where there is one for this Node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

const CHUNKS = join(__dirname, 'chunks');
const ENTRY = './main.cjs';

/** A cache is for one version of Node on one kind of processor. */
export const CACHES = join(__dirname, 'code-cache', `${process.version}-${process.arch}`);

/** What has been loaded so far, by name: for the one who makes the cache. */
export const scripts = new Map<string, Script>();

const loaded = new Map<string, { exports: unknown }>();

/** Compiles a chunk, for instance `./main.cjs`. Its source has ASCII only, and latin1 takes half the memory of UTF-8. */
export function compile(name: string): Script {
  const filename = join(CHUNKS, name);
  const source = readFileSync(filename, 'latin1');
  const cachedData = readIfPresent(join(CACHES, name));
  const options = cachedData === undefined ? { filename } : { filename, cachedData };
  return new Script(`(function (exports, require, module) {${source}\n})`, options);
}

function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** What chunks call for other chunks and for the modules of Node; they need nothing else. */
function load(name: string): unknown {
  if (!name.startsWith('.')) return process.getBuiltinModule(name);
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
if (process.execArgv.includes('--enable-source-maps')) require(join(CHUNKS, ENTRY));
else load(ENTRY);
