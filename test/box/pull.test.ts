import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { writeLayer, writeLayoutOf } from '../bench/large-image.ts';
import { startBadRegistry } from '../support/bad-registry.ts';
import { LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { CONTAINERS, eventually, useBox } from '../support/test-box.ts';

const box = useBox();
const REPO = `${CONTAINERS}/.storage/ostree`;

const refs = async () => (await box.sh(`ostree --repo=${REPO} refs | sort`)).stdout.trim().split('\n');
const metadata = async (ref: string, key: string) =>
  (await box.sh(`ostree --repo=${REPO} show --print-metadata-key=${key} ${ref}`)).stdout.trim();

/** Pulls until the first layers are there, and is killed then; returns those layers. */
async function killedMidway(pull: string, folder: string): Promise<readonly string[]> {
  await box.sh(`ATOMIC_TEST_FAULT=pull.layer-imported:kill ${pull}`);
  const names = (await box.type(`ls ${folder}/.storage/ostree/refs/heads/ociimage`))
    .split('\n')
    .filter(Boolean);
  expect(names.filter((name) => name.includes('latest'))).toEqual([]);
  return await layersAmong(names, folder);
}

/** Without the configuration, which skopeo reads each time. */
async function layersAmong(names: readonly string[], folder: string): Promise<readonly string[]> {
  const isLayer = `ostree --repo=${folder}/.storage/ostree show --print-metadata-key=docker.uncompressed_size`;
  const asked = await Promise.all(names.map((hex) => box.sh(`${isLayer} ociimage/${hex}`)));
  return names.filter((_, index) => asked[index]?.exitCode === 0);
}

describe('pull', () => {
  it('takes gzip, zstd and plain layers, and counts the device nodes it leaves out', async () => {
    const pulled = await box.atomic('pull', box.image('many-layers'));

    expect(pulled).toMatchObject({ exitCode: 0 });
    expect(pulled.stderr).toContain('Skipped 2 device nodes or fifos in the layers of');
    expect((await refs()).filter((ref) => /^ociimage\/[0-9a-f]{64}$/.test(ref))).toHaveLength(6);
  });

  it('makes images whose size is that of their layers, uncompressed', async () => {
    await box.atomic('pull', box.image('many-layers'));
    const layers = (await refs()).filter((ref) => /^ociimage\/[0-9a-f]{64}$/.test(ref));
    const sizes = await Promise.all(layers.map((ref) => metadata(ref, 'docker.uncompressed_size')));
    const sum = sizes.reduce((total, text) => total + Number(text.replaceAll("'", '') || 0), 0);

    expect(sum).toBeGreaterThan(1_000_000);
    expect((await box.atomic('images', 'list', '-n', '-f', `size=${sum}`)).stdout).toContain('many-layers');
  });

  it('writes the metadata that the Python tool reads', async () => {
    const tag = (await refs()).find((ref) => ref.includes('many-layers')) ?? '';
    const manifest = JSON.parse((await box.sh(`ostree --repo=${REPO} cat ${tag} /manifest.json`)).stdout);
    const layer = `ociimage/${manifest.layers[0].digest.slice(7)}`;

    expect(await metadata(tag, 'signatures')).toBe("'0'");
    expect(await metadata(tag, 'docker.digest')).toMatch(/^'sha256:[0-9a-f]{64}'$/);
    expect(await metadata(layer, 'docker.size')).toBe(`'${manifest.layers[0].size}'`);
    expect(await metadata(layer, 'docker.uncompressed_size')).toMatch(/^'\d+'$/);
    expect(await metadata(layer, 'docker.uncompressed_digest')).toMatch(/^'sha256:[0-9a-f]{64}'$/);
  });

  it('merges layers as whiteouts and opaque folders say', async () => {
    await box.atomic('install', '--system', '--name=m', box.image('many-layers'));
    const etc = await box.sh(`cd ${CONTAINERS}/m/rootfs/etc && cat changed kept opaque/*; ls -A . opaque`);

    expect(etc.stdout).toBe('three\nkept\nabove\n.:\nchanged\nkept\nopaque\n\nopaque:\nabove\n');
    expect((await box.atomic('uninstall', 'm')).exitCode).toBe(0);
  });

  it('chooses from a list of manifests the one for this machine', async () => {
    await box.atomic('pull', box.image('multi-arch'));
    const tag = (await refs()).find((ref) => ref.includes('multi-arch')) ?? '';
    const config = JSON.parse(
      (await box.sh(`ostree --repo=${REPO} cat ${tag} /manifest.json`)).stdout,
    ).config;
    const content = (await box.sh(`ostree --repo=${REPO} cat ociimage/${config.digest.slice(7)} /content`))
      .stdout;

    expect(JSON.parse(content).architecture).toBe(process.arch === 'x64' ? 'amd64' : process.arch);
  });

  it('goes on with what a killed pull left, and fetches only the rest', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    await pushLayout(registry, `${LAYOUTS}/many-layers`, 'cut');
    const fresh = `ATOMIC_OSTREE_CHECKOUT_PATH=${CONTAINERS}/fresh`;
    const repository = `${CONTAINERS}/fresh/.storage/ostree`;

    const left = await killedMidway(
      `${fresh} atomic pull http:${registry.address}/cut`,
      `${CONTAINERS}/fresh`,
    );
    const before = (await registry.log()).length;
    const again = await box.sh(`${fresh} atomic pull http:${registry.address}/cut`);
    const fetched = (await registry.log()).slice(before);

    expect(left.length).toBeGreaterThan(0);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(left.filter((hex) => fetched.includes(`GET /v2/cut/blobs/sha256:${hex}`))).toEqual([]);
    expect(
      (await box.sh(`ostree fsck --repo=${repository}; ls -A ${CONTAINERS}/fresh`)).stdout,
    ).not.toContain('.pull-');
  });

  it('fetches no layer for a second name of the same image', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    await pushLayout(registry, `${LAYOUTS}/many-layers`, 'other/name');

    const pulled = await box.atomic('pull', `http:${registry.address}/other/name`);

    expect(pulled.exitCode).toBe(0);
    // skopeo looks at the configuration before it asks the signature policy
    expect((await registry.log()).match(/"GET \/v2\/other\/name\/blobs\/sha256:/g)).toHaveLength(1);
  });

  it('asks for the manifest, and for nothing else, when it has the image', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    await pushLayout(registry, `${LAYOUTS}/hello-world`, 'asked');
    await box.type(`atomic pull http:${registry.address}/asked`);
    const before = (await registry.log()).length;

    await box.type(`atomic pull http:${registry.address}/asked`);

    const requests = [...(await registry.log()).slice(before).matchAll(/"([A-Z]+ \/\S+) HTTP/g)];
    expect(requests.map(([, request]) => request)).toEqual(['GET /v2/', 'GET /v2/asked/manifests/latest']);
  });

  it('keeps the password out of the process list and the log', async () => {
    const watch = `for i in $(seq 100); do cat /proc/[0-9]*/cmdline; sleep 0.01; done 2>/dev/null | tr '\\0' '\\n'`;
    const pull = `atomic --debug pull --src-creds someone:hunter2x ${box.image('hello-world')}`;
    await box.sh(`${watch} > /run/arguments & ${pull} > /run/said 2>&1; wait`);

    expect((await box.sh('grep -c "^--authfile=" /run/arguments')).stdout).not.toBe('0\n');
    expect((await box.sh('grep hunter2x /run/said')).stdout).toBe('');
    // our own command line has it, and the shell's that calls us
    const leaks = await box.sh(`grep hunter2x /run/arguments | sort -u`);
    expect(leaks.stdout.split('\n').filter((line) => !line.includes('atomic --debug'))).toEqual([
      'someone:hunter2x',
      '',
    ]);
  });

  it('obeys the policy of policy.json', async () => {
    const policy = '{"default":[{"type":"reject"}]}';
    await box.sh(`cp /etc/containers/policy.json /run/; echo '${policy}' > /etc/containers/policy.json`);

    const refused = await box.atomic('pull', box.image('stubborn'));
    await box.sh('cp /run/policy.json /etc/containers/');

    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/^cannot pull .*rejected by policy/);
    expect((await refs()).join('\n')).not.toContain('stubborn');
  });

  it('goes through the proxy of the environment or of the configuration', async () => {
    const proxied = 'http_proxy: http://127.0.0.1:9\\nno_proxy: nowhere';
    await box.sh(`printf '${proxied}\\n' > /run/proxy.conf`);

    const refused = await box.sh(`ATOMIC_CONF=/run/proxy.conf atomic pull http:registry.invalid/x`);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/127\.0\.0\.1:9|proxyconnect/);
  });

  it('shares the repository with other pulls of the same layers, which are there only once', async () => {
    const both = await box.sh(
      `export ATOMIC_OSTREE_CHECKOUT_PATH=${CONTAINERS}/two; for i in 1 2; do atomic pull ${box.image('many-layers')} & done; wait %1 && wait %2`,
    );

    expect(both.exitCode).toBe(0);
    const repository = `${CONTAINERS}/two/.storage/ostree`;
    await box.type(`ostree fsck --quiet --repo=${repository}`);
    const commits = await box.type(`find ${repository}/objects -name '*.commit' | wc -l`);
    const layers = await box.type(`ls ${repository}/refs/heads/ociimage | grep -cxE '[0-9a-f]{64}'`);
    // of the image itself, each pull has made one
    expect(Number(commits) - Number(layers)).toBeLessThanOrEqual(2);
    expect(await box.type(`ls -A ${repository}/tmp | grep import; true`)).toBe('');
  });

  it('says that it is done when everything is stored', async () => {
    const at = `ATOMIC_OSTREE_CHECKOUT_PATH=${CONTAINERS}/said`;
    const look = `while read line; do echo "$line"; case $line in Writing*) ls ${CONTAINERS}/said/.storage/ostree/refs/heads/ociimage;; esac; done`;
    const said = await box.type(`${at} atomic pull ${box.image('many-layers')} | { ${look}; }`);

    expect(said).toMatch(
      /Copying blob [\s\S]*Writing manifest to image destination\n[\s\S]*many-layers_3Alatest\n/,
    );
  });

  it('draws one bar on a terminal, also on one that tells no width', async () => {
    const at = `ATOMIC_OSTREE_CHECKOUT_PATH=${CONTAINERS}/drawn`;
    const drawn = await box.type(
      `${at} script -qec 'stty cols 0; atomic pull ${box.image('many-layers')}' /dev/null`,
    );

    const lines = drawn.split(/[\r\n]+/).map((line) => line.replace('\u001b[K', ''));
    const bars = lines.filter((line) => line.startsWith('['));
    expect(bars).not.toEqual([]);
    for (const bar of bars) expect(bar).toMatch(/^\[=* *\] +\d+ % {2}\d of 5 layers stored$/);
    for (const bar of bars) expect(bar).toHaveLength(79);
    expect(lines.filter((line) => line.startsWith('Copying blob'))).toHaveLength(5);
  });
});

describe('pulls at the same time', () => {
  const at = (folder: string) => `ATOMIC_OSTREE_CHECKOUT_PATH=${CONTAINERS}/${folder}`;
  const repository = (folder: string) => `${CONTAINERS}/${folder}/.storage/ostree`;
  const claims = (folder: string) => `${repository(folder)}/tmp/.layer-*`;
  const isWhole = async (folder: string) => {
    await box.type(`ostree fsck --quiet --repo=${repository(folder)}`);
    await box.type(`! ls -A ${repository(folder)}/tmp | grep -e layer -e import`);
  };

  /** Begins a pull that claims all layers, and never ends. */
  async function hang(folder: string): Promise<{ kill(): Promise<void> }> {
    const image = box.image('many-layers');
    const pulling = box.sh(`${at(folder)} ATOMIC_TEST_FAULT=pull.layer-staged:hang atomic pull ${image}`);
    const claimed = `test $(ls ${claims(folder)} | wc -l) -eq 5`;
    expect((await eventually(box, claimed, 20)).exitCode).toBe(0);
    const [pid] = (await box.type(`readlink ${claims(folder)}`)).split('-');
    return {
      kill: async () => {
        await box.type(`kill -KILL ${pid}`);
        await pulling;
      },
    };
  }

  /** Begins a pull, and returns when it says that it waits. */
  async function wait(folder: string, image: string): Promise<{ readonly ended: ReturnType<typeof box.sh> }> {
    const said = `/run/waiting-${folder}`;
    await box.type(`rm -f ${said}`);
    const ended = box.sh(`echo $$ >/run/pid; exec env ${at(folder)} atomic pull ${image} 2>${said}`);
    const told = `grep -q "^Waiting for another atomic command to import layers of ${image.replace('http:', '')}$" ${said}`;
    expect((await eventually(box, told, 20)).exitCode).toBe(0);
    return { ended };
  }

  it('wait for a layer that another one fetches, and do not fetch it again', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    await pushLayout(registry, `${LAYOUTS}/many-layers`, 'shared');
    const manifest = `skopeo inspect --tls-verify=false --raw docker://${box.image('many-layers')}`;
    const last = JSON.parse(await box.type(manifest)).layers.at(-1).digest;
    let open = () => {};
    const after = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using slow = await startBadRegistry(registry.address, { path: new RegExp(last), after });
    await box.reach(slow.address);

    const first = box.sh(`${at('shared')} atomic pull http:${slow.address}/shared`);
    expect((await eventually(box, `ls ${claims('shared')}`, 20)).exitCode).toBe(0);
    const { ended } = await wait('shared', `http:${registry.address}/shared`).finally(open);

    expect([(await first).exitCode, (await ended).exitCode]).toEqual([0, 0]);
    const fetched = (await registry.log()).matchAll(/"GET \/v2\/shared\/blobs\/(sha256:\S+) HTTP/g);
    expect([...fetched].filter(([, digest]) => digest === last)).toHaveLength(1);
    await isWhole('shared');
  });

  it('import what one that was killed had begun', async () => {
    const neighbour = await hang('killed');
    const { ended } = await wait('killed', box.image('many-layers'));
    await neighbour.kill();

    expect((await ended).exitCode).toBe(0);
    await isWhole('killed');
  });

  it('end at once when they are interrupted while they wait, and do not wait longer than a minute', async () => {
    const neighbour = await hang('hung');
    const { ended } = await wait('hung', box.image('many-layers'));
    await box.type('kill -INT $(cat /run/pid)');
    expect((await ended).exitCode).toBe(130);
    expect(await box.type(`ls ${claims('hung')} | wc -l`)).toBe('5\n');

    await box.type(`touch -h -d '-61 seconds' ${claims('hung')}`);
    const pulled = await box.sh(`${at('hung')} timeout 20 atomic pull ${box.image('many-layers')}`);
    await neighbour.kill();

    expect(pulled).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('Waiting') });
    await box.type(`${at('hung')} atomic images prune`);
    await isWhole('hung');
  });

  it('do not wait for each other when their images have the same layers in another order', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    const folder = await mkdtemp(join(tmpdir(), 'atomic-orders-'));
    try {
      const shape = { files: 40, text: 30_000, large: 1_000_000 };
      const [one = '', two = '', three = ''] = await Promise.all(
        ['one', 'two', 'three'].map((name) => writeLayer(folder, name, shape)),
      );
      const orders = [
        [one, two, three],
        [three, two, one],
        [two, three],
        [three, one],
      ];
      for (const [index, layers] of orders.entries())
        await pushLayout(registry, await writeLayoutOf(join(folder, `${index}`), layers), `order-${index}`);
    } finally {
      await rm(folder, { recursive: true });
    }

    const pull = `timeout 30 atomic pull http:${registry.address}/order-{}`;
    const pulled = await box.sh(`seq 0 3 | ${at('orders')} xargs -P4 -I{} ${pull}`);

    expect(pulled).toMatchObject({ exitCode: 0 });
    const fetched = (await registry.log()).matchAll(/"GET \/v2\/\S+\/blobs\/(sha256:\S+) HTTP/g);
    const digests = [...fetched].map(([, digest]) => digest?.slice('sha256:'.length));
    const blobs = await box.type(`ls ${repository('orders')}/refs/heads/ociimage | grep -xE '[0-9a-f]{64}'`);
    const layers = await layersAmong(blobs.trim().split('\n'), `${CONTAINERS}/orders`);
    expect(layers.map((hex) => digests.filter((digest) => digest === hex).length)).toEqual([1, 1, 1]);
    await isWhole('orders');
  });
});

describe('where Docker is the default', () => {
  it('takes images that say that they are system containers, and says so', async () => {
    await box.type("echo 'default_storage: docker' >/etc/atomic.conf");
    const system = await box.atomic('pull', box.image('hello-world'));
    const other = await box.atomic('pull', box.image('defaults-only'));
    const missing = await box.atomic('pull', box.image('nowhere'));
    await box.type('rm /etc/atomic.conf');

    expect(system.exitCode).toBe(0);
    expect(system.stdout).toContain(
      "Note: Switching from the 'docker' backend to the 'ostree' backend based on the 'atomic.type' label in the image.",
    );
    for (const { exitCode, stderr } of [other, missing])
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining("The storage backend 'docker' is not available."),
      });
  });
});

describe('a pull that waits for its registry', () => {
  it('lets other commands write to the repository, which leave it what it has', async () => {
    const image = box.image('many-layers');
    const manifest = JSON.parse(await box.type(`skopeo inspect --tls-verify=false --raw docker://${image}`));
    const last = manifest.layers.at(-1).digest;
    let open = () => {};
    const after = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using registry = await startBadRegistry(inject('registry'), { path: new RegExp(last), after });
    await box.reach(registry.address);
    const folder = `${CONTAINERS}/waiting`;
    const at = `ATOMIC_OSTREE_CHECKOUT_PATH=${folder}`;
    const refsThere = async () => await box.type(`ls ${folder}/.storage/ostree/refs/heads/ociimage`);
    await box.type(`${at} atomic pull ${box.image('hello-world')}`);
    const before = (await refsThere()).split('\n').length;

    const pulling = box.sh(`${at} atomic pull http:${registry.address}/many-layers`);
    const came = `test $(ls ${folder}/.storage/ostree/refs/heads/ociimage | wc -l) -ge ${before + 3}`;
    expect((await eventually(box, came, 10)).exitCode).toBe(0);
    const fetched = (await refsThere()).split('\n');
    const tagged = await box.sh(`${at} timeout 10 atomic images tag ${box.image('hello-world')} other`);
    const pruned = await box.sh(`${at} timeout 10 atomic images prune`);
    const kept = (await refsThere()).split('\n');
    open();

    expect([tagged.exitCode, pruned.exitCode]).toEqual([0, 0]);
    expect(kept).toEqual(expect.arrayContaining([...fetched]));
    expect(await pulling).toMatchObject({ exitCode: 0 });
    await box.type(`ostree --repo=${folder}/.storage/ostree fsck --quiet`);
  });
});
