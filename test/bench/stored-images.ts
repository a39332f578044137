/** Images in a repository as pulls leave them, written without ostree; their layers have no files. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodedEntries, padded, withOffsets } from '../unit/support/gvariant.ts';

const LAYERS = 5;

/** Writes images of five layers each, with refs in `refs`; the layers are those of the first `distinct` of them. */
export async function storeImages(
  repository: string,
  { refs, count, distinct }: { refs: string; count: number; distinct: number },
): Promise<void> {
  await mkdir(refs, { recursive: true });
  for (let index = 0; index < count; index++) {
    const layers = Array.from({ length: LAYERS }, (_, layer) => digestOf(`${index % distinct} ${layer}`));
    if (index < distinct) for (const hex of layers) await storeLayer(repository, refs, hex);
    const digest = (hex: string) => `sha256:${hex}`;
    const manifest = {
      schemaVersion: 2,
      config: { digest: digest(digestOf(`config ${index}`)) },
      layers: layers.map((hex) => ({ digest: digest(hex), size: 1 })),
    };
    await store(repository, join(refs, `registry.example_2Fimage${index}_3Alatest`), {
      signatures: '0',
      'docker.manifest': JSON.stringify(manifest),
      'docker.digest': digest(digestOf(`manifest ${index}`)),
      'docker.uncompressed_size': String(index),
    });
  }
}

async function storeLayer(repository: string, refs: string, hex: string): Promise<void> {
  await store(repository, join(refs, hex), {
    'docker.size': '1',
    'docker.uncompressed_size': '1',
    'docker.uncompressed_digest': `sha256:${hex}`,
  });
}

async function store(repository: string, ref: string, metadata: Record<string, string>): Promise<void> {
  const bytes = commitOf(metadata);
  const checksum = digestOf(bytes);
  const folder = join(repository, 'objects', checksum.slice(0, 2));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${checksum.slice(2)}.commit`), bytes);
  await writeFile(ref, `${checksum}\n`);
}

/** A commit, `(a{sv}aya(say)sstayay)`: metadata, parent, related, subject, body, time, and its two objects. */
function commitOf(metadata: Record<string, string>): Buffer {
  const entries = Object.entries(metadata).map(
    ([key, value]) => [key, Buffer.from(`${value}\0\0s`)] as const,
  );
  const head = encodedEntries(entries);
  const texts = Buffer.concat([head, Buffer.from('\0\0')]);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_700_000_000n);
  const dated = Buffer.concat([padded(texts, 8), time]);
  const body = Buffer.concat([dated, Buffer.alloc(32, 1), Buffer.alloc(32, 2)]);
  // where the members of variable size but the last end, the last one first
  return withOffsets(body, [
    dated.length + 32,
    head.length + 2,
    head.length + 1,
    head.length,
    head.length,
    head.length,
  ]);
}

function digestOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
