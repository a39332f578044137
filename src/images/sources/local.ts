/** Pulls images of this machine, of which skopeo copies all parts at once. */
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { compressionOf, gunzip, unzstd } from '../../host/files/compression.ts';
import { copyToFolder, digestOf, type RawManifest } from '../../host/skopeo.ts';
import { importLayers } from '../layers/fetch.ts';
import type { PullProgress } from '../layers/progress.ts';
import { shareWork } from '../layers/share-work.ts';
import { hexOf, parseManifest } from '../store/manifest.ts';
import { localHint } from './hints.ts';
import type { LocatedImage } from './locate.ts';
import { type PullableImage, requireLayers } from './pullable-image.ts';

/**
 * Copies an image into `folder`. For an engine, an archive or a store every question would be as much work as this;
 * and only what comes out of the copy is sure to fit together, since a store or an engine keeps layers uncompressed,
 * whatever the manifest says that it got with them.
 *
 * @throws AtomicError when the source is not there, or not what it says it is
 */
export async function stageImage(
  context: Context,
  image: LocatedImage & { readonly shownAs: string },
  { folder, progress }: { folder: string; progress: PullProgress },
): Promise<PullableImage> {
  const { shownAs, transport, selector } = image;
  await image.verify();
  const path = transport === 'docker-archive' ? await plainArchive(context, image.path, folder) : image.path;
  const staged = join(folder, 'staged');
  const source = { shownAs, location: `${transport}:${path}${selector}`, hintFor: localHint };
  // layers in common are links in the archive, whose sizes skopeo gets wrong (containers/image pull request 2963), but
  // not when it compresses them, and has to find the sizes out itself
  const options = {
    folder: staged,
    isCompressing: image.isOneOfSeveral,
    onLine: (line: string) => progress.line(line),
  };
  await copyToFolder(context, { ...source, isInsecure: false, authFile: undefined }, options);
  const raw = await readRaw(join(staged, 'manifest.json'));
  const manifest = parseManifest(raw.text, shownAs);
  requireLayers(manifest, shownAs);
  const delivery = { blobs: staged, copy: Promise.resolve(), stop: () => undefined, shownAs };
  return {
    raw,
    manifest,
    config: async () => await readRaw(join(staged, hexOf(manifest.config?.digest ?? ''))),
    importLayers: async (layers, means) => {
      const { progress } = means;
      await shareWork(context, layers, { shownAs, progress }, async (own) => {
        await importLayers(context, own, { ...delivery, ...means });
      });
    },
  };
}

async function readRaw(path: string): Promise<RawManifest> {
  const text = await readFile(path, 'utf8');
  return { text, digest: digestOf(text) };
}

/** skopeo 1.9 cannot read a compressed archive, and takes what follows a colon for a name inside. */
async function plainArchive(context: Context, path: string, folder: string): Promise<string> {
  const plain = join(folder, 'archive.tar');
  const compression = await compressionOf(path);
  if (compression === 'gzip') await gunzip(context, path, plain);
  else if (compression === 'zstd') await unzstd(context, path, plain);
  else if (path.includes(':')) await symlink(path, plain);
  else return path;
  return plain;
}
