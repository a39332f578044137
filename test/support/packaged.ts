/** Images with host files in a box, for the tests of packages, and what packages leave in it. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { hostFilesIn } from './host-files.ts';
import { type HostileImages, hostileImages } from './hostile-image.ts';
import { publish } from './publish.ts';
import type { Entry } from './tar-writer.ts';
import { CONTAINERS, type TestBox, tracesIn, uninstallAll } from './test-box.ts';

/** An image without a service, which has only what is given, below /exports. */
export interface SmallImage {
  readonly files: readonly Entry[];
  readonly labels?: Record<string, string>;
}

export interface Packaged {
  /** Installs the first of two images, which are in the store of the box, as `tool`. */
  install(...options: readonly string[]): ReturnType<TestBox['atomic']>;
  /** Updates `tool` to the second one. */
  update(...options: readonly string[]): ReturnType<TestBox['atomic']>;
  /** The words of that update. */
  readonly updateArgv: readonly string[];
  /** The names of the two. */
  readonly first: string;
  readonly second: string;
  /** Writes an image; returns it as it is typed. */
  imageWith(name: string, image: SmallImage): Promise<string>;
  /** Every package but that of the host: name and version, a line each. */
  packages(): Promise<string>;
  info(name?: string): Promise<unknown>;
}

/** Publishes the images before the tests of a file, and makes sure that each test leaves nothing. */
export function usePackagedImages(box: TestBox): Packaged {
  let images: HostileImages;
  const [first, second] = ['packaged', 'packaged-2'];
  beforeAll(async () => {
    images = await hostileImages();
    await Promise.all([publish('host-files', first), publish('host-files-2', second)]);
    for (const name of [first, second]) await box.type(`atomic pull ${box.image(name)}`);
  });
  afterAll(async () => {
    await images[Symbol.asyncDispose]();
  });
  const packages = async () =>
    (await box.sh("rpm -qa --qf '%{NAME} %{VERSION}\\n' | grep -v '^system ' | sort")).stdout;
  afterEach(async () => {
    await uninstallAll(box);
    const left = { traces: await tracesIn(box), host: await hostFilesIn(box), packages: await packages() };
    expect(left).toEqual({ traces: '', host: [], packages: '' });
  });
  const updateArgv = ['atomic', 'containers', 'update', `--rebase=${box.image(second)}`];
  return {
    first,
    second,
    packages,
    updateArgv: [...updateArgv, 'tool'],
    install: async (...options) =>
      await box.atomic('install', '--system', '--name=tool', ...options, box.image(first)),
    update: async (...options) => await box.run([...updateArgv, ...options, 'tool']),
    imageWith: async (name, image) =>
      `oci:${await images.write(name, { layers: [entriesOf(image)], labels: image.labels ?? {} })}`,
    info: async (name = 'tool') => JSON.parse(await box.file(`${CONTAINERS}/${name}/info`)),
  };
}

function entriesOf({ files }: SmallImage): readonly Entry[] {
  const folders = [...new Set(files.flatMap((file) => parents(`exports/${file.name}`)))].sort();
  return [
    ...folders.map((folder) => ({ name: `${folder}/`, type: '5' })),
    {
      name: 'exports/manifest.json',
      content: '{"noContainerService": true, "defaultValues": {"V": "7"}}',
      mode: 0o644,
    },
    {
      name: 'exports/config.json',
      content: '{"ociVersion":"1.0.0","root":{"path":"rootfs","readonly":true}}',
    },
    ...files.map((file) => ({ ...file, name: `exports/${file.name}` })),
  ];
}

function parents(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
