/** Fetching the layers that the repository lacks, and importing each as soon as it is there. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { exists } from '../host/files.ts';
import { copyToLayout, type RegistryImage } from '../host/skopeo.ts';
import { together } from '../together.ts';
import { importLayer } from './import-layer.ts';
import { hasLayer } from './store.ts';

export interface LayersRequest {
  readonly source: RegistryImage;
  /** Hex digests. */
  readonly layers: readonly string[];
  /** Uncompressed digests by hex digest, as far as they are known. */
  readonly diffIds: ReadonlyMap<string, string>;
  /** A temporary folder. */
  readonly folder: string;
}

/** ostree(1) keeps one core busy, and the disk is shared. */
const IMPORTS_AT_ONCE = 2;
/** Milliseconds between two looks for new files. */
const POLL_INTERVAL = 20;

/**
 * Copies an image with skopeo, and imports its layers while the copy goes on. The first failure ends both.
 *
 * @throws AtomicError when the registry or a layer fails
 */
export async function fetchLayers(context: Context, request: LayersRequest): Promise<void> {
  const missing = missingLayers(context, request.layers);
  const layout = join(request.folder, 'layout');
  const blobs = join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  // skopeo takes a file of the right name for the blob, and does not fetch it
  for (const hex of request.layers) if (!missing.has(hex)) await writeFile(join(blobs, hex), '');

  const failure = new AbortController();
  const copy = copyToLayout(context, request.source, { folder: layout, signal: failure.signal });
  const queue = arrivals(blobs, missing, copy);
  const specials: number[] = [];
  const importer = async () => {
    for await (const hex of queue) {
      const file = join(blobs, hex);
      await importLayer(context, { hex, file, diffId: request.diffIds.get(hex) }, (count) =>
        specials.push(count),
      );
      await rm(file);
    }
  };
  const importers = Array.from({ length: IMPORTS_AT_ONCE }, importer);
  await together([copy, ...importers], () => failure.abort());
  warnOfSpecials(context, request.source, specials);
}

function missingLayers(context: Context, layers: readonly string[]): Set<string> {
  return new Set(layers.filter((hex) => !hasLayer(context, hex)));
}

/** The layers in the order in which their files appear, while `copy` goes on. */
async function* arrivals(
  folder: string,
  layers: ReadonlySet<string>,
  copy: Promise<void>,
): AsyncGenerator<string> {
  const awaited = new Set(layers);
  while (awaited.size > 0) {
    const hasEnded = await Promise.race([copy.then(() => true), sleep(POLL_INTERVAL, false)]);
    const found = [...awaited].filter((name) => exists(join(folder, name)));
    if (hasEnded && found.length === 0)
      throw new AtomicError(`skopeo did not deliver the layer ${[...awaited][0]}`);
    for (const hex of found) {
      awaited.delete(hex);
      yield hex;
    }
  }
}

function warnOfSpecials(context: Context, { shownAs }: RegistryImage, specials: readonly number[]): void {
  const count = specials.reduce((sum, dropped) => sum + dropped, 0);
  if (count === 0) return;
  const text = `Skipped ${count} device nodes or fifos in the layers of ${shownAs}: OSTree cannot hold them`;
  context.report({ kind: 'warning', text });
}
