import { describe, expect, it } from 'vitest';
import { AtomicError } from '../../../../src/errors.ts';
import {
  hexOf,
  layersOf,
  manifestLabels,
  parseImageConfig,
  parseManifest,
} from '../../../../src/images/store/manifest.ts';
import { mutated, randomFrom } from '../../support/noise.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

const SCHEMA_1 = {
  schemaVersion: 1,
  name: 'library/busybox',
  fsLayers: [{ blobSum: `sha256:${A}` }, { blobSum: `sha256:${B}` }],
  history: [
    { v1Compatibility: '{"container_config":{"Labels":{"Version":"2","new":"n"}}}' },
    { v1Compatibility: '{"container_config":{"Labels":{"Version":"1","old":"o"}}}' },
  ],
};
const SCHEMA_2 = {
  schemaVersion: 2,
  mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: 7, digest: `sha256:${C}` },
  layers: [
    { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: 0, digest: `sha256:${A}` },
    { digest: `sha256:${B}`, urls: ['https://elsewhere/'] },
  ],
};
const INDEX = {
  schemaVersion: 2,
  manifests: [
    {
      digest: `sha256:${A}`,
      platform: { os: 'linux', architecture: 'arm', variant: 'v7', 'os.features': [] },
    },
    { digest: `sha256:${B}`, size: 7 },
  ],
};
const INSPECTED = { Name: 'x', Digest: `sha256:${C}`, Layers: [`sha256:${A}`], Labels: { Version: '3' } };

const parse = (document: unknown) => parseManifest(JSON.stringify(document), 'busybox:1');

describe('parseManifest', () => {
  it.each([
    { name: "Docker's schema 1", document: SCHEMA_1 },
    { name: "Docker's schema 2 or the OCI's", document: SCHEMA_2 },
    { name: 'a list by platform', document: INDEX },
    { name: 'a document of skopeo inspect', document: INSPECTED },
    { name: 'labels that are null', document: { Labels: null } },
    { name: 'an image without layers', document: { layers: [] } },
    { name: 'a commit that has no manifest', document: {} },
  ])('reads $name, and keeps what it does not know', ({ document }) => {
    expect(parse(document)).toEqual(document);
  });

  it.each([
    { name: 'no object', document: [], where: 'document' },
    { name: 'nothing', document: null, where: 'document' },
    {
      name: 'a digest of another kind',
      document: { layers: [{ digest: `sha512:${A}` }] },
      where: 'layers.0.digest',
    },
    {
      name: 'a digest that is a path',
      document: { layers: [{ digest: 'sha256:../../etc' }] },
      where: 'layers.0.digest',
    },
    { name: 'a digest too short', document: { config: { digest: 'sha256:ab' } }, where: 'config.digest' },
    {
      name: 'a digest too long',
      document: { fsLayers: [{ blobSum: `sha256:${A}a` }] },
      where: 'fsLayers.0.blobSum',
    },
    { name: 'a digest with a line behind', document: { Layers: [`sha256:${A}\n`] }, where: 'Layers.0' },
    {
      name: 'upper-case digits',
      document: { manifests: [{ digest: `sha256:${A.toUpperCase()}` }] },
      where: 'manifests.0.digest',
    },
    {
      name: 'a negative size',
      document: { layers: [{ digest: `sha256:${A}`, size: -1 }] },
      where: 'layers.0.size',
    },
    { name: 'layers that are none', document: { layers: 'all' }, where: 'layers' },
    { name: 'a label that is no text', document: { Labels: { Version: 2 } }, where: 'Labels.Version' },
    {
      name: 'a platform without architecture',
      document: { manifests: [{ digest: `sha256:${A}`, platform: { os: 'linux' } }] },
      where: 'manifests.0.platform.architecture',
    },
  ])('refuses $name, and says where', ({ document, where }) => {
    expect(() => parse(document)).toThrow(AtomicError);
    expect(() => parse(document)).toThrow(`the manifest of busybox:1 is not valid: ${where}: `);
  });

  it.each(['', '{', 'no', '{"layers":[]} x'])('refuses %j, which is not JSON', (text) => {
    expect(() => parseManifest(text, 'busybox:1')).toThrow(AtomicError);
    expect(() => parseManifest(text, 'busybox:1')).toThrow('the manifest of busybox:1 is not JSON: ');
  });

  it('takes no mutation of a manifest for more than it is', () => {
    const random = randomFrom(1);
    const texts = [SCHEMA_1, SCHEMA_2, INDEX, INSPECTED].map((document) =>
      Buffer.from(JSON.stringify(document)),
    );
    const verdicts = new Set<string>();

    for (let round = 0; round < 3000; round++) {
      const text = mutated(texts[round % texts.length] as Buffer, random).toString();
      verdicts.add(verdictOn(text));
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });

  /** Either layers that are safe as file names, or an AtomicError that names the image. */
  function verdictOn(text: string): 'read' | 'refused' {
    try {
      const manifest = parseManifest(text, 'busybox:1');
      manifestLabels(manifest);
      for (const layer of layersOf(manifest)) expect(layer).toMatch(/^[0-9a-f]{64}$/);
      return 'read';
    } catch (error) {
      expect(error).toBeInstanceOf(AtomicError);
      expect((error as Error).message).toContain('the manifest of busybox:1');
      return 'refused';
    }
  }
});

describe('layersOf', () => {
  it.each([
    { name: 'schema 1, the newest first, reversed', document: SCHEMA_1, want: [B, A] },
    { name: 'schema 2 as listed', document: SCHEMA_2, want: [A, B] },
    {
      name: 'a document of skopeo inspect as listed',
      document: { Layers: [`sha256:${B}`, `sha256:${A}`] },
      want: [B, A],
    },
    {
      name: 'fsLayers rather than layers',
      document: { ...SCHEMA_1, layers: SCHEMA_2.layers, Layers: [] },
      want: [B, A],
    },
    { name: 'layers beside empty fsLayers', document: { ...SCHEMA_2, fsLayers: [] }, want: [A, B] },
    { name: 'layers rather than Layers, even when empty', document: { ...INSPECTED, layers: [] }, want: [] },
    { name: 'a layer twice', document: { layers: [SCHEMA_2.layers[0], SCHEMA_2.layers[0]] }, want: [A, A] },
    { name: 'none at all', document: {}, want: [] },
  ])('takes $name', ({ document, want }) => {
    expect(layersOf(parse(document))).toEqual(want);
  });
});

describe('manifestLabels', () => {
  const history = (...entries: readonly (string | undefined)[]) => ({
    history: entries.map((v1Compatibility) => ({ v1Compatibility })),
  });

  it.each([
    { name: 'its own', document: INSPECTED, want: { Version: '3' } },
    {
      name: 'its own, even without any, rather than the history',
      document: { ...SCHEMA_1, Labels: {} },
      want: {},
    },
    {
      name: 'the history when its own are null',
      document: { ...SCHEMA_1, Labels: null },
      want: { Version: '2', new: 'n', old: 'o' },
    },
    { name: 'the history, newer over older', document: SCHEMA_1, want: { Version: '2', new: 'n', old: 'o' } },
    {
      name: 'nothing from a history without labels',
      document: history('{}', undefined, '{"container_config":null}', '{"container_config":{"Labels":null}}'),
      want: {},
    },
    {
      name: 'nothing from damaged entries',
      document: history(
        '{',
        '7',
        '{"container_config":{"Labels":{"a":1}}}',
        '{"container_config":{"Labels":{"b":"1"}}}',
      ),
      want: { b: '1' },
    },
    { name: 'nothing from schema 2', document: SCHEMA_2, want: {} },
  ])('takes $name', ({ document, want }) => {
    expect(manifestLabels(parse(document))).toEqual(want);
  });
});

describe('parseImageConfig', () => {
  const parseConfig = (document: unknown) => parseImageConfig(JSON.stringify(document), 'busybox:1');

  it.each([
    {
      name: 'all that we look at',
      document: {
        created: '2020-02-03T04:05:06Z',
        architecture: 'amd64',
        os: 'linux',
        config: { Labels: { a: 'b' } },
        rootfs: { type: 'layers', diff_ids: [`sha256:${A}`] },
      },
    },
    { name: 'null where nothing was set', document: { config: null } },
    { name: 'labels that are null', document: { config: { Labels: null, Cmd: ['sh'] } } },
    { name: 'next to nothing', document: {} },
  ])('reads $name', ({ document }) => {
    expect(parseConfig(document)).toEqual(document);
  });

  it.each([
    { name: 'a list', document: [], where: 'document' },
    {
      name: 'a diff id that is no digest',
      document: { rootfs: { diff_ids: ['x'] } },
      where: 'rootfs.diff_ids.0',
    },
    {
      name: 'a label that is no text',
      document: { config: { Labels: { a: null } } },
      where: 'config.Labels.a',
    },
    { name: 'an architecture that is no text', document: { architecture: 64 }, where: 'architecture' },
  ])('refuses $name, and says where', ({ document, where }) => {
    expect(() => parseConfig(document)).toThrow(`the configuration of busybox:1 is not valid: ${where}: `);
  });
});

describe('hexOf', () => {
  it.each([
    { digest: `sha256:${A}`, want: A },
    { digest: A, want: A },
    { digest: `x-sha256:${A}`, want: `x-sha256:${A}` },
  ])('leaves $want of $digest', ({ digest, want }) => {
    expect(hexOf(digest)).toBe(want);
  });
});
