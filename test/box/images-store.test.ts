import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, eventually, useBox } from '../support/test-box.ts';

const box = useBox();
const REPO = `${CONTAINERS}/.storage/ostree`;

afterEach(async () => {
  await box.sh(`atomic uninstall c; rm -rf ${CONTAINERS}`);
});

describe('the store of root', () => {
  it('hides the programs of images from other users', async () => {
    await box.type(`atomic install --system --name=c ${box.image('hello-world')}`);
    const look = (path: string) => `setpriv --reuid=65534 --clear-groups ls ${path}`;

    for (const path of [CONTAINERS, `${CONTAINERS}/c/rootfs`, `${CONTAINERS}/c.0`, `${REPO}/objects`])
      expect(await box.sh(look(path)), path).toMatchObject({ stderr: expect.stringContaining('denied') });
  });

  it('is closed when an older program has left it open', async () => {
    await box.type(`mkdir -p ${CONTAINERS} && chmod 755 ${CONTAINERS}`);
    await box.type(`atomic pull ${box.image('hello-world')}`);

    expect(await box.type(`stat -c %a ${CONTAINERS} ${CONTAINERS}/.storage`)).toBe('700\n700\n');
  });

  it('is left open where it was configured, but for its images', async () => {
    await box.type('mkdir -p /var/lib/containers/other && chmod 755 /var/lib/containers/other');
    const env = 'ATOMIC_OSTREE_CHECKOUT_PATH=/var/lib/containers/other';
    await box.type(`${env} atomic pull ${box.image('hello-world')}`);

    expect(await box.type('cd /var/lib/containers/other && stat -c %a . .storage')).toBe('755\n700\n');
    await box.type('rm -rf /var/lib/containers/other');
  });

  it('lets a service of another user run', async () => {
    await box.type(`atomic install --system --name=c ${box.image('hello-world')}`);
    await box.type(
      `f=${CONTAINERS}/c/config.json; jq '.process.user = {uid: 1000, gid: 1000}' $f >/tmp/c && cat /tmp/c >$f`,
    );
    await box.type('atomic run c');

    expect(await box.type('atomic run c sh -c "echo in it"')).toBe('in it\n');
  });
});

/** Runs a command as a user of the host who is nobody here. */
const asNobody = async (command: string) =>
  await box.sh(`setpriv --reuid=65534 --regid=65534 --clear-groups ${command}`);
const modes = async (paths: string) =>
  (await box.type(`cd ${CONTAINERS} && stat -c '%a %n' ${paths}`)).trim().split('\n');

describe.each(['runc', 'crun'])('a container in a user namespace, under %s', (runtime) => {
  const install = async () =>
    await box.type(
      `atomic install --system --name=c --runtime=/usr/bin/${runtime} ${box.image('user-namespace')}`,
    );

  it('reaches its root file system, which nobody else does', async () => {
    await box.type(
      `atomic install --system --name=other ${box.image('hello-world')}; chmod 755 ${CONTAINERS}/other.0`,
    );
    await install();
    await box.type('atomic run c');

    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toContain('Hi');
    const pid = (await box.type(`${runtime} state c | jq .pid`)).trim();
    expect(await box.type(`stat -c %u:%g /proc/${pid}`)).toBe('100000:200000\n');
    expect(await modes('. c.0 other.0 .storage')).toEqual([
      '711 .',
      '710 c.0',
      '700 other.0',
      '700 .storage',
    ]);
    for (const path of ['.', 'c.0/rootfs', 'c/rootfs', 'c.0/config.json', 'other.0/rootfs'])
      expect(await asNobody(`ls ${CONTAINERS}/${path}`), path).toMatchObject({
        stderr: expect.stringContaining('denied'),
      });
    await box.type('atomic uninstall other');
  });

  it('runs on after the next pull, update and rollback, and once', async () => {
    await install();
    await box.type(`atomic run c; atomic pull --storage=ostree ${box.image('hello-world-2')}`);

    await box.type('atomic containers update --set=RECEIVER=Jerry c');
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toContain('Jerry');
    await box.type('atomic containers rollback c');
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).not.toContain('Jerry');
    const once = await box.atomic(
      'run',
      `--runtime=/usr/bin/${runtime}`,
      box.image('user-namespace'),
      'sh',
      '-c',
      'exit 7',
    );
    expect(once).toMatchObject({ exitCode: 7, stderr: '' });
  });

  it('keeps its way when it was installed by an older program, which left all open', async () => {
    await install();
    await box.type(`cd ${CONTAINERS} && chmod 755 . c.0 && chgrp 0 c.0`);
    await box.type(`atomic pull --storage=ostree ${box.image('hello-world-2')}; atomic run c`);

    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toContain('Hi');
    expect(await modes('. c.0')).toEqual(['711 .', '710 c.0']);
  });
});

/** The directories that were fsynced while a command ran, relative to the store. */
async function synced(command: string): Promise<readonly string[]> {
  const calls = 'fsync,fdatasync,syncfs';
  const line = `strace -f -y -qq -e signal=none -e trace=${calls} -o /tmp/trace ${command} && cat /tmp/trace`;
  const trace = await box.type(line);
  return [...trace.matchAll(/(?:fsync|syncfs)\(\d+<([^>]+)>/g)].map(([, path = '']) => path);
}

describe('what has been reported', () => {
  it('is on disk: the names of what was pulled, tagged and deleted', async () => {
    const image = box.image('hello-world');
    const refs = `${REPO}/refs/heads/ociimage`;

    const pulled = await synced(`atomic pull ${image}`);
    expect(pulled).toEqual(
      expect.arrayContaining([refs, `${REPO}/refs/heads`, CONTAINERS, '/var/lib/containers']),
    );
    expect(await synced(`atomic images tag ${image} other`)).toContain(refs);
    expect(await synced('atomic -y images delete other')).toContain(refs);
    expect(await synced('atomic images prune')).toContain(REPO);
  });

  it('is on disk also in a repository that does not sync', async () => {
    await box.type(`mkdir -p ${REPO} && ostree --repo=${REPO} init --mode=bare`);
    await box.type(`ostree --repo=${REPO} config set core.fsync false`);

    const paths = await synced(`atomic pull ${box.image('hello-world')}`);

    expect(paths.lastIndexOf(REPO)).toBeGreaterThanOrEqual(0);
    expect(paths.lastIndexOf(REPO)).toBeLessThan(paths.lastIndexOf(`${REPO}/refs/heads/ociimage`));
  });
});
