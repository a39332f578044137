import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { fullName, isLocal, parseReference } from '../../../../src/images/names/reference.ts';
import { describeArchive } from '../../../../src/images/sources/docker-archive.ts';
import { locateImage, resolveReference, storedName } from '../../../../src/images/sources/locate.ts';
import { contextFor } from '../../support/context.ts';
import { useDirectory } from '../../support/directory.ts';

const HEX = 'ab'.repeat(32);
const folder = useDirectory();

beforeAll(async () => {
  await archive('saved.tar', {
    'manifest.json': [{ RepoTags: ['first:1'] }, { RepoTags: ['me/last:2', 'x'] }],
  });
  await archive('saved.tar.gz', { './manifest.json': [{ RepoTags: ['squeezed:3'] }] });
  await archive('by-id.tar', { 'manifest.json': [{ RepoTags: null }] });
  await archive('a:b.tar', { 'manifest.json': [{ RepoTags: ['colon:1'] }] });
  await archive('odd.tar', { 'manifest.json': [{ RepoTags: ['../../etc/passwd:1'] }] });
  await archive('plain.tar', { 'something.json': {} });
  await archive('layout.tar', layout({ [`${HEX}`]: 'docker.io/library/in-tar:5' }));
  await writeTree('one', layout({ [HEX]: 'latest' }));
  await writeTree('two', layout({ [HEX]: 'quay.io/me/a:1', ['cd'.repeat(32)]: 'v2' }));
  await writeTree('staged', { 'manifest.json': { schemaVersion: 2 } });
  await writeFile(join(folder, 'text.tar'), 'no archive');
});

type Files = Readonly<Record<string, unknown>>;

function layout(images: Readonly<Record<string, string>>): Files {
  const manifests = Object.entries(images).map(([hex, name]) => ({
    digest: `sha256:${hex}`,
    annotations: { 'org.opencontainers.image.ref.name': name },
  }));
  return { 'oci-layout': { imageLayoutVersion: '1.0.0' }, 'index.json': { schemaVersion: 2, manifests } };
}

async function writeTree(name: string, files: Files): Promise<void> {
  await mkdir(join(folder, name));
  for (const [file, content] of Object.entries(files))
    await writeFile(join(folder, name, file), JSON.stringify(content));
}

async function archive(name: string, files: Files): Promise<void> {
  await writeTree(`${name}.files`, files);
  const compress = name.endsWith('gz') ? ['-z'] : [];
  const source = ['-C', join(folder, `${name}.files`), ...Object.keys(files)];
  await execa('tar', ['-c', ...compress, '--force-local', '-f', join(folder, name), ...source]);
}

const context = () => ({ ...contextFor(), cwd: () => folder });
/** `$` in the text stands for the folder. */
const named = async (text: string) => fullName(await resolveReference(context(), text.replace('$', folder)));

describe('resolveReference', () => {
  it.each([
    { text: 'etcd', want: 'etcd:latest' },
    { text: 'http:localhost:5000/etcd', want: 'localhost:5000/etcd:latest' },
    { text: 'oci:etcd', want: 'etcd:latest' },
    { text: 'docker:etcd', want: 'etcd:latest' },
    { text: 'docker:me/etcd:3', want: 'me/etcd:3' },
    { text: 'containers-storage:localhost/etcd', want: 'localhost/etcd:latest' },
    { text: 'dockertar:$/saved.tar', want: 'me/last:2' },
    { text: 'dockertar:saved.tar', want: 'me/last:2' },
    { text: 'dockertar:/$/saved.tar', want: 'me/last:2' },
    { text: 'dockertar:saved.tar.gz', want: 'squeezed:3' },
    { text: 'dockertar:by-id.tar', want: 'by-id:latest' },
    { text: 'dockertar:a:b.tar', want: 'colon:1' },
    { text: 'oci:$/one', want: 'one:latest' },
    { text: 'oci:./one:latest', want: 'one:latest' },
    { text: 'oci:./two:v2', want: 'two:v2' },
    { text: 'oci:./two:quay.io/me/a:1', want: 'quay.io/me/a:1' },
    { text: 'oci-archive:layout.tar', want: 'docker.io/library/in-tar:5' },
    { text: 'dir:staged', want: 'staged:latest' },
  ])('calls what $text means $want', async ({ text, want }) => {
    expect(await named(text)).toBe(want);
  });

  it.each([
    { text: 'dockertar:none.tar', reason: /none\.tar does not exist/ },
    { text: 'dockertar:staged', reason: /staged is not a file/ },
    { text: 'dockertar:text.tar', reason: /cannot read .*text\.tar: This does not look like a tar archive/ },
    { text: 'dockertar:plain.tar', reason: /plain\.tar contains no image/ },
    { text: 'dockertar:odd.tar', reason: /Invalid image name "\.\.\/.*odd\.tar/ },
    { text: 'oci:./none', reason: /none does not exist/ },
    { text: 'oci:./staged', reason: /staged is not an OCI layout/ },
    { text: 'oci:./two', reason: /two has several images/ },
    { text: 'oci:./two:v3', reason: /two has no image 'v3', only: quay\.io\/me\/a:1, v2/ },
    { text: 'oci-archive:one', reason: /one is not a file/ },
    { text: 'oci-archive:plain.tar', reason: /plain\.tar is not an OCI layout/ },
    { text: 'dir:none', reason: /none does not exist/ },
    { text: 'dir:one', reason: /one contains no image/ },
  ])('refuses $text in one line', async ({ text, reason }) => {
    await expect(named(text)).rejects.toThrow(reason);
  });
});

describe('locateImage', () => {
  it.each([
    { text: 'docker:etcd', want: 'docker-daemon:etcd:latest' },
    { text: `docker:etcd@sha256:${HEX}`, want: `docker-daemon:etcd@sha256:${HEX}` },
    { text: 'containers-storage:a/etcd:2', want: 'containers-storage:a/etcd:2' },
    { text: 'dockertar:saved.tar', want: 'docker-archive:$/saved.tar:@1' },
    { text: 'oci:./one', want: 'oci:$/one' },
    { text: 'oci:./two:v2', want: 'oci:$/two:v2' },
    { text: 'oci-archive:layout.tar', want: 'oci-archive:$/layout.tar' },
    { text: 'dir:./staged', want: 'dir:$/staged' },
  ])('finds $text at $want', async ({ text, want }) => {
    const typed = parseReference(text);
    if (!isLocal(typed)) throw new Error('not local');

    const { transport, path, selector } = await locateImage(context(), typed);

    expect(`${transport}:${path}${selector}`).toBe(want.replace('$', folder));
  });
});

describe('describeArchive', () => {
  const manifest = JSON.stringify([{ RepoTags: ['a:1'] }, { RepoTags: [] }]);
  const repositories = JSON.stringify({ 'me/b': { '2': HEX }, c: {} });

  it.each([
    { name: 'its last image', files: { manifest, repositories }, want: { position: 1, name: 'me/b:2' } },
    { name: 'its file', files: { manifest, repositories: undefined }, want: { position: 1, name: 'x' } },
    {
      name: 'its first repository',
      files: { manifest: undefined, repositories },
      want: { position: 0, name: 'me/b:2' },
    },
  ])('names an archive after $name', ({ files, want }) => {
    expect(describeArchive('/x.tar', files)).toEqual(want);
  });

  it.each(['{}', '[]', '[{"RepoTags":[1]}]', 'x'])('refuses the manifest.json %s', (text) => {
    expect(() => describeArchive('/x.tar', { manifest: text, repositories: undefined })).toThrow(
      /^manifest\.json in \/x\.tar is not/,
    );
  });
});

describe('storedName', () => {
  it.each([
    { annotated: 'quay.io/a/b:1', tag: '', want: 'quay.io/a/b:1' },
    { annotated: 'b:1', tag: 'b:1', want: 'b:1' },
    { annotated: 'v1', tag: '', want: 'x:latest' },
    { annotated: 'v1', tag: 'v1', want: 'x:v1' },
    { annotated: undefined, tag: '', want: 'x:latest' },
  ])('is $want for $annotated and the tag "$tag"', ({ annotated, tag, want }) => {
    expect(storedName(annotated, '/a/x.tar', tag)).toBe(want);
  });
});
