/** Whether host files come in a package, and what of an image becomes one, with the real rpm, rpmbuild and dnf. */
import { beforeAll, describe, expect, it } from 'vitest';
import { FIRST_PACKAGED, hostFilesIn } from '../support/host-files.ts';
import { usePackagedImages } from '../support/packaged.ts';
import { buildRpm, makeRpmHost } from '../support/rpm-host.ts';
import { CONTAINERS, eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const { install, imageWith, packages, info, first } = usePackagedImages(box);

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
    const debug = await box.sh(`atomic --debug install --system --name=tool ${box.image(first)}`);
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
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
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

  it('no copies, and two containers with equal files share them in packages', async () => {
    await install('--system-package=no');
    expect(await info()).toMatchObject({ 'system-package': 'no', 'rpm-installed': null });
    expect(await packages()).toBe('');
    const argv = ['install', '--system', '--system-package=yes', '--name=second', box.image(first)];
    const refused = await box.atomic(...argv);
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/^File \S+ already exists: it belongs to 'tool'; /);
    await box.atomic('uninstall', 'tool');
    const image = await imageWith('shared', { files: [{ name: 'hostfs/opt/atomic-test/x', content: 'x' }] });
    for (const name of ['one', 'two']) await box.type(`atomic install --system --name=${name} ${image}`);
    await box.atomic('uninstall', 'one');
    expect(await hostFilesIn(box)).toEqual(['/opt/atomic-test d 755 0:0', '/opt/atomic-test/x f 755 0:0']);
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
    await box.type(`atomic install --system --name=tool ${box.image(first)}`);

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

    const failed = await box.atomic('install', '--system', '--system-package=yes', '--name=c', image);

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(failed.stderr).toContain("cannot install the package of 'c': ");
    expect(failed.stderr).toContain(says);
  });

  it('with another file of a package is named by rpm', async () => {
    const image = await imageWith('theirs', {
      files: [{ name: 'hostfs/usr/share/system', content: 'mine' }],
    });

    const failed = await box.atomic('install', '--system', '--system-package=yes', '--name=c', image);

    expect(failed.stderr).toMatch(
      /file \/usr\/share\/system from install of \S+ conflicts with file from package system/,
    );
    expect(await box.file('/usr/share/system')).toBe('1\n');
  });
});

describe('auto', () => {
  const SPEC = `Name: atomic-container-c\nVersion: 1\nRelease: 1\nSummary: own\nLicense: MIT\nBuildArch: noarch
%description\nown\n%post\ntouch /run/outside\n%files\n/opt/atomic-test\n`;
  const file = { name: 'hostfs/opt/atomic-test/x', content: 'x' };

  it.each([
    {
      what: 'requires what is not there',
      image: { labels: { 'atomic.requires': 'nowhere' } },
      says: 'nowhere is needed by',
    },
    {
      what: 'runs scripts',
      image: { files: [file, { name: 'rpm.spec', content: SPEC }] },
      says: 'runs scripts as root',
    },
    {
      what: 'cannot be made',
      image: { files: [file, { name: 'rpm.spec', content: 'no spec file' }] },
      says: 'rpmbuild could not make the package',
    },
    {
      what: 'has a file of a package',
      image: { files: [file, { name: 'hostfs/usr/share/system', content: 'mine' }] },
      says: 'conflicts with file from package system',
    },
  ])('copies, with one note, where a package $what', async ({ image, says }) => {
    const source = await imageWith('auto', { files: [file], ...image });

    const installed = await box.atomic('install', '--system', '--name=c', source);

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    const notes = installed.stdout.split('\n').filter((line) => line.startsWith('Host files are copied'));
    expect(notes).toEqual([expect.stringContaining(says)]);
    expect(await hostFilesIn(box)).toEqual(['/opt/atomic-test d 755 0:0', '/opt/atomic-test/x f 755 0:0']);
    expect(await info('c')).toMatchObject({ 'system-package': 'no', 'rpm-installed': null });
    expect((await box.sh(`cat /run/outside; ls ${CONTAINERS}/c.0/*rpm*`)).stdout).toBe('');
    expect(await box.file('/usr/share/system')).toBe('1\n');
    expect(await packages()).toBe('');
  });

  it('leaves a file that is in the way as it is, and yes refuses it before anything is touched', async () => {
    await box.type('mkdir /opt/atomic-test && echo theirs > /opt/atomic-test/owned');

    const refused = await install('--system-package=yes');
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/^File \/opt\/atomic-test\/owned already exists; /);
    expect(await tracesIn(box)).toBe('');
    const installed = await install();

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).toContain('File /opt/atomic-test/owned already exists\n');
    expect(await box.file('/opt/atomic-test/owned')).toBe('theirs\n');
    expect(await box.file('/usr/local/bin/renamed-tool')).toBe('#!/bin/sh\necho tool 1\n');
    await box.atomic('uninstall', 'tool');
    await box.type('rm -r /opt/atomic-test');
  });

  it('fails, as yes does, for a package that must not be on this host', async () => {
    const labels = { 'atomic.conflicts': 'system' };
    const image = await imageWith('conflict', { files: [file], labels });

    const failed = await box.atomic('install', '--system', '--name=c', image);

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toContain('system conflicts with atomic-container-c');
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
      'axb',
      'a.b',
      'é',
      '\\',
    ];
    const modes = [0o755, 0o600, 0o4711];
    const modeOf = (name: string) => modes[names.indexOf(name) % modes.length] ?? 0;
    const files = names.map((name) => ({
      name: `hostfs/opt/atomic-test/${name}`,
      content: name,
      mode: modeOf(name),
    }));
    const image = await imageWith('names', { files });

    await box.type(`atomic install --system --system-package=yes --name=c ${image}`);

    const listed = await box.sh(
      'cd /opt/atomic-test && for f in *; do [ "$(cat "$f")" = "$f" ] && echo "$f"; done',
    );
    expect(listed.stdout.split('\n').filter(Boolean).sort()).toEqual([...names].sort());
    const found = await box.type("stat --printf '%a %n\\n' /opt/atomic-test/*");
    expect(found.trimEnd().split('\n').sort()).toEqual(
      names.map((name) => `${modeOf(name).toString(8)} /opt/atomic-test/${name}`).sort(),
    );
    await box.atomic('uninstall', 'c');
    const refused = await imageWith('break', {
      files: [{ name: 'hostfs/opt/atomic-test/a\nb', content: '' }],
    });
    const argv = ['install', '--system', '--system-package=yes', '--name=c'];
    const { exitCode, stderr } = await box.atomic(...argv, refused);
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
    expect(await hostFilesIn(box)).toEqual(['/opt/atomic-test d 755 0:0', '/opt/atomic-test/x f 644 0:0']);
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

  it('may have scripts, triggers, and programs as scripts only when somebody says yes', async () => {
    const kinds = [
      '%post\ntouch /run/outside',
      '%triggerin -- system\ntouch /run/outside',
      '%postun -p /sbin/ldconfig',
    ];
    const images: string[] = [];
    for (const [index, more] of kinds.entries()) {
      const container = { name: 'container.rpm', content: await readyPackage('ready-two', more) };
      const file = { name: 'hostfs/opt/atomic-test/x', content: 'x' };
      images.push(await imageWith(`scripts-${index}`, { files: [container, file] }));
    }

    const copied = await Promise.all(
      images.map(async (image, index) => await box.atomic('install', '--system', `--name=c${index}`, image)),
    );

    for (const [index, outcome] of copied.entries()) {
      const says = `the package that the image brings for 'c${index}' runs scripts as root`;
      expect(outcome).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(says) });
    }
    expect(await packages()).toBe('');
    expect((await box.sh('ls /run/outside')).stdout).toBe('');
    await box.type('for c in c0 c1 c2; do atomic uninstall $c; done');
    await box.type(`atomic install --system --system-package=yes --name=c ${images[0]}`);
    expect(await packages()).toBe('ready-two 4\n');
    await box.type('rm /run/outside');
  });

  it('cannot take the name of one of the host', async () => {
    const content = await readyPackage('system');
    const image = await imageWith('system', { files: [{ name: 'container.rpm', content }] });

    const refused = await box.atomic('install', '--system', '--system-package=yes', '--name=c', image);

    expect(refused).toMatchObject({ exitCode: 1 });
    expect((await box.sh('rpm -q system')).stdout).toBe('system-1-1.noarch\n');
  });
});

describe('build', () => {
  it('makes a package of a whole container, which is listed, runs, and goes as a package', async () => {
    await box.type(`mkdir -p /root/built && rm -rf /root/built/*`);
    const argv = `atomic install --system --system-package=build --name=tool --set=RECEIVER=Ann`;

    const said = await box.type(`cd /root/built && ${argv} ${box.image(first)}`);

    expect(said).toContain('\nGenerated rpm /root/built/atomic-container-tool.rpm\n');
    expect(await tracesIn(box)).toBe('');
    await box.type('dnf install -C -y /root/built/atomic-container-tool.rpm && systemctl daemon-reload');
    const listed = await box.type('atomic containers list -a --json');
    expect(JSON.parse(listed)).toMatchObject([{ name: 'tool', state: 'inactive' }]);
    expect(await box.file('/usr/lib/tmpfiles.d/tool.conf')).toBeTruthy();
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
    await box.type('systemd-tmpfiles --create /usr/lib/tmpfiles.d/tool.conf; atomic run tool');
    await eventually(box, 'curl -sf localhost:8081 | grep "Hi Ann"');
    const refused = await box.atomic('containers', 'update', 'tool');
    expect(refused.stderr).toMatch(/^Cannot update a preinstalled container; /);
    const again = await box.atomic('install', '--system', '--name=tool', box.image(first));
    expect(again).toMatchObject({ exitCode: 0, stdout: 'tool already present\n' });

    const removed = await box.atomic('uninstall', 'tool');

    expect(removed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(removed.stdout).toContain('dnf remove -y atomic-container-tool\n');
    expect((await box.sh('ls -d /usr/lib/containers; systemctl is-active tool; runc list -q')).stdout).toBe(
      'inactive\n',
    );
  });
});
