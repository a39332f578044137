import { beforeAll, describe, expect, it } from 'vitest';
import { DIR, mountsIn, refusal, SILENCE } from '../support/mounts.ts';
import { CONTAINERS, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const { expectNothingLeft, mount, optionsOf, unmount } = mountsIn(box);
const image = () => box.image('many-layers');

beforeAll(async () => {
  await box.atomic('pull', image());
  await box.atomic('install', '--system', '--name=hello', box.image('hello-world'));
  await box.sh(`mkdir -p ${DIR}`);
});

describe('an image', () => {
  it('is mounted with all its layers, and is gone after unmounting', async () => {
    expect(await mount(image())).toEqual(SILENCE);
    const files = await box.sh(`cd ${DIR}/etc && find . -type f | sort | xargs grep .`);
    const whiteouts = await box.sh(`find ${DIR} -name '.wh.*'`);

    expect(files.stdout).toBe('./changed:three\n./kept:kept\n./opaque/above:above\n');
    expect(whiteouts.stdout).toBe('');
    expect(await unmount()).toEqual(SILENCE);
    expect((await box.sh(`ls -A ${DIR}`)).stdout).toBe('');
    await expectNothingLeft();
  });

  it.each([
    { name: 'with its storage named', argv: ['--storage', 'ostree'] },
    { name: 'as shared', argv: ['--shared'] },
    { name: 'with options', argv: ['-o', 'rw,suid,dev'] },
  ])('can be mounted $name', async ({ argv }) => {
    expect(await box.atomic('mount', ...argv, `http:${image()}`, DIR)).toEqual(SILENCE);
    expect(await optionsOf()).toMatch(/^ro,nosuid,nodev\b/);
    expect(await box.atomic('umount', `${DIR}/`)).toEqual(SILENCE);
    await expectNothingLeft();
  });

  it('can be mounted by its id, on a relative path, with options behind the name', async () => {
    const id = (await box.atomic('images', 'list', '-q', '-f', 'repo=many-layers')).stdout.trim();

    expect(await box.sh(`cd ${DIR} && atomic mount ${id} . --storage=ostree`)).toEqual(SILENCE);
    expect(await box.sh(`cd ${DIR}/.. && atomic unmount mnt`)).toEqual(SILENCE);
  });

  it('cannot be written to, whatever is tried', async () => {
    await mount(image());
    const tries = [
      `echo x >> ${DIR}/etc/kept`,
      `touch ${DIR}/new`,
      `rm ${DIR}/etc/kept`,
      `chmod 777 ${DIR}/etc/kept`,
      `chown 1 ${DIR}/etc/kept`,
      `mount -o remount,rw ${DIR}`,
      `mount -o remount,rw ${DIR}; echo x >> ${DIR}/etc/kept`,
      `mount -o remount,bind,rw ${DIR}; echo x >> ${DIR}/etc/kept`,
    ];

    for (const line of tries) expect(await box.sh(line)).not.toMatchObject({ exitCode: 0 });
    expect(await box.file(`${DIR}/etc/kept`)).toBe('kept\n');
    await unmount();
    await expectNothingLeft();
  });

  it('keeps ordinary users from the files behind the mount', async () => {
    await mount(image());
    const hidden = await box.sh(`stat -c %a ${CONTAINERS}/.mount-*`);
    await unmount();

    expect(hidden.stdout).toBe('700\n');
  });

  it('needs an empty folder', async () => {
    await box.sh(`mkdir ${DIR}/full && touch ${DIR}/full/x`);
    const refused = await mount(image(), `${DIR}/full`);
    await box.sh(`rm -r ${DIR}/full`);

    expect(refused).toEqual(refusal('The destination path is not empty.'));
    await expectNothingLeft();
  });

  it('can be pruned while it is mounted', async () => {
    await mount(image());
    await box.sh(`atomic -y images delete ${image()}; atomic images prune`);
    const read = await box.sh(`cat ${DIR}/etc/changed`);
    const ended = await unmount();
    await box.atomic('pull', image());

    expect(read.stdout).toBe('three\n');
    expect(ended).toEqual(SILENCE);
    await expectNothingLeft();
  });

  it('may be mounted in several places', async () => {
    await box.sh(`mkdir ${DIR}1 ${DIR}2`);
    const mounted = await Promise.all([mount(image(), `${DIR}1`), mount(image(), `${DIR}2`)]);
    // one of them may wait for the other, and says so
    const statuses = mounted.map(({ exitCode }) => exitCode);
    const first = await unmount(`${DIR}1`);
    const other = await box.sh(`cat ${DIR}2/etc/changed`);
    const second = await unmount(`${DIR}2`);
    await box.sh(`rmdir ${DIR}1 ${DIR}2`);

    expect([statuses, first, second]).toEqual([[0, 0], SILENCE, SILENCE]);
    expect(other.stdout).toBe('three\n');
    await expectNothingLeft();
  });

  it.each(['a b', 'a:b', 'a,b', "q'q", 'back\\slash', 'umlaut-ü', '-x', 'per%cent $x', 'line\nbreak'])(
    'is mounted on a folder called %j, from a checkout folder called so',
    async (name) => {
      const place = `/var/lib/containers/odd/${name}`;
      const folder = `${place}/mnt/${name}`;
      // skopeo takes no folder with a colon for a pull
      const plain = '/var/lib/containers/plain';
      const pulled = await box.sh(`ATOMIC_OSTREE_CHECKOUT_PATH=${plain} atomic pull ${image()}`);
      await box.run(['mkdir', '-p', '/var/lib/containers/odd']);
      await box.run(['mv', plain, place]);
      await box.run(['mkdir', '-p', folder]);
      const env = { ATOMIC_OSTREE_CHECKOUT_PATH: place };

      const mounted = await box.run(['atomic', 'mount', image(), folder], { env });
      const read = await box.run(['cat', `${folder}/etc/changed`]);
      const ended = await box.run(['atomic', 'unmount', folder], { env });
      const left = await box.run(['ls', '-A', place]);
      await box.run(['rm', '-rf', place]);

      expect(pulled).toMatchObject({ exitCode: 0 });
      expect([mounted, ended]).toEqual([SILENCE, SILENCE]);
      expect(read.stdout).toBe('three\n');
      expect(left.stdout).toBe('.storage\nmnt\n');
    },
  );
});

describe('a container', () => {
  it('wins over an image of its name, and is mounted read-only on any folder', async () => {
    await box.sh(`atomic images tag ${image()} hello; touch ${DIR}/below`);
    const mounted = await mount('http:hello');
    const rootfs = await box.sh(`diff -r ${DIR} ${CONTAINERS}/hello/rootfs`);
    const written = await box.sh(`mount -o remount,rw ${DIR}; touch ${DIR}/new`);
    const options = await optionsOf();
    const ended = await unmount();
    await box.sh(`atomic -y images delete hello`);

    expect([mounted, ended]).toEqual([SILENCE, SILENCE]);
    expect(rootfs).toMatchObject({ exitCode: 0 });
    expect(written.exitCode).not.toBe(0);
    expect(options).toMatch(/^ro,nosuid,nodev\b/);
    expect((await box.sh(`ls ${DIR}; rm ${DIR}/below`)).stdout).toBe('below\n');
    await expectNothingLeft();
  });

  it('leaves no trace in its root file system', async () => {
    const before = await box.sh(`cd ${CONTAINERS}/hello/rootfs && find . -printf '%p %c\\n'`);
    await mount('hello');
    await unmount();
    const after = await box.sh(`cd ${CONTAINERS}/hello/rootfs && find . -printf '%p %c\\n'`);

    expect(after.stdout).toBe(before.stdout);
  });

  it('without a root file system of its own shows the one that it uses', async () => {
    await box.atomic(
      'install',
      '--system',
      '--name=far',
      `--rootfs=${CONTAINERS}/hello`,
      box.image('hello-world'),
    );
    const mounted = await mount('far');
    const same = await box.sh(`diff -r ${DIR} ${CONTAINERS}/hello/rootfs`);
    await unmount();
    await box.atomic('uninstall', 'far');

    expect(mounted).toEqual(SILENCE);
    expect(same.exitCode).toBe(0);
  });

  it('whose root file system is a link to somewhere is refused', async () => {
    await box.sh(`cd ${CONTAINERS}/hello.0 && mv rootfs kept && ln -s /etc rootfs`);
    const refused = await mount('hello');
    await box.sh(`cd ${CONTAINERS}/hello.0 && rm rootfs && mv kept rootfs`);

    expect(refused).toEqual(refusal(`cannot mount 'hello': ${CONTAINERS}/hello.0/rootfs is not a directory`));
    await expectNothingLeft();
  });

  it('can be updated and removed while it is mounted', async () => {
    await box.atomic('install', '--system', '--name=other', box.image('hello-world'));
    await mount('other');
    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=x', 'other');
    const removed = await box.atomic('uninstall', 'other');
    const ended = await unmount();

    expect([updated.exitCode, removed.exitCode]).toEqual([0, 0]);
    expect(ended).toEqual(SILENCE);
    await expectNothingLeft();
  });
});

describe('mounting', () => {
  it.each([
    {
      name: '--live',
      argv: ['--live', 'hello', DIR],
      line: 'Containers and images managed through OSTree do not support --live.',
    },
    { name: 'an unknown storage', argv: ['--storage=foo', 'hello', DIR], line: 'foo is not a valid storage' },
    {
      name: 'a folder that is not there',
      argv: ['hello', `${DIR}/none`],
      line: `[Errno 2] No such file or directory: '${DIR}/none'`,
    },
    {
      name: 'a file',
      argv: ['hello', '/etc/hostname'],
      line: "[Errno 20] Not a directory: '/etc/hostname'",
    },
    {
      name: 'nothing that is there',
      argv: ['--storage=ostree', 'nothing', DIR],
      line: "Could not mount nothing; there is no such container or image; see 'atomic containers list -a' and 'atomic images list'",
    },
  ])('refuses $name', async ({ argv, line }) => {
    expect(await box.atomic('mount', ...argv)).toEqual(refusal(line));
    await expectNothingLeft();
  });

  it('takes one of --live, --shared and --storage', async () => {
    const refused = await box.atomic('mount', '--live', '--shared', 'hello', DIR);

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('not allowed with argument');
  });

  it('shows copies where the kernel has no overlay', async () => {
    // an overlay of an overlay cannot be a part of a third (FILESYSTEM_MAX_STACK_DEPTH)
    const deep = '/run/deep';
    const overlay = (lower: string, upper: string, point: string) =>
      `mkdir -p ${lower} ${upper} ${upper}.work ${point} && mount -t overlay -o lowerdir=${lower},upperdir=${upper},workdir=${upper}.work overlay ${point}`;
    await box.sh(
      `mkdir ${deep} && mount -t tmpfs tmpfs ${deep} && cd ${deep} && ${overlay('base', 'u1', 'first')} && ${overlay('first', 'u2', 'second')}`,
    );
    const env = { ATOMIC_OSTREE_CHECKOUT_PATH: `${deep}/second/atomic` };
    await box.run(['atomic', 'pull', image()], { env });

    const mounted = await box.run(['atomic', 'mount', image(), DIR], { env });
    const links = await box.sh(`stat -c %h ${DIR}/etc/*; cat ${DIR}/etc/changed`);
    const written = await box.sh(`touch ${DIR}/etc/changed`);
    const options = await optionsOf();
    const ended = await box.run(['atomic', 'unmount', DIR], { env });
    const left = await box.sh(`ls -A ${deep}/second/atomic; umount ${deep}/second ${deep}/first ${deep}`);

    expect(mounted).toEqual({ ...SILENCE, stdout: `Extracting to ${DIR}\n` });
    expect(links.stdout).toBe('1\n1\n2\nthree\n');
    expect(written.stderr).toContain('Read-only file system');
    expect(options).toMatch(/^ro,nosuid,nodev\b/);
    expect(ended).toEqual(SILENCE);
    expect(left.stdout).toBe('.storage\n');
  });
});

describe('afterwards', () => {
  it('nothing is left', async () => {
    await box.atomic('uninstall', 'hello');

    expect(await tracesIn(box)).toBe('');
    await expectNothingLeft();
  });
});
