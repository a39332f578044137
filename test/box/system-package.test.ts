import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { faulty } from '../faults/points.ts';
import { type HostileImages, hostileImages } from '../support/hostile-image.ts';
import { publish } from '../support/publish.ts';
import { buildRpm, makeRpmHost } from '../support/rpm-host.ts';
import type { Entry } from '../support/tar-writer.ts';
import { CONTAINERS, eventually, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';

const box = useBox();
const IMAGE = 'packaged';
let images: HostileImages;

/** Every package but that of the host, with what tells builds apart. */
const packages = async () =>
  (await box.sh("rpm -qa --qf '%{NAME} %{VERSION}\\n' | grep -v '^system ' | sort")).stdout;
/** Host files, with mode, owner and who has them; and what is left of packages. */
const onHost = async () =>
  (
    await box.sh(`find /etc/atomic-test.conf* /opt/atomic-test /usr/local/bin/*tool /var/tmp/.atomic-package* \
      -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sed 's/ $//' | sort`)
  ).stdout
    .split('\n')
    .filter(Boolean);
const info = async (name = 'tool') => JSON.parse(await box.file(`${CONTAINERS}/${name}/info`));
const scratch = async () => (await box.sh('ls -A /var/tmp | grep atomic-package')).stdout;

/** As the image has them, but that all are root's. */
const FIRST = [
  '/etc/atomic-test.conf f 644 0:0',
  '/opt/atomic-test d 755 0:0',
  '/opt/atomic-test/broken l 777 0:0 /nowhere/at/all',
  '/opt/atomic-test/dropped f 644 0:0',
  '/opt/atomic-test/empty d 755 0:0',
  '/opt/atomic-test/moved d 755 0:0',
  '/opt/atomic-test/moved/one f 644 0:0',
  '/opt/atomic-test/owned f 644 0:0',
  '/opt/atomic-test/relative l 777 0:0 owned',
  '/opt/atomic-test/to-folder l 777 0:0 /etc',
  '/usr/local/bin/renamed-tool f 750 0:0',
];
const SECOND = [
  '/etc/atomic-test.conf f 644 0:0',
  '/opt/atomic-test d 755 0:0',
  '/opt/atomic-test/added f 644 0:0',
  '/usr/local/bin/renamed-tool f 755 0:0',
];

const install = async (...options: readonly string[]) => {
  await publish('host-files', IMAGE);
  await box.atomic('pull', box.image(IMAGE));
  return await box.atomic('install', '--system', '--name=tool', ...options, box.image(IMAGE));
};
const update = async (fixture: string, ...options: readonly string[]) => {
  await publish(fixture, IMAGE);
  await box.atomic('pull', box.image(IMAGE));
  return await box.atomic('containers', 'update', ...options, 'tool');
};

/** An image without a service, which has only what is given here below /exports. */
async function imageWith(
  name: string,
  { files, labels = {} }: { files: readonly Entry[]; labels?: Record<string, string> },
): Promise<string> {
  const folders = [...new Set(files.flatMap((file) => parents(`exports/${file.name}`)))].sort();
  const layer: readonly Entry[] = [
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
  return `oci:${await images.write(name, { layers: [layer], labels })}`;
}

function parents(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

beforeAll(async () => {
  images = await hostileImages();
});
afterAll(async () => {
  await images[Symbol.asyncDispose]();
});
afterEach(async () => {
  await uninstallAll(box);
  expect({ traces: await tracesIn(box), host: await onHost(), packages: await packages() }).toEqual({
    traces: '',
    host: [],
    packages: '',
  });
  expect(await scratch()).toBe('');
});

describe('on a host without RPM packages', () => {
  it('auto copies host files, though rpm is installed, and leaves no database behind', async () => {
    const installed = await box.sh('rm -rf /root/.rpmdb');
    expect(installed.exitCode).toBe(0);

    const { stdout, stderr } = await install();

    expect(stderr).toBe('');
    expect(stdout).toContain('Created file /usr/local/bin/renamed-tool\n');
    expect(await info()).toMatchObject({ 'system-package': 'no', 'rpm-installed': null });
    expect((await box.sh('ls -d /root/.rpmdb')).exitCode).not.toBe(0);
    await box.atomic('uninstall', 'tool');
    const debug = await box.sh(`atomic --debug install --system --name=tool ${box.image(IMAGE)}`);
    expect(debug.stderr).toContain('host files are copied');
  });
});

describe('on a host with RPM packages', () => {
  beforeAll(async () => {
    await makeRpmHost(box);
  });

  it('auto makes a package of host files, and the container takes it along', async () => {
    const installed = await install('--set=RECEIVER=Jerry');

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    const file = `${CONTAINERS}/tool.0/atomic-container-tool.rpm`;
    expect(installed.stdout).toContain(`\ndnf install -C -y ${file}\n`);
    expect(installed.stdout).not.toContain('Created file');
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await onHost()).toEqual(FIRST);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=Jerry\n');
    expect(await box.file('/usr/local/bin/renamed-tool')).toBe('#!/bin/sh\necho tool 1\n');
    expect(await info()).toMatchObject({
      'system-package': 'yes',
      'rpm-installed': 'atomic-container-tool.rpm',
      'installed-files': [],
      'package-scripts': false,
    });
    expect((await box.sh(`ls ${CONTAINERS}/tool.0`)).stdout).toBe(
      'atomic-container-tool.rpm\nconfig.json\ninfo\nrootfs\ntmpfiles-tool.conf\ntool.service\n',
    );
    expect((await box.sh('rpm -qc atomic-container-tool')).stdout).toBe('/etc/atomic-test.conf\n');
    expect((await box.sh('rpm -qf /etc /usr/local/bin')).stdout).toBe(
      'system-1-1.noarch\nsystem-1-1.noarch\n',
    );
    expect((await box.sh('rpm -V atomic-container-tool')).stdout).toBe('');
    const removed = await box.atomic('uninstall', 'tool');
    expect(removed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(removed.stdout).toContain('\ndnf remove -y atomic-container-tool\n');
  });

  it('an update and a rollback of a running service exchange it', async () => {
    await install();
    await box.atomic('run', 'tool');

    expect(await update('host-files-2', '--set=RECEIVER=x')).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await packages()).toBe('atomic-container-tool 1\n');
    expect(await onHost()).toEqual(SECOND);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=x\nversion=2\n');
    expect(await box.isActive('tool')).toBe(true);
    expect(await box.atomic('containers', 'rollback', 'tool')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await onHost()).toEqual(FIRST);
    await box.atomic('containers', 'rollback', 'tool');
    expect(await onHost()).toEqual(SECOND);
    await eventually(box, 'curl -sf localhost:8081 | grep "Hi x"');
  });

  it('a configuration file that somebody has changed stays', async () => {
    await install();
    await box.sh('echo mine > /etc/atomic-test.conf');

    expect(await update('host-files-2')).toMatchObject({ exitCode: 0 });

    expect(await box.file('/etc/atomic-test.conf')).toBe('mine\n');
    await box.atomic('uninstall', 'tool');
    expect(await box.file('/etc/atomic-test.conf.rpmsave')).toBe('mine\n');
    await box.sh('rm /etc/atomic-test.conf.rpm*');
  });

  it('a deployment that does not start takes its package back with it', async () => {
    await install();
    await box.atomic('run', 'tool');

    const failed = await box.atomic('containers', 'update', `--rebase=${box.image('never-starts')}`, 'tool');

    expect(failed.exitCode).not.toBe(0);
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await onHost()).toEqual(FIRST);
    expect(await box.isActive('tool')).toBe(true);
  });

  it('no copies, and two containers with equal files share them in packages', async () => {
    await install('--system-package=no');
    expect(await info()).toMatchObject({ 'system-package': 'no', 'rpm-installed': null });
    expect(await packages()).toBe('');
    const refused = await box.atomic('install', '--system', '--name=second', box.image(IMAGE));
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/^File \S+ already exists: it belongs to 'tool'; /);
    await box.atomic('uninstall', 'tool');
    const image = await imageWith('shared', { files: [{ name: 'hostfs/opt/atomic-test/x', content: 'x' }] });
    for (const name of ['one', 'two']) await box.type(`atomic install --system --name=${name} ${image}`);
    await box.atomic('uninstall', 'one');
    expect(await onHost()).toEqual(['/opt/atomic-test d 755 0:0', '/opt/atomic-test/x f 755 0:0']);
  });
});

describe('on a host', () => {
  it('without dnf and yum, rpm does it', async () => {
    await box.type('mv /usr/bin/dnf /usr/bin/dnf.away');

    const installed = await install();
    const removed = await box.atomic('uninstall', 'tool');

    await box.type('mv /usr/bin/dnf.away /usr/bin/dnf');
    expect(installed.stdout).toContain(`\nrpm -U ${CONTAINERS}/tool.0/atomic-container-tool.rpm\n`);
    expect(removed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(removed.stdout).toContain('\nrpm -e atomic-container-tool\n');
  });

  it('whose repositories dnf knows nothing of, the package is installed all the same', async () => {
    const repository = '[far]\nname=far\nbaseurl=http://127.0.0.1:1/\nskip_if_unavailable=0\n';
    await box.type(`mkdir -p /etc/yum.repos.d && printf '${repository}' > /etc/yum.repos.d/far.repo`);

    expect(await install()).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await packages()).toBe('atomic-container-tool 0\n');
    await box.atomic('uninstall', 'tool');
    await box.type('rm -r /etc/yum.repos.d');
  });

  it('of OSTree, packages are refused, and auto copies', async () => {
    await box.type('touch /run/ostree-booted');

    const refused = await install('--system-package=yes');
    await box.type(`atomic install --system --name=tool ${box.image(IMAGE)}`);

    await box.type('rm /run/ostree-booted');
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/^This doesn't work on Atomic Host yet; /);
    expect(await info()).toMatchObject({ 'system-package': 'no' });
  });

  it('without rpmbuild, yes says what to install', async () => {
    await box.type('mv /usr/bin/rpmbuild /usr/bin/rpmbuild.away');

    const refused = await install('--system-package=yes');

    await box.type('mv /usr/bin/rpmbuild.away /usr/bin/rpmbuild');
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/^cannot make the package of 'tool': rpmbuild is not installed; /);
  });
});

describe('a conflict', () => {
  const stateNow = async () => [await packages(), await onHost(), await info(), await box.isActive('tool')];

  it('with a file that no package has fails before anything is stopped', async () => {
    await install();
    await box.atomic('run', 'tool');
    const state = await stateNow();
    const started = await box.type('systemctl show -P ActiveEnterTimestampMonotonic tool');
    await box.sh('echo theirs > /opt/atomic-test/added');

    const failed = await update('host-files-2');

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toMatch(/^File \/opt\/atomic-test\/added already exists; /);
    expect(await box.file('/opt/atomic-test/added')).toBe('theirs\n');
    await box.sh('rm /opt/atomic-test/added');
    expect(await stateNow()).toEqual(state);
    expect(await box.type('systemctl show -P ActiveEnterTimestampMonotonic tool')).toBe(started);
  });

  it.each([
    {
      what: 'what is not there',
      labels: { 'atomic.requires': 'nowhere >= 2' },
      says: 'nowhere >= 2 is needed',
    },
    { what: 'a package', labels: { 'atomic.conflicts': 'system' }, says: 'system conflicts' },
    {
      what: 'an old version',
      labels: { 'atomic.requires': 'libsystem > 1.5' },
      says: 'libsystem > 1.5 is needed',
    },
  ])('of the labels with $what leaves nothing', async ({ labels, says }) => {
    const image = await imageWith('labels', {
      files: [{ name: 'hostfs/opt/atomic-test/x', content: 'x' }],
      labels,
    });

    const failed = await box.atomic('install', '--system', '--name=c', image);

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(failed.stderr).toContain("cannot install the package of 'c': ");
    expect(failed.stderr).toContain(says);
  });

  it('with another file of a package is named by rpm', async () => {
    const image = await imageWith('theirs', {
      files: [{ name: 'hostfs/usr/share/system', content: 'mine' }],
    });

    const failed = await box.atomic('install', '--system', '--name=c', image);

    expect(failed.stderr).toMatch(
      /file \/usr\/share\/system from install of \S+ conflicts with file from package system/,
    );
    expect(await box.file('/usr/share/system')).toBe('1\n');
  });
});

describe('what an image says of its package', () => {
  it('is in the package', async () => {
    const labels = {
      'atomic.summary': '100% of %{lua:x}',
      'atomic.version': '3.2',
      'atomic.release': '1',
      'atomic.license': 'MIT',
      'atomic.url': 'https://example.org',
      'atomic.description': 'Line\n%post\ntouch /run/outside',
      'atomic.requires': 'libsystem >= 1.5',
      'atomic.provides': 'greeting = 2',
    };
    const image = await imageWith('labels', {
      files: [{ name: 'hostfs/opt/atomic-test/x', content: 'x' }],
      labels,
    });

    await box.type(`atomic install --system --system-package=yes --name=c ${image}`);

    const format = '%{VERSION} %{RELEASE} %{LICENSE} %{URL} %{SUMMARY} %{DESCRIPTION} %{ARCH}';
    expect((await box.run(['rpm', '-q', '--qf', format, 'atomic-container-c'])).stdout).toBe(
      '3.2 1 MIT https://example.org 100% of %{lua:x} Line %post touch /run/outside noarch',
    );
    expect(
      (await box.sh('rpm -q --requires atomic-container-c; rpm -q --whatprovides greeting')).stdout,
    ).toMatch(/^libsystem >= 1\.5\n(.+\n)*atomic-container-c-3\.2-1\.noarch\n$/);
    expect((await box.sh('rpm -q --scripts atomic-container-c; ls /run/outside')).stdout).toBe('');
  });

  it('and the names of its files are never run', async () => {
    const names = [
      '%(touch ..run..outside)',
      '%{lua:os.execute("touch x")}',
      'a b',
      '"q"',
      '[x]*{y,z}',
      'é',
      '\\',
    ];
    const files = names.map((name) => ({ name: `hostfs/opt/atomic-test/${name}`, content: name }));
    const image = await imageWith('names', { files });

    await box.type(`atomic install --system --name=c ${image}`);

    const listed = await box.sh(
      'cd /opt/atomic-test && for f in *; do [ "$(cat "$f")" = "$f" ] && echo "$f"; done',
    );
    expect(listed.stdout.split('\n').filter(Boolean).sort()).toEqual([...names].sort());
    await box.atomic('uninstall', 'c');
    const refused = await imageWith('break', {
      files: [{ name: 'hostfs/opt/atomic-test/a\nb', content: '' }],
    });
    const { exitCode, stderr } = await box.atomic('install', '--system', '--name=c', refused);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 });
    expect(stderr).toMatch(
      /^cannot put "\/opt\/atomic-test\/a\\nb" into a package: it has a control character; /,
    );
  });
});

describe('a spec file of an image', () => {
  const SPEC = (head = '', tail = '') =>
    `Name: atomic-container-$NAME\nVersion: $V\nRelease: 1\nSummary: own\nLicense: MIT\nBuildArch: noarch\n${head}
%description\nown\n${tail}\n%files\n/opt/atomic-test\n`;
  const file = { name: 'hostfs/opt/atomic-test/x', content: 'x', mode: 0o644 };

  it('is filled in, and makes the package', async () => {
    const image = await imageWith('spec', { files: [file, { name: 'rpm.spec.template', content: SPEC() }] });

    await box.type(`atomic install --system --name=c --set=V=9 ${image}`);

    expect(await packages()).toBe('atomic-container-c 9\n');
    expect(await onHost()).toEqual(['/opt/atomic-test d 755 0:0', '/opt/atomic-test/x f 644 0:0']);
    expect(await box.file(`${CONTAINERS}/c/rpm.spec`)).toContain('Name: atomic-container-c\nVersion: 9\n');
  });

  it('is run by nobody who could do harm', async () => {
    await box.type('echo secret > /run/secret && chmod 600 /run/secret && rm -f /usr/local/bin/atomic-harm');
    const harm = [
      'set +e; echo "$(id -u) $(cat /run/secret)" > %{buildroot}/opt/atomic-test/seen 2>&1',
      'touch /etc/harm /usr/local/bin/harm /var/lib/containers/harm',
      'tail -n +3 /proc/net/dev | cut -d: -f1 > %{buildroot}/opt/atomic-test/net',
      'true',
    ].join('\n');
    const head = '%global x %(touch /etc/harm; touch /run/harm)\n';
    const spec = SPEC(head, `%install\n${harm}\n`).replaceAll('$(', '$$(');
    const image = await imageWith('harm', {
      files: [
        file,
        { name: 'rpm.spec', content: spec.replaceAll('$$', '$').replace('$NAME', 'c').replace('$V', '1') },
      ],
    });

    const installed = await box.atomic('install', '--system', '--name=c', image);

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.sh('ls /etc/harm /run/harm /usr/local/bin/harm /var/lib/containers/harm')).stdout).toBe(
      '',
    );
    const seen = await box.sh('cat /opt/atomic-test/seen /opt/atomic-test/net');
    expect(seen.stdout).not.toContain('secret\n');
    expect(seen.stdout).toMatch(/^\d{10} \n +lo\n$/);
  });
});

/** A package with one file and, perhaps, more in its spec file; as bytes. */
async function readyPackage(name: string, more = ''): Promise<Buffer> {
  const spec = `Name: ${name}\nVersion: 4\nRelease: 1\nSummary: ready\nLicense: MIT\nBuildArch: noarch\n
%description\nready\n${more}\n%files\n%dir /opt/atomic-test\n/opt/atomic-test/ready\n`;
  await box.type('mkdir -p /root/ready/opt/atomic-test && echo ready > /root/ready/opt/atomic-test/ready');
  await buildRpm(box, { name, spec, root: '/root/ready' });
  return Buffer.from(await box.type(`base64 -w0 /root/rpms/${name}.rpm`), 'base64');
}

describe('a package that an image brings ready', () => {
  it('is installed as it is, and removed', async () => {
    const content = await readyPackage('ready-one');
    const image = await imageWith('ready', { files: [{ name: 'container.rpm', content }] });

    await box.type(`atomic install --system --system-package=yes --name=c ${image}`);

    expect(await packages()).toBe('ready-one 4\n');
    expect(await box.file('/opt/atomic-test/ready')).toBe('ready\n');
    const second = await box.atomic('install', '--system', '--system-package=yes', '--name=d', image);
    expect(second.stderr).toMatch(/^cannot install the package of 'd': a package ready-one is installed, /);
  });

  it.each([
    { what: 'scripts', more: '%post\ntouch /run/outside', says: 'runs scripts as root' },
    { what: 'triggers', more: '%triggerin -- system\ntouch /run/outside', says: 'runs scripts as root' },
    { what: 'a program as script', more: '%postun -p /sbin/ldconfig', says: 'runs scripts as root' },
  ])('may have $what only when somebody says yes', async ({ more, says }) => {
    const content = await readyPackage('ready-two', more);
    const files = [
      { name: 'container.rpm', content },
      { name: 'hostfs/opt/atomic-test/x', content: 'x' },
    ];
    const image = await imageWith('scripts', { files });

    const refused = await box.atomic('install', '--system', '--name=c', image);

    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toContain(`the package that the image brings for 'c' ${says}`);
    expect((await box.sh('ls /run/outside')).stdout).toBe('');
    await box.type(`atomic install --system --system-package=yes --name=c ${image}`);
    expect(await packages()).toBe('ready-two 4\n');
    await box.sh('rm -f /run/outside');
  });

  it('cannot take the name of one of the host', async () => {
    const content = await readyPackage('system');
    const image = await imageWith('system', { files: [{ name: 'container.rpm', content }] });

    const refused = await box.atomic('install', '--system', '--system-package=yes', '--name=c', image);

    expect(refused).toMatchObject({ exitCode: 1 });
    expect((await box.sh('rpm -q system')).stdout).toBe('system-1-1.noarch\n');
  });
});

describe('after a kill or a fault', () => {
  const moving = [
    'prepare.packaged',
    'switch.host-files',
    'switch.package',
    'switch.linked',
    'switch.synced',
  ] as const;

  it.each([
    ...moving.map((point) => ({ point, kind: 'kill' }) as const),
    { point: 'switch.package', kind: 'EIO' } as const,
    { point: 'switch.linked', kind: 'EIO' } as const,
  ])('an update has wholly the old or the new package: $kind at $point', async (fault) => {
    await install();
    await box.atomic('run', 'tool');
    await publish('host-files-2', IMAGE);
    await box.atomic('pull', box.image(IMAGE));

    const failed = await faulty(box, ['atomic', 'containers', 'update', 'tool'], fault);

    expect(failed.exitCode).not.toBe(0);
    expect(await box.atomic('run', 'tool')).toMatchObject({ exitCode: 0 });
    const isNew = (await box.sh(`readlink ${CONTAINERS}/tool`)).stdout.endsWith('.1\n');
    expect(isNew).toBe(fault.kind === 'kill' && ['switch.linked', 'switch.synced'].includes(fault.point));
    expect(await packages()).toBe(`atomic-container-tool ${isNew ? 1 : 0}\n`);
    expect(await onHost()).toEqual(isNew ? SECOND : FIRST);
    expect((await box.sh('rpm -V atomic-container-tool')).stdout).toBe('');
  });

  it('a recovery that cannot put the package back starts what ran, and names what is in the way', async () => {
    await install();
    await box.atomic('run', 'tool');
    await publish('host-files-2', IMAGE);
    await box.atomic('pull', box.image(IMAGE));
    const fault = { point: 'switch.linked', kind: 'kill' } as const;
    await faulty(box, ['atomic', 'containers', 'update', 'tool'], fault);
    const file = `${CONTAINERS}/tool.1/atomic-container-tool.rpm`;
    await box.type(`cp ${file} /run/whole.rpm && truncate --size=100 ${file}`);

    const failed = await box.atomic('run', 'tool');
    const isActive = await box.isActive('tool');
    await box.type(`mv /run/whole.rpm ${file}`);

    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toContain(file);
    expect(isActive).toBe(true);
    expect(await box.atomic('run', 'tool')).toMatchObject({ exitCode: 0 });
  });

  it('of atomic while dnf works, the next command waits for dnf', async () => {
    await install();
    await box.atomic('run', 'tool');
    await publish('host-files-2', IMAGE);
    await box.atomic('pull', box.image(IMAGE));
    await box.sh(
      `atomic containers update tool & p=$!; until pgrep -f '[d]nf install' > /dev/null; do :; done; kill -9 $p; wait $p`,
    );

    expect(await box.atomic('run', 'tool')).toMatchObject({ exitCode: 0 });

    expect((await box.sh("pgrep -f '[d]nf install'")).stdout).toBe('');
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await onHost()).toEqual(FIRST);
    expect((await box.sh('rpm -V atomic-container-tool')).stdout).toBe('');
  });

  it('what rpm had written without recording it goes, and its configuration comes back', async () => {
    await install();
    await publish('host-files-2', IMAGE);
    await box.atomic('pull', box.image(IMAGE));
    await faulty(box, ['atomic', 'containers', 'update', 'tool'], {
      point: 'switch.host-files',
      kind: 'kill',
    });
    await box.type(
      `cd / && rpm2cpio ${CONTAINERS}/tool.1/atomic-container-tool.rpm | cpio -idu --quiet && touch '/opt/atomic-test/added;0a1b2c3d'`,
    );
    expect(await box.file('/etc/atomic-test.conf')).toContain('version=2');

    await box.atomic('stop', 'tool');

    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await onHost()).toEqual(FIRST);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=World\n');
  });

  it.each(['switch.host-files', 'switch.package', 'switch.linked'] as const)(
    'an install that was killed at %s is removed, or finished, with its package',
    async (point) => {
      await install();
      await box.atomic('uninstall', 'tool');
      await faulty(box, ['atomic', 'install', '--system', '--name=tool', box.image(IMAGE)], {
        point,
        kind: 'kill',
      });

      expect(await box.atomic('install', '--system', '--name=tool', box.image(IMAGE))).toMatchObject({
        exitCode: 0,
      });

      expect(await packages()).toBe('atomic-container-tool 0\n');
      expect(await onHost()).toEqual(FIRST);
    },
  );

  it.each([
    { point: 'remove.host-files', kind: 'kill' } as const,
    { point: 'remove.package', kind: 'kill' } as const,
    { point: 'remove.package', kind: 'EIO' } as const,
  ])('an uninstall goes on: $kind at $point', async (fault) => {
    await install();

    await faulty(box, ['atomic', 'uninstall', 'tool'], fault);

    expect(await box.atomic('uninstall', 'tool')).toMatchObject({ exitCode: 0 });
    expect(await packages()).toBe('');
  });
});

describe('a container of the Python tool with a package', () => {
  it('is updated, rolled back and uninstalled, package included', async () => {
    await install();
    await box.type(
      `cd ${CONTAINERS}/tool.0 && jq 'del(."set-values", ."installed-files-links", ."created-folders", ."package-scripts")' info > new && mv new info`,
    );

    expect(await update('host-files-2')).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await onHost()).toEqual(SECOND);
    await box.type('atomic containers rollback tool');
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await onHost()).toEqual(FIRST);
  });
});

describe('build', () => {
  it('makes a package of a whole container, which is listed, runs, and goes as a package', async () => {
    await publish('host-files', IMAGE);
    await box.type(`atomic pull ${box.image(IMAGE)}`);
    await box.type(`mkdir -p /root/built && rm -rf /root/built/*`);
    const argv = `atomic install --system --system-package=build --name=tool --set=RECEIVER=Ann`;

    const said = await box.type(`cd /root/built && ${argv} ${box.image(IMAGE)}`);

    expect(said).toContain('\nGenerated rpm /root/built/atomic-container-tool.rpm\n');
    expect(await tracesIn(box)).toBe('');
    await box.type('dnf install -C -y /root/built/atomic-container-tool.rpm && systemctl daemon-reload');
    const listed = await box.type('atomic containers list -a --json');
    expect(JSON.parse(listed)).toMatchObject([{ name: 'tool', state: 'inactive' }]);
    expect(await box.file('/usr/lib/tmpfiles.d/tool.conf')).toBeTruthy();
    expect(await onHost()).toEqual(FIRST);
    await box.type('systemd-tmpfiles --create /usr/lib/tmpfiles.d/tool.conf; atomic run tool');
    await eventually(box, 'curl -sf localhost:8081 | grep "Hi Ann"');
    const refused = await box.atomic('containers', 'update', 'tool');
    expect(refused.stderr).toMatch(/^Cannot update a preinstalled container; /);
    const again = await box.atomic('install', '--system', '--name=tool', box.image(IMAGE));
    expect(again).toMatchObject({ exitCode: 0, stdout: 'tool already present\n' });

    const removed = await box.atomic('uninstall', 'tool');

    expect(removed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(removed.stdout).toContain('dnf remove -y atomic-container-tool\n');
    expect((await box.sh('ls -d /usr/lib/containers; systemctl is-active tool; runc list -q')).stdout).toBe(
      'inactive\n',
    );
  });
});
