/** Images that nobody would build but somebody who means harm: layouts in a folder that boxes can read. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST_ARCHITECTURE } from '../../src/images/sources/platform.ts';
import { PROJECT } from './box.ts';
import { type Compression, type ImageSource, writeLayout } from './oci-layout.ts';
import { type Entry, tarOf } from './tar-writer.ts';

export interface HostileImages extends AsyncDisposable {
  /** Writes an image; returns the folder of its layout. */
  write(name: string, image: HostileImage): Promise<string>;
}

export interface HostileImage extends Partial<Pick<ImageSource, 'config' | 'architectures' | 'labels'>> {
  /** Base first: entries, or any bytes, or the path of an archive. */
  readonly layers: readonly (readonly Entry[] | Buffer | string)[];
  readonly compression?: Compression;
}

/** Makes a folder for images; disposing of it removes them. */
export async function hostileImages(): Promise<HostileImages> {
  const folder = await mkdtemp(join(PROJECT, '.cache/hostile-'));
  return {
    write: async (name, image) => {
      const layout = join(folder, name);
      await writeLayout(layout, await sourceOf(folder, image));
      return layout;
    },
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  };
}

async function sourceOf(folder: string, image: HostileImage): Promise<ImageSource> {
  const { layers, compression = 'none', architectures = [HOST_ARCHITECTURE], config, labels = {} } = image;
  const tars = layers.map(async (layer, index) => {
    if (typeof layer === 'string') return { tar: layer, compression };
    const tar = join(folder, `layer-${index}.tar`);
    await writeFile(tar, isEntries(layer) ? tarOf(layer) : layer);
    return { tar, compression };
  });
  const source = { layers: await Promise.all(tars), labels, architectures };
  return config === undefined ? source : { ...source, config };
}

function isEntries(layer: readonly Entry[] | Buffer): layer is readonly Entry[] {
  return Array.isArray(layer);
}
