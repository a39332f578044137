/** Large images for the benches of pulls: many files of text, and a few that do not compress. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLayout } from '../support/oci-layout.ts';
import { type Entry, tarOf } from '../support/tar-writer.ts';

export interface Shape {
  readonly layers: number;
  /** Of text, in each layer. */
  readonly files: number;
  /** Bytes of each of them. */
  readonly text: number;
  /** Bytes of each of the three files that do not compress. */
  readonly large: number;
}

/** Files in one directory. */
const FILES_TOGETHER = 40;

/** Writes an OCI layout `layout` into `folder`. */
export async function writeLargeImage(folder: string, { layers, ...shape }: Shape): Promise<string> {
  await mkdir(folder, { recursive: true });
  const tars = [];
  for (let layer = 1; layer <= layers; layer++) tars.push(await writeLayer(folder, String(layer), shape));
  const layout = await writeLayoutOf(join(folder, 'layout'), tars);
  for (const tar of tars) await rm(tar);
  return layout;
}

/** Writes a layer, whose files are in a directory of that name, to `NAME.tar` in `folder`. */
export async function writeLayer(
  folder: string,
  name: string,
  { files, text, large }: Omit<Shape, 'layers'>,
): Promise<string> {
  const paths = Array.from(
    { length: files },
    (_, file) => `${name}/d${Math.floor(file / FILES_TOGETHER)}/f${file}`,
  );
  const entries: Entry[] = paths.map((path) => ({ name: path, content: textOf(text), mode: 0o644 }));
  for (let file = 1; file <= 3; file++)
    entries.push({ name: `${name}/big${file}`, content: randomBytes(large) });
  const tar = join(folder, `${name}.tar`);
  await writeFile(tar, tarOf(entries));
  return tar;
}

/** Writes an OCI layout with these layers. */
export async function writeLayoutOf(layout: string, tars: readonly string[]): Promise<string> {
  const layers = tars.map((tar) => ({ tar, compression: 'fast-gzip' as const }));
  await writeLayout(layout, { layers, labels: {}, architectures: ['amd64'] });
  return layout;
}

const WORDS = randomBytes(256 * 1024)
  .toString('latin1')
  .replaceAll(/[^ -~]/g, ' ');

/** Text that gzip makes a third of, like that of programs. */
function textOf(bytes: number): Buffer {
  const text = Buffer.alloc(bytes);
  const dice = randomBytes(Math.ceil(bytes / 8) * 4);
  for (let at = 0, roll = 0; at < bytes; roll += 4) {
    const start = dice.readUInt32LE(roll % (dice.length - 4)) % 4000;
    at += text.write(WORDS.slice(start, start + 8 + (start % 24)), at, 'latin1');
  }
  return text;
}
