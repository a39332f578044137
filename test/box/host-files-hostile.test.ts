import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HostileImages, hostileImages } from '../support/hostile-image.ts';
import type { Entry } from '../support/tar-writer.ts';
import { CONTAINERS, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
/** What no image may touch. */
const OUTSIDE = '/run/outside';

let images: HostileImages;

beforeAll(async () => {
  images = await hostileImages();
});
afterAll(async () => {
  await images[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await box.sh(`rm -rf ${OUTSIDE} && mkdir -m 755 ${OUTSIDE} && echo untouched > ${OUTSIDE}/victim`);
});
afterEach(async () => {
  await box.sh(
    'umount /opt/small /opt; for c in $(atomic containers list -aq --no-trunc); do atomic uninstall $c; done',
  );
  await box.sh('chattr -i /opt/hostile/a; rm -rf /opt/x /opt/hostile /opt/small /opt/tool /etc/hostile*');
  expect(await tracesIn(box)).toBe('');
});

const outside = async () =>
  (await box.sh(`stat -c '%a %u' ${OUTSIDE}; ls -A ${OUTSIDE}; cat ${OUTSIDE}/victim`)).stdout;
const UNTOUCHED = '755 0\nvictim\nuntouched\n';
/** What is left of changes of host files that were cut short. */
const asides = async () =>
  (await box.sh(`find /etc /opt /usr /var -name '.atomic-*'; ls -A ${CONTAINERS} | grep host-files`)).stdout;

const file = (name: string, content = 'ours\n'): Entry => ({
  name: `exports/hostfs/${name}`,
  content,
  mode: 0o644,
});
const link = (name: string, target: string): Entry => ({
  name: `exports/hostfs/${name}`,
  type: '2',
  link: target,
});

/** An image without a service; returns what `atomic` calls it. */
async function image(name: string, entries: readonly Entry[], manifest: object = {}): Promise<string> {
  const text = JSON.stringify({ noContainerService: true, ...manifest });
  const layers = [[{ name: 'exports/manifest.json', content: text, mode: 0o644 }, ...entries]];
  return `oci:${await images.write(name, { layers })}`;
}
const install = async (name: string, reference: string) =>
  await box.atomic('install', '--system', `--name=${name}`, reference);

describe('an image', () => {
  it.each<{ name: string; entries: readonly Entry[]; renames: Record<string, string>; line: RegExp }>([
    {
      name: 'renames a directory onto a link',
      entries: [
        link('opt/x', OUTSIDE),
        { name: 'exports/hostfs/zdir', type: '5', mode: 0o777, owner: 1000 },
        file('zdir/cronjob'),
      ],
      renames: { '/zdir': '/opt/x' },
      line: /two files of the image go to '\/opt\/x'/,
    },
    {
      name: 'renames a file below a link',
      entries: [link('opt/x', OUTSIDE), file('evil')],
      renames: { '/evil': '/opt/x/evil' },
      line: /'\/opt\/x\/evil' is below '\/opt\/x', which is a link/,
    },
    {
      name: 'renames a link onto a directory',
      entries: [file('opt/x/cronjob'), link('z', OUTSIDE)],
      renames: { '/z': '/opt/x' },
      line: /two files of the image go to '\/opt\/x'/,
    },
  ])('is refused when it $name, and writes nothing elsewhere', async ({ entries, renames, line }) => {
    const manifest = { renameFiles: renames, installedFilesTemplate: ['/opt/x/cronjob', '/opt/x/evil'] };

    const refused = await install('h', await image('links', entries, manifest));

    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(line) });
    expect(await outside()).toBe(UNTOUCHED);
    expect((await box.sh('ls -d /opt/x')).exitCode).not.toBe(0);
  });

  it('has names that do not reach the terminal', async () => {
    await box.sh('touch "$(printf \'/etc/hostile\\033[31m\')"');

    const installed = await install(
      'h',
      await image('names', [file('etc/hostile\x1b[31m'), file('etc/hostile\nCreated file /etc/shadow')]),
    );

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).not.toMatch(/[^\P{Cc}\n]/u);
    expect(installed.stdout).toContain('File /etc/hostile\\x1b[31m already exists\n');
    expect(installed.stdout.split('\n')).not.toContain('Created file /etc/shadow');
  });

  it('keeps the capabilities of its files', async () => {
    const capability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';
    const tool = {
      ...file('opt/tool'),
      mode: 0o755,
      pax: { 'SCHILY.xattr.security.capability': capability },
    };

    expect(await install('h', await image('capable', [tool]))).toMatchObject({ exitCode: 0, stderr: '' });

    expect((await box.sh('getcap /opt/tool')).stdout).toBe('/opt/tool cap_net_raw=ep\n');
  });
});

describe('host files that cannot be written', () => {
  it.each([
    {
      name: 'on a read-only file system',
      prepare: 'mount --bind /opt /opt && mount -o remount,bind,ro /opt',
      line: 'cannot put /opt/small/big on the host: /opt is on a read-only file system\n',
    },
    {
      name: 'on a full file system',
      prepare: 'mkdir /opt/small && mount -t tmpfs -o size=1M none /opt/small',
      line: 'cannot put /opt/small/big on the host: its file system is full; it has',
    },
  ])('$name are found before the service is stopped', async ({ prepare, line }) => {
    await box.atomic('install', '--system', '--name=h', box.image('hello-world'));
    await box.atomic('run', 'h');
    await box.sh(prepare);
    const started = async () => (await box.sh('systemctl show -P ExecMainStartTimestampMonotonic h')).stdout;
    const before = await started();

    const reference = await image('big', [file('opt/small/big', 'x'.repeat(2 << 20))]);
    const failed = await box.atomic('containers', 'update', `--rebase=${reference}`, 'h');

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toContain(line);
    expect(await started()).toBe(before);
    expect(await asides()).toBe('');
  });
});

describe('a host file that nobody may change', () => {
  beforeEach(async () => {
    await install('h', await image('plain', [file('opt/hostile/a'), file('opt/hostile/b')]));
    await box.sh('chattr +i /opt/hostile/a');
  });

  it('is an error when an update has a newer one', async () => {
    const next = await image('next', [file('opt/hostile/a', 'next\n'), file('opt/hostile/b', 'next\n')]);

    const failed = await box.atomic('containers', 'update', `--rebase=${next}`, 'h');

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toMatch(/^cannot put \/opt\/hostile\/a on the host: EPERM: /);
    expect(await box.file('/opt/hostile/b')).toBe('ours\n');
    expect(await asides()).toBe('');
  });

  it('stays, with a warning, when an update has none', async () => {
    const next = await image('next', [file('opt/hostile/b', 'next\n')]);

    const updated = await box.atomic('containers', 'update', `--rebase=${next}`, 'h');

    expect(updated).toMatchObject({ exitCode: 0 });
    expect(updated.stderr).toMatch(/^cannot remove \/opt\/hostile\/a from the host: EPERM: /);
    expect((await box.sh('cat /opt/hostile/a /opt/hostile/b')).stdout).toBe('ours\nnext\n');
    expect(await asides()).toBe('');
  });
});

describe('an uninstall', () => {
  it.each([
    {
      name: 'a directory that is a file now',
      prepare: 'rm -r /opt/hostile; touch /opt/hostile',
      line: 'cannot remove /opt/hostile/a from the host: /opt/hostile is not a directory\n',
    },
    {
      name: 'a directory that is a link to itself',
      prepare: 'rm -r /opt/hostile; ln -s hostile /opt/hostile',
      line: 'cannot remove /opt/hostile/a from the host: /opt/hostile is a symbolic link\n',
    },
    {
      name: 'a directory that leads elsewhere',
      prepare: `mv /opt/hostile ${OUTSIDE}/moved; ln -s ${OUTSIDE}/moved /opt/hostile`,
      line: 'cannot remove /opt/hostile/a from the host: /opt/hostile is a symbolic link\n',
    },
    {
      name: 'a file that nobody may remove',
      prepare: 'chattr +i /opt/hostile/a',
      line: "cannot remove /opt/hostile/a from the host: EPERM: operation not permitted, unlink '/opt/hostile/a'\n",
    },
    {
      name: 'a read-only file system',
      prepare: 'mount --bind /opt /opt && mount -o remount,bind,ro /opt',
      line: "cannot remove /opt/hostile/a from the host: EROFS: read-only file system, unlink '/opt/hostile/a'\n",
    },
  ])('is not stopped by $name', async ({ prepare, line }) => {
    await install('h', await image('plain', [file('opt/hostile/a'), file('etc/hostile')]));
    await box.sh(prepare);

    const uninstalled = await box.atomic('uninstall', 'h');

    expect(uninstalled).toMatchObject({ exitCode: 0 });
    expect(uninstalled.stderr).toContain(line);
    expect((await box.sh('ls -d /etc/hostile')).exitCode).not.toBe(0);
    expect((await box.sh(`ls ${OUTSIDE}/moved`)).stdout).toBe(prepare.startsWith('mv') ? 'a\n' : '');
    expect((await box.sh(`ls ${CONTAINERS}`)).stdout).toBe('');
  });

  it('does not read a file that has grown', async () => {
    await install('h', await image('plain', [file('opt/hostile/a')]));
    await box.sh('truncate -s 3G /opt/hostile/a');

    const uninstalled = await box.atomic('uninstall', 'h');

    expect(uninstalled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(uninstalled.stdout).toContain('Will not delete /opt/hostile/a as it was manually modified.\n');
  });

  it.each(['switch.copied', 'switch.host-files', 'switch.settled'])(
    'removes what an update that was killed after %s has left beside its files',
    async (point) => {
      await install('h', await image('plain', [file('opt/hostile/a')]));
      const next = await image('next', [file('opt/hostile/a', 'next\n'), file('etc/hostile-next')]);
      const killed = `ATOMIC_TEST_FAULT=${point}:kill`;
      expect((await box.sh(`${killed} atomic containers update --rebase=${next} h`)).exitCode).toBe(137);

      expect(await box.atomic('uninstall', 'h')).toMatchObject({ exitCode: 0, stderr: '' });

      expect((await box.sh('ls -d /opt/hostile /etc/hostile*')).stdout).toBe('');
      expect(await asides()).toBe('');
    },
  );
});

describe('a file of the host', () => {
  it('of another container is not removed with one that had the same earlier', async () => {
    await install('a', await image('one', [file('opt/hostile/a'), file('opt/hostile/b')]));
    await box.atomic('containers', 'update', `--rebase=${await image('two', [file('opt/hostile/b')])}`, 'a');
    await install('b', await image('one', [file('opt/hostile/a')]));

    await box.atomic('uninstall', 'a');

    expect((await box.sh('ls /opt/hostile')).stdout).toBe('a\n');
    await box.atomic('uninstall', 'b');
    expect((await box.sh('ls -d /opt/hostile')).exitCode).not.toBe(0);
  });

  it('is not written through a directory that has become a link, by a rollback', async () => {
    await install('a', await image('one', [file('opt/hostile/a')]));
    await box.atomic('containers', 'update', `--rebase=${await image('two', [file('etc/hostile')])}`, 'a');
    await box.sh(`rm -rf /opt/hostile; ln -s ${OUTSIDE} /opt/hostile`);

    const refused = await box.atomic('containers', 'rollback', 'a');

    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: 'cannot put /opt/hostile/a on the host: /opt/hostile is a symbolic link\n',
    });
    expect(await outside()).toBe(UNTOUCHED);
    expect((await box.sh('ls -d /etc/hostile')).exitCode).toBe(0);
  });

  it('may be brought by several images that are installed, updated and uninstalled in any order', async () => {
    const config = 'etc/hostile-kubernetes/config';
    const names = ['apiserver', 'kubelet', 'proxy'];
    const version = async (name: string, text: string) =>
      await image(name, [file(config, text), file(`etc/hostile-kubernetes/${name}`)]);
    for (const name of names)
      expect(await install(name, await version(name, '1'))).toMatchObject({ exitCode: 0, stderr: '' });

    for (const name of [...names].reverse()) {
      const next = `--rebase=${await version(name, '2')}`;
      expect(await box.atomic('containers', 'update', next, name)).toMatchObject({ exitCode: 0, stderr: '' });
    }

    expect(await box.file(`/${config}`)).toBe('2');
    for (const name of ['kubelet', 'apiserver', 'proxy']) {
      expect(await box.file(`/${config}`)).toBe('2');
      expect(await box.atomic('uninstall', name)).toMatchObject({ exitCode: 0, stderr: '' });
    }
    expect((await box.sh('ls -d /etc/hostile*')).stdout).toBe('');
  });
});
