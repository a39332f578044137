/** Downloads layers that the repository lacks, and imports each as soon as it has arrived. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { copyToLayout, type ImageSource } from '../../host/skopeo.ts';
import { waitForAll } from '../../wait-for-all.ts';
import { hasLayer } from '../store/images.ts';
import type { Intake } from '../store/intake.ts';
import { requireGrowth } from './growth.ts';
import { importLayer, type Layer } from './import.ts';
import type { PullProgress } from './progress.ts';
import { shareWork } from './share-work.ts';

/** Layers that are, or come to be, files named by their hex digests. */
export interface Delivery {
  readonly blobs: string;
  /** Ends when all are there. */
  readonly copy: Promise<unknown>;
  /** Ends the copy before its time. */
  readonly stop: () => void;
  /** What they belong to, for messages. */
  readonly shownAs: string;
  readonly intake: Intake;
  readonly progress: PullProgress;
}

/** Milliseconds between two looks for new files. */
const POLL_INTERVAL = 20;

/** A pull, as far as its layers are concerned. */
interface Fetching {
  /** A temporary one. */
  readonly folder: string;
  readonly intake: Intake;
  readonly progress: PullProgress;
}

/**
 * Copies an image with skopeo, and imports its layers while the copy goes on. The first failure ends both. What another
 * command is importing is waited for, and copied only when that does not bring it.
 *
 * @throws AtomicError when the registry or a layer fails
 */
export async function fetchLayers(
  context: Context,
  source: ImageSource,
  layers: readonly Layer[],
  fetching: Fetching,
): Promise<void> {
  const { folder, progress } = fetching;
  const missing = layers.filter(({ hex }) => !hasLayer(context, hex));
  progress.watch(missing, folder);
  await shareWork(context, layers, { shownAs: source.shownAs, progress }, async (own) => {
    await rm(folder, { recursive: true, force: true });
    await copyLayers(context, source, { all: layers, own }, fetching);
  });
}

async function copyLayers(
  context: Context,
  source: ImageSource,
  { all, own }: Readonly<Record<'all' | 'own', readonly Layer[]>>,
  { folder, intake, progress }: Fetching,
): Promise<void> {
  const blobs = join(folder, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  // skopeo takes a file of the right name for the blob, and does not fetch it
  for (const layer of all) if (!own.includes(layer)) await writeFile(join(blobs, layer.hex), '');
  const [ended, failure] = [new AbortController(), new AbortController()];
  const copied = copyToLayout(context, source, {
    folder,
    signal: failure.signal,
    onLine: (line) => progress.line(line),
  });
  const copy = copied.finally(() => ended.abort());
  const stop = () => failure.abort();
  await waitForAll(
    [
      requireGrowth(folder, source.shownAs, ended.signal),
      importLayers(context, own, { blobs, copy, stop, shownAs: source.shownAs, intake, progress }),
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
  { blobs, copy, stop, shownAs, intake, progress }: Delivery,
): Promise<void> {
  const missing = new Map(
    layers.filter(({ hex }) => !hasLayer(context, hex)).map((layer) => [layer.hex, layer]),
  );
  const importArrived = async (layer: Layer) => {
    const file = join(blobs, layer.hex);
    await arrival(file, copy);
    progress.arrived(layer.hex);
    const onRead = (share: () => number) => progress.importing(layer.hex, share);
    // another command may have brought it
    const dropped = hasLayer(context, layer.hex)
      ? 0
      : await importLayer(context, layer, { file, intake, onRead });
    progress.stored(layer.hex);
    return dropped;
  };
  const imports = [...missing.values()].map(importArrived);
  const [specials] = await waitForAll([waitForAll(imports, stop), copy], stop);
  warnOfSpecials(context, shownAs, specials);
}

/** Waits for a file that `copy` brings. */
async function arrival(file: string, copy: Promise<unknown>): Promise<void> {
  for (let hasEnded = false; !exists(file); ) {
    if (hasEnded) throw new AtomicError(`skopeo did not deliver the layer ${basename(file)}`);
    hasEnded = await Promise.race([copy.then(() => true), sleep(POLL_INTERVAL, false)]);
  }
}

function warnOfSpecials(context: Context, shownAs: string, specials: readonly number[]): void {
  const count = specials.reduce((sum, dropped) => sum + dropped, 0);
  if (count === 0) return;
  const text = `Skipped ${count} device nodes or fifos in the layers of ${shownAs}: OSTree cannot store them`;
  warn(context, text);
}
