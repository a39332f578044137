/** JSON and YAML that others wrote: only errors of ours, and what comes through is what the schemas say. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { parseInfo } from '../../../src/containers/deployments/deployment.ts';
import { recordedFiles, recordsOf } from '../../../src/containers/host-files/record.ts';
import { parseExportsManifest } from '../../../src/containers/rendering/exports.ts';
import { bindSources, commandOf, parseOciConfig } from '../../../src/containers/rendering/oci-config.ts';
import { describeArchive } from '../../../src/images/sources/docker-archive.ts';
import {
  layersOf,
  manifestLabels,
  parseImageConfig,
  parseManifest,
} from '../../../src/images/store/manifest.ts';
import { anyText, documentWith, holds, LIMIT, orOwnError } from '../support/properties.ts';

const SHA = /^[0-9a-f]{64}$/;

describe('a document', () => {
  it('that should be a manifest is read, or refused', { timeout: LIMIT }, async () => {
    const keys = [
      'layers',
      'fsLayers',
      'blobSum',
      'Layers',
      'digest',
      'config',
      'history',
      'v1Compatibility',
      'manifests',
      'Labels',
      'size',
    ];
    await holds(documentWith(...keys), async (text) => {
      const manifest = await orOwnError(() => parseManifest(text, 'x'));
      if (manifest === undefined) return;
      for (const hex of layersOf(manifest)) expect(hex).toMatch(SHA);
      for (const label of Object.values(manifestLabels(manifest))) expect(label).toBeTypeOf('string');
    });
  });

  it('that should be an image configuration is read, or refused', { timeout: LIMIT }, async () => {
    await holds(
      documentWith('config', 'Labels', 'rootfs', 'diff_ids', 'os', 'architecture'),
      async (text) => {
        const config = await orOwnError(() => parseImageConfig(text, 'x'));
        for (const digest of config?.rootfs?.diff_ids ?? []) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      },
    );
  });

  it('that should be the manifest.json of an image is read, or refused', { timeout: LIMIT }, async () => {
    const keys = [
      'version',
      'defaultValues',
      'renameFiles',
      'installedFilesTemplate',
      'noContainerService',
      'useLinks',
    ];
    await holds(documentWith(...keys), async (text) => {
      const manifest = await orOwnError(() => parseExportsManifest(text, 'x'));
      for (const value of Object.values(manifest?.defaultValues ?? {})) expect(value).toBeTypeOf('string');
    });
  });

  it('that should be a config.json is read, or refused', { timeout: LIMIT }, async () => {
    const keys = [
      'root',
      'path',
      'readonly',
      'process',
      'args',
      'terminal',
      'mounts',
      'source',
      'type',
      'options',
      'destination',
    ];
    await holds(documentWith(...keys), async (text) => {
      const config = await orOwnError(() => parseOciConfig(text, 'x'));
      if (config === undefined) return;
      for (const word of commandOf(config)) expect(word).toBeTypeOf('string');
      for (const source of (await orOwnError(() => bindSources(config, 'x'))) ?? [])
        expect(source).toBeTypeOf('string');
    });
  });

  it('that should be a record of a deployment is read, or refused', { timeout: LIMIT }, async () => {
    const keys = [
      'image',
      'revision',
      'values',
      'created',
      'installed-files',
      'installed-files-checksum',
      'installed-files-links',
      'created-folders',
      'remote',
      'runtime',
    ];
    await holds(documentWith(...keys), async (text) => {
      const info = await orOwnError(() => parseInfo(text, 'x'));
      if (info === undefined) return;
      expect(new Date(info.created * 1000).getTime()).not.toBeNaN();
      for (const [path, { checksum }] of recordsOf(info)) {
        expect(path).toMatch(/^\//);
        expect(checksum).toBeTypeOf('string');
      }
    });
  });

  it('of host files means the same when it is written and read again', { timeout: LIMIT }, async () => {
    await holds(
      documentWith('installed-files', 'installed-files-checksum', 'installed-files-links'),
      async (text) => {
        const info = await orOwnError(() => parseInfo(text, 'x'));
        if (!info?.['installed-files-links']) return;
        const records = recordsOf(info);
        const written = JSON.stringify(recordedFiles(records, []));
        expect(recordsOf(parseInfo(written, 'x'))).toEqual(records);
      },
    );
  });

  it('that should be atomic.conf is read, or refused', { timeout: LIMIT }, async () => {
    await holds(anyText(':-#{}[]&*!|>\'"%@ \t'), async (text) => {
      const config = await orOwnError(() => parseConfig('/etc/atomic.conf', text));
      if (config !== undefined) expect(['ostree', 'docker']).toContain(config.default_storage);
    });
  });

  it('in an archive of docker save is read, or refused', { timeout: LIMIT }, async () => {
    await holds(documentWith('RepoTags', 'Config', 'Layers'), async (text) => {
      for (const files of [
        { manifest: `[${text}]`, repositories: text },
        { manifest: undefined, repositories: text },
      ]) {
        const image = await orOwnError(() => describeArchive('/x.tar', files));
        if (image !== undefined) expect(image.name).toBeTypeOf('string');
      }
    });
  });
});
