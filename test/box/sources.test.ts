import { beforeAll, describe, expect, it } from 'vitest';
import { LAYOUTS } from '../support/build-images.ts';
import { startDocker, stopDocker } from '../support/docker.ts';
import { CONTAINERS, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const REPO = `${CONTAINERS}/.storage/ostree`;
/** Where the tests put archives and layouts. */
const WORK = '/var/lib/containers/work';
const HELLO = `oci:${LAYOUTS}/hello-world:latest`;

/** Runs a line of shell in the work folder, which has to succeed. */
async function sh(line: string): Promise<string> {
  const { stdout, stderr, exitCode } = await box.sh(`cd ${WORK} && ${line}`);
  if (exitCode !== 0) throw new Error(`'${line}' ended with ${exitCode}: ${stderr}`);
  return stdout;
}

const refs = async () => (await box.sh(`ostree --repo=${REPO} refs | sort`)).stdout.trim().split('\n');
const revision = async (ref: string) => await sh(`ostree --repo=${REPO} rev-parse ociimage/${ref}`);
const digestOf = async (ref: string) =>
  (await sh(`ostree --repo=${REPO} show --print-metadata-key=docker.digest ociimage/${ref}`)).trim();

/** Builds the image `etcd` in the engine: the files of hello-world, and a label that says which build it is. */
async function build(tag: string, label: string): Promise<void> {
  const lines = ['FROM scratch', `LABEL build=${label}`, 'COPY rootfs /'].join('\\n');
  await sh(
    `printf '${lines}\\n' > context/Dockerfile && DOCKER_BUILDKIT=0 docker build -q -t ${tag} context`,
  );
}

/** Installs an image, starts the container, asks it for its greeting, and removes it again. */
async function greetingOf(name: string, image: string): Promise<string> {
  await sh(`atomic install --system --set=RECEIVER=${name} --set=PORT=8099 ${image}`);
  await sh(`atomic run ${name}`);
  const greeting = await sh('curl -s --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8099/');
  await sh(`atomic uninstall ${name}`);
  return greeting;
}

/** Pulls something that is to be refused; returns its one line. */
async function refusal(image: string): Promise<string> {
  const before = await refs();
  const { exitCode, stderr } = await box.sh(`cd ${WORK} && atomic pull ${image}`);
  expect({ exitCode, refs: await refs() }).toEqual({ exitCode: 1, refs: before });
  expect((await box.sh(`ls -A ${CONTAINERS}`)).stdout).toBe('.storage\n');
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr.trimEnd();
}

beforeAll(async () => {
  await box.sh(`mkdir -p ${WORK}/context/rootfs`);
  await sh(
    `umoci raw unpack --image ${LAYOUTS}/hello-world:latest unpacked && mv unpacked/* context/rootfs/`,
  );
});

describe('the local engine', () => {
  beforeAll(async () => {
    await startDocker(box);
    await build('etcd', 'one');
  });

  it('is a source, and its image is stored under its own name', async () => {
    const pulled = await box.atomic('pull', '--storage=ostree', 'docker:etcd');

    expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await refs()).toContain('ociimage/etcd_3Alatest');
    expect((await box.atomic('images', 'list')).stdout).toMatch(/etcd +latest/);
  });

  it('leaves a manifest that names the layers that are there', async () => {
    const manifest = JSON.parse(await sh(`ostree --repo=${REPO} cat ociimage/etcd_3Alatest /manifest.json`));
    const layer = `ociimage/${manifest.layers[0].digest.slice(7)}`;
    const uncompressed = await sh(
      `ostree --repo=${REPO} show --print-metadata-key=docker.uncompressed_digest ${layer}`,
    );

    expect(uncompressed.trim()).toBe(`'${manifest.layers[0].digest}'`);
    expect(await refs()).toContain(`ociimage/${manifest.config.digest.slice(7)}`);
  });

  it('is asked again without a copy while the image is the same', async () => {
    const before = await revision('etcd_3Alatest');

    expect(await sh('atomic pull docker:etcd:latest')).toBe('');

    expect(await revision('etcd_3Alatest')).toBe(before);
  });

  it('gives a container the name of the image', async () => {
    await sh('atomic install --system --display docker:etcd');
    expect(await tracesIn(box)).toBe('');

    expect(await greetingOf('etcd', 'docker:etcd')).toContain('Hi etcd');
  });

  it('is what an installed image is recorded with: its name', async () => {
    await sh('atomic install --system etcd');
    const info = JSON.parse(await sh(`cat ${CONTAINERS}/etcd/info`));
    await sh('atomic uninstall etcd; atomic install --system --name=other docker:etcd');
    const other = JSON.parse(await sh(`cat ${CONTAINERS}/other/info`));
    await sh('atomic uninstall other');

    expect([info.image, other.image]).toEqual(['etcd', 'etcd:latest']);
  });

  it('is where a new build comes from at the next install', async () => {
    const before = await digestOf('etcd_3Alatest');
    await build('etcd', 'two');

    await sh('atomic install --system --name=rebuilt docker:etcd && atomic uninstall rebuilt');

    expect(await digestOf('etcd_3Alatest')).not.toBe(before);
  });

  it('has images that look like prefixes', async () => {
    await sh('docker tag etcd docker:24 && atomic install --system docker:docker:24');
    const { image } = JSON.parse(await sh(`cat ${CONTAINERS}/docker-24/info`));
    const listed = await sh('atomic containers list -a');
    await sh('atomic uninstall docker-24');

    expect(image).toBe('oci:docker:24');
    expect(listed).toMatch(/docker-24 +docker:24 /);
  });

  it('may be anywhere: DOCKER_HOST', async () => {
    await sh('mv /run/docker.sock /run/elsewhere.sock');
    const pulled = await box.sh('DOCKER_HOST=unix:///run/elsewhere.sock atomic pull docker:etcd');
    await sh('mv /run/elsewhere.sock /run/docker.sock');

    expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('does not have every image', async () => {
    expect(await refusal('docker:nothing')).toMatch(/^cannot pull docker:nothing: .*; see 'docker images'$/);
  });

  it('saves archives, which are sources too', async () => {
    await sh('docker tag etcd me/saved:3 && docker save me/saved:3 > saved.tar');
    await sh('gzip -k saved.tar && zstd -q saved.tar && cp saved.tar me:saved.tar');
    const engine = await digestOf('etcd_3Alatest');

    for (const image of [
      `${WORK}/saved.tar`,
      `/${WORK}/saved.tar`,
      'saved.tar',
      'saved.tar.gz',
      'saved.tar.zst',
      'me:saved.tar',
    ]) {
      await sh(`ostree --repo=${REPO} refs --delete ociimage/me_2Fsaved_3A3; atomic pull dockertar:${image}`);
      expect(await digestOf('me_2Fsaved_3A3')).toBe(engine);
    }
    expect(await sh('atomic pull dockertar:saved.tar.gz')).toBe('');
  });

  it('saves archives of several images, of which the last is taken', async () => {
    await build('other', 'three');
    await sh('docker save etcd other > two.tar');
    const [last] = JSON.parse(await sh('tar -xOf two.tar manifest.json')).slice(-1);

    await sh('atomic pull dockertar:two.tar');

    const ref = `ociimage/${last.RepoTags[0].replace(':', '_3A')}`;
    const manifest = JSON.parse(await sh(`ostree --repo=${REPO} cat ${ref} /manifest.json`));
    expect(last.Config).toContain(manifest.config.digest.slice(7));
  });

  it('saves archives without a name, which are called after the file', async () => {
    await sh(`docker save "$(docker images -q etcd:latest)" > by-id.tar`);

    await sh('atomic pull dockertar:by-id.tar');

    expect(await refs()).toContain('ociimage/by-id_3Alatest');
  });

  it('saves archives that containers are named after', async () => {
    expect(await greetingOf('saved-3', 'dockertar:./saved.tar')).toContain('Hi saved-3');
    expect(await tracesIn(box)).toBe('');
  });

  it('is named when it does not run', async () => {
    await stopDocker(box);

    expect(await refusal('docker:etcd')).toBe(
      "The docker daemon does not appear to be running. Start it with 'systemctl start docker'",
    );
  });
});

describe('an archive', () => {
  it.each([
    { image: 'dockertar:none.tar', line: `${WORK}/none.tar does not exist` },
    { image: 'oci-archive:none.tar', line: `${WORK}/none.tar does not exist` },
    { image: 'dockertar:context', line: `${WORK}/context is not a file` },
  ])('is named when it is not there: $image', async ({ image, line }) => {
    expect(await refusal(image)).toBe(line);
  });

  it('is refused when it is cut short or damaged', async () => {
    await sh('head -c 100000 saved.tar > short.tar; head -c 100000 saved.tar.gz > short.tar.gz');

    expect(await refusal('dockertar:short.tar')).toMatch(/short\.tar/);
    expect(await refusal('dockertar:short.tar.gz')).toMatch(/short\.tar\.gz/);
  });

  it('of a layout has the name that its image has inside', async () => {
    await sh(`skopeo copy -q ${HELLO} oci-archive:layout.tar:quay.io/me/hello:5`);

    expect(await greetingOf('hello-5', 'oci-archive:layout.tar')).toContain('Hi hello-5');
    expect(await refs()).toContain('ociimage/quay.io_2Fme_2Fhello_3A5');
    expect(await sh('atomic pull oci-archive:layout.tar')).toBe('');
  });
});

describe('a layout', () => {
  it('has the name of its folder', async () => {
    await sh(`skopeo copy -q ${HELLO} oci:layout:v1`);

    expect(await greetingOf('layout-v1', 'oci:./layout:v1')).toContain('Hi layout-v1');
    await sh(`atomic pull oci:${WORK}/layout`);
    expect(await sh(`atomic pull oci:${WORK}/layout; atomic pull oci:./layout:v1`)).toBe('');
    expect(await digestOf('layout_3Alatest')).toBe(await digestOf('layout_3Av1'));
  });

  it('has a manifest for this machine', async () => {
    await sh(`atomic pull oci:${LAYOUTS}/multi-arch`);
    const manifest = JSON.parse(
      await sh(`ostree --repo=${REPO} cat ociimage/multi-arch_3Alatest /manifest.json`),
    );
    const config = await sh(`ostree --repo=${REPO} cat ociimage/${manifest.config.digest.slice(7)} /content`);

    expect(JSON.parse(config).architecture).toBe(process.arch === 'x64' ? 'amd64' : process.arch);
    expect(await sh(`atomic pull oci:${LAYOUTS}/multi-arch`)).toBe('');
  });

  it('keeps the digest that the image has in a registry', async () => {
    await box.atomic('pull', box.image('hello-world'));
    const registry = (await refs()).find((ref) => ref.endsWith('_2Fhello-world_3Alatest')) ?? '';

    expect(await digestOf('layout_3Av1')).toBe(await digestOf(registry.replace('ociimage/', '')));
  });

  it('is refused when its manifest is not what the index says', async () => {
    await sh(
      `cp -a layout lying && sed -i 's/"schemaVersion":2/"schemaVersion": 2/' lying/blobs/sha256/$(manifest=$(jq -r .manifests[0].digest layout/index.json); echo \${manifest#sha256:})`,
    );

    expect(await refusal('oci:./lying')).toMatch(
      /^the manifest in .*\/lying has the digest sha256:\w+, not sha256:\w+$/,
    );
  });
});

describe("a folder of skopeo's", () => {
  it('has its own name', async () => {
    await sh(`skopeo copy -q ${HELLO} dir:folder`);

    expect(await greetingOf('folder', 'dir:folder')).toContain('Hi folder');
    expect(await sh('atomic pull dir:folder')).toBe('');
  });

  it.each([
    {
      name: 'a layer',
      damage: 'echo x >> $(jq -r .layers[1].digest manifest.json | cut -c8-)',
      line: /[Dd]igest/,
    },
    {
      name: 'the configuration',
      damage: "sed -i 's/linux/Linux/' $(jq -r .config.digest manifest.json | cut -c8-)",
      line: /digest/,
    },
    {
      name: 'the size of a layer',
      damage: "jq -c '.layers[1].size = 7' manifest.json > m && mv m manifest.json",
      line: /bytes, not 7 as its manifest says/,
    },
    {
      name: 'a layer that is not there',
      damage: 'rm $(jq -r .layers[1].digest manifest.json | cut -c8-)',
      line: /no such file/,
    },
  ])('is refused when it lies about $name', async ({ damage, line }) => {
    await box.sh(`rm -rf ${REPO}/refs/heads/ociimage/*`);
    await sh(`rm -rf lying && cp -a folder lying && cd lying && ${damage}`);

    expect(await refusalWithLayers('dir:lying')).toMatch(line);
  });
});

/** As {@link refusal}; layers that are what they say may stay, as after every pull that ended early. */
async function refusalWithLayers(image: string): Promise<string> {
  const { exitCode, stderr } = await box.sh(`cd ${WORK} && atomic pull ${image}`);
  expect(exitCode).toBe(1);
  expect((await refs()).filter((ref) => !/^(ociimage\/[0-9a-f]{64})?$/.test(ref))).toEqual([]);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr.trimEnd();
}

describe('the storage of podman', () => {
  it('is a source', async () => {
    await sh(`skopeo copy -q ${HELLO} containers-storage:localhost/stored:2`);

    expect(await greetingOf('stored-2', 'containers-storage:localhost/stored:2')).toContain('Hi stored-2');
    expect(await sh('atomic pull containers-storage:localhost/stored:2')).toBe('');
    expect(await refusal('containers-storage:localhost/nothing')).toContain("see 'podman images'");
  });
});
