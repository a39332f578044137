/** Downloads layers that the repository lacks, and imports each as soon as it has arrived. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { copyToLayout, type ImageSource } from '../../host/skopeo.ts';
import { waitForAll } from '../../wait-for-all.ts';
import { hasLayer } from '../store/images.ts';
import type { Sharing } from '../store/lock.ts';
import { requireGrowth } from './growth.ts';
import { importLayer, type Layer } from './import.ts';

/** Layers that are, or come to be, files named by their hex digests. */
export interface Delivery {
  readonly blobs: string;
  /** Ends when all are there. */
  readonly copy: Promise<unknown>;
  /** Ends the copy before its time. */
  readonly stop: () => void;
  /** What they belong to, for messages. */
  readonly shownAs: string;
  readonly share: Sharing;
}

/** ostree(1) keeps one core busy, and the disk is shared. */
const IMPORTS_AT_ONCE = 2;
/** Milliseconds between two looks for new files. */
const POLL_INTERVAL = 20;

/**
 * Copies an image with skopeo, and imports its layers while the copy goes on. The first failure ends both.
 *
 * @param folder an empty temporary one
 * @throws AtomicError when the registry or a layer fails
 */
export async function fetchLayers(
  context: Context,
  source: ImageSource,
  layers: readonly Layer[],
  { folder, share }: { folder: string; share: Sharing },
): Promise<void> {
  const blobs = join(folder, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  // skopeo takes a file of the right name for the blob, and does not fetch it
  for (const { hex } of layers) if (hasLayer(context, hex)) await writeFile(join(blobs, hex), '');
  const [ended, failure] = [new AbortController(), new AbortController()];
  const copied = copyToLayout(context, source, { folder, signal: failure.signal });
  const copy = copied.finally(() => ended.abort());
  const stop = () => failure.abort();
  await waitForAll(
    [
      requireGrowth(folder, source.shownAs, ended.signal),
      importLayers(context, layers, { blobs, copy, stop, shownAs: source.shownAs, share }),
    ],
    stop,
  );
}

/**
 * Imports the layers that the repository lacks, each as soon as its file is there, and removes the file.
 *
 * @throws AtomicError when a layer does not come, or is not what its image says
 */
export async function importLayers(
  context: Context,
  layers: readonly Layer[],
  { blobs, copy, stop, shownAs, share }: Delivery,
): Promise<void> {
  const missing = new Map(
    layers.filter(({ hex }) => !hasLayer(context, hex)).map((layer) => [layer.hex, layer]),
  );
  const queue = arrivals(blobs, [...missing.values()], copy);
  const specials: number[] = [];
  const importer = async () => {
    for await (const layer of queue) {
      const file = join(blobs, layer.hex);
      await share(() => importLayer(context, layer, file, (count) => specials.push(count)));
      await rm(file);
    }
  };
  const importers = Array.from({ length: IMPORTS_AT_ONCE }, importer);
  await waitForAll([copy, ...importers], stop);
  warnOfSpecials(context, shownAs, specials);
}

/** The layers in the order in which their files appear, while `copy` goes on. */
async function* arrivals(
  folder: string,
  layers: readonly Layer[],
  copy: Promise<unknown>,
): AsyncGenerator<Layer> {
  const awaited = new Set(layers);
  while (awaited.size > 0) {
    const hasEnded = await Promise.race([copy.then(() => true), sleep(POLL_INTERVAL, false)]);
    const found = [...awaited].filter(({ hex }) => exists(join(folder, hex)));
    if (hasEnded && found.length === 0)
      throw new AtomicError(`skopeo did not deliver the layer ${[...awaited][0]?.hex}`);
    for (const layer of found) {
      awaited.delete(layer);
      yield layer;
    }
  }
}

function warnOfSpecials(context: Context, shownAs: string, specials: readonly number[]): void {
  const count = specials.reduce((sum, dropped) => sum + dropped, 0);
  if (count === 0) return;
  const text = `Skipped ${count} device nodes or fifos in the layers of ${shownAs}: OSTree cannot store them`;
  warn(context, text);
}
