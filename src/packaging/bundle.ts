/** `npm run build`: makes the program in dist of the sources: one script for each part that commands load together. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { type BuildOptions, build, type TransformOptions, transform } from 'esbuild';
import { licencesOf } from './licences.ts';

type Loader = typeof import('../loader.ts');

const DIST = join(import.meta.dirname, '../../dist');
const SOURCES = dirname(import.meta.dirname);

/** Names stay: that they are short saves nothing once there is a cache, and to keep them otherwise takes a call for each function. */
const COMMON = {
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  charset: 'ascii',
  sourcesContent: false,
} as const satisfies BuildOptions & TransformOptions;

/** esbuild splits ES modules only; as CommonJS, the parts can be compiled from a cache, and are loaded in one go. */
async function makeChunks(): Promise<void> {
  const { outputFiles, metafile } = await build({
    ...COMMON,
    entryPoints: [join(SOURCES, 'main.ts')],
    outdir: join(DIST, 'chunks'),
    outExtension: { '.js': '.cjs' },
    chunkNames: '[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    sourcemap: 'inline',
    write: false,
    metafile: true,
  });
  writeFileSync(join(DIST, 'THIRD-PARTY-LICENSES'), licencesOf(Object.keys(metafile.inputs)));
  mkdirSync(join(DIST, 'chunks'), { recursive: true });
  for (const { path, text } of outputFiles) {
    const { code, map } = await transform(text, {
      ...COMMON,
      format: 'cjs',
      supported: { 'dynamic-import': false },
      sourcefile: path,
      sourcemap: 'external',
    });
    writeFileSync(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`);
    writeFileSync(`${path}.map`, map);
  }
}

/** @throws Error when a chunk asks for the names of a module of Node that the loader does not load before it is used */
function requireNoNames({ LAZY }: Loader): void {
  for (const name of readdirSync(join(DIST, 'chunks')).filter((file) => file.endsWith('.cjs'))) {
    const asked = readFileSync(join(DIST, 'chunks', name), 'latin1').matchAll(/__toESM\(require\("([^"]+)"/g);
    const found = [...asked].find(([, module]) => LAZY.has(module ?? ''));
    if (found !== undefined)
      throw new Error(`${name}: import names from ${found[1]}, which src/loader.ts loads when one is used`);
  }
}

async function makeLoader(): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: [join(SOURCES, 'loader.ts')],
    outfile: join(DIST, 'atomic.cjs'),
    format: 'cjs',
  });
}

/**
 * Lists containers where there are none, and puts what this has compiled into the cache; what it has not loaded, whole.
 * The cache of a listing is a third as large as one of everything, and as much quicker to read.
 */
function makeCache(): void {
  const nowhere = mkdtempSync(join(tmpdir(), 'atomic-build-'));
  process.env.ATOMIC_OSTREE_CHECKOUT_PATH = nowhere;
  process.env.ATOMIC_OSTREE_REPO = join(nowhere, 'repo');
  process.argv = [process.execPath, 'atomic', 'containers', 'list'];
  const loader: Loader = createRequire(import.meta.url)(join(DIST, 'atomic.cjs'));
  requireNoNames(loader);
  process.on('exit', () => {
    rmSync(nowhere, { recursive: true });
    mkdirSync(loader.CACHES, { recursive: true });
    for (const name of readdirSync(join(DIST, 'chunks')).filter((file) => file.endsWith('.cjs'))) {
      const script = loader.scripts.get(`./${name}`) ?? eagerly(() => loader.compile(`./${name}`));
      writeFileSync(join(loader.CACHES, name), script.createCachedData());
    }
  });
}

/** V8 compiles functions when they are first called, unless it is told not to wait; caches remember with which flags they were made. */
function eagerly<Result>(work: () => Result): Result {
  setFlagsFromString('--no-lazy');
  try {
    return work();
  } finally {
    setFlagsFromString('--lazy');
  }
}

// all that is in dist is installed, but for the packages
mkdirSync(DIST, { recursive: true });
for (const left of readdirSync(DIST).filter((name) => name !== 'packages'))
  rmSync(join(DIST, left), { recursive: true });
await makeChunks();
await makeLoader();
makeCache();
