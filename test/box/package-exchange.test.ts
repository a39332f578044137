/** Packages of containers that change: updates, rollbacks and removals, and what becomes of them after kills and faults. */
import { beforeAll, describe, expect, it } from 'vitest';
import { faulty } from '../faults/points.ts';
import { FIRST_PACKAGED, hostFilesIn, SECOND_PACKAGED } from '../support/host-files.ts';
import { usePackagedImages } from '../support/packaged.ts';
import { buildRpm, makeRpmHost } from '../support/rpm-host.ts';
import { CONTAINERS, eventually, useBox } from '../support/test-box.ts';

const box = useBox();
const { install, update, updateArgv, imageWith, packages, info, first, second } = usePackagedImages(box);

beforeAll(async () => {
  await makeRpmHost(box);
});

describe('the package of a container', () => {
  it('an update and a rollback of a running service exchange it', async () => {
    await install();
    await box.atomic('run', 'tool');

    expect(await update('--set=RECEIVER=x')).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await packages()).toBe('atomic-container-tool 1\n');
    expect(await hostFilesIn(box)).toEqual(SECOND_PACKAGED);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=x\nversion=2\n');
    expect(await box.isActive('tool')).toBe(true);
    expect(await box.atomic('containers', 'rollback', 'tool')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
    await box.atomic('containers', 'rollback', 'tool');
    expect(await hostFilesIn(box)).toEqual(SECOND_PACKAGED);
    await eventually(box, 'curl -sf localhost:8081 | grep "Hi x"');
  });

  it('a configuration file that somebody has changed stays', async () => {
    await install();
    await box.sh('echo mine > /etc/atomic-test.conf');

    expect(await update()).toMatchObject({ exitCode: 0 });

    expect(await box.file('/etc/atomic-test.conf')).toBe('mine\n');
    await box.atomic('uninstall', 'tool');
    expect(await box.file('/etc/atomic-test.conf.rpmsave')).toBe('mine\n');
    await box.sh('rm /etc/atomic-test.conf.rpm*');
  });

  it('a deployment that does not start takes its package back with it, and configuration that it had', async () => {
    await install();
    await box.atomic('run', 'tool');
    const configuration = '/etc/atomic-test.conf';
    await box.type(
      `echo mine > ${configuration} && chmod 600 ${configuration} && chown 12:34 ${configuration}`,
    );

    const failed = await box.atomic('containers', 'update', `--rebase=${box.image('never-starts')}`, 'tool');

    expect(failed.exitCode).not.toBe(0);
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await box.file(configuration)).toBe('mine\n');
    expect(await hostFilesIn(box)).toEqual(EDITED);
    expect(await box.isActive('tool')).toBe(true);
    await box.type(`rm ${configuration}`);
  });

  it('is told from another build of the same version, though old versions of rpm sign no header', async () => {
    const images: string[] = [];
    for (const build of ['one', 'two']) {
      const content = await oldPackage(build);
      images.push(await imageWith(`old-${build}`, { files: [{ name: 'container.rpm', content }] }));
    }
    await box.type(`atomic install --system --system-package=yes --name=c ${images[0]}`);
    expect(await box.file('/opt/atomic-test/build')).toBe('one\n');

    await box.type(`atomic containers update --rebase=${images[1]} c`);

    expect(await box.file('/opt/atomic-test/build')).toBe('two\n');
  });
});

/** What is left of the first image's files when somebody has made the configuration his. */
const EDITED = FIRST_PACKAGED.map((line) =>
  line.startsWith('/etc/atomic-test.conf') ? '/etc/atomic-test.conf f 600 12:34' : line,
);

/** A package as rpm made it before 4.14: the tag of the header's SHA-256 is one that nobody knows. */
async function oldPackage(build: string): Promise<Buffer> {
  const spec = `Name: old\nVersion: 1\nRelease: 1\nSummary: ${build}\nLicense: MIT\nBuildArch: noarch\n
%description\nold\n%files\n%dir /opt/atomic-test\n/opt/atomic-test/build\n`;
  const root = '/root/old-root';
  await box.type(`mkdir -p ${root}/opt/atomic-test && echo ${build} > ${root}/opt/atomic-test/build`);
  await buildRpm(box, { name: 'old', spec, root });
  const bytes = Buffer.from(await box.type('base64 -w0 /root/rpms/old.rpm'), 'base64');
  const entry = bytes.indexOf(Buffer.from('0000011100000006', 'hex'));
  bytes.writeUInt32BE(0x1ff, entry);
  return bytes;
}

describe('a file that no package has', () => {
  it('is found before the service is stopped for an update', async () => {
    await install();
    await box.atomic('run', 'tool');
    const stateNow = async () => [
      await packages(),
      await hostFilesIn(box),
      await info(),
      await box.type('systemctl show -p ActiveState,ActiveEnterTimestampMonotonic tool'),
    ];
    const state = await stateNow();
    await box.sh('echo theirs > /opt/atomic-test/added');

    const failed = await update();

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toMatch(/^File \/opt\/atomic-test\/added already exists; /);
    expect(await box.file('/opt/atomic-test/added')).toBe('theirs\n');
    await box.sh('rm /opt/atomic-test/added');
    expect(await stateNow()).toEqual(state);
  });
});

describe('packages that require that of a container', () => {
  /** As the configuration of a host that is managed with packages would be one. */
  const require = async (name: string) => {
    const spec = `Name: dependant\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\nRequires: ${name}\n
%description\nx\n%files\n`;
    await buildRpm(box, { name: 'dependant', spec });
    await box.type('rpm -U /root/rpms/dependant.rpm');
  };

  it('keep it from being uninstalled, or replaced by none', async () => {
    await install();
    await box.atomic('run', 'tool');
    await require('atomic-container-tool');

    const refused = await box.atomic('uninstall', 'tool');
    const update = await box.atomic('containers', 'update', `--rebase=${box.image('hello-world')}`, 'tool');

    const says =
      "cannot remove the package atomic-container-tool of 'tool': dependant-1-1.noarch requires it; remove that package first\n";
    expect(refused).toMatchObject({ exitCode: 1, stderr: says });
    expect(update).toMatchObject({ exitCode: 1, stderr: says });
    expect(await packages()).toBe('atomic-container-tool 0\ndependant 1\n');
    expect(await box.isActive('tool')).toBe(true);
    expect(await box.atomic('uninstall', '--display', 'tool')).toMatchObject({ exitCode: 1 });
    await box.type('rpm -e dependant');
  });

  it('stay when an install that was cut short is removed', async () => {
    await faulty(box, ['atomic', 'install', '--system', '--name=tool', box.image(first)], {
      point: 'switch.package',
      kind: 'kill',
    });
    await require('atomic-container-tool');

    const recovered = await box.sh('atomic containers recover');

    expect(recovered.stderr).toContain('dependant');
    expect(await packages()).toBe('atomic-container-tool 0\ndependant 1\n');
    await box.type('dnf remove -y atomic-container-tool');
    expect(await packages()).toBe('');
  });
});

describe('a broken container', () => {
  it('stays as it is when the package that would replace it cannot be installed', async () => {
    await install();
    await box.atomic('run', 'tool');
    await update();
    await box.type(`mv ${CONTAINERS}/tool.1 /var/tmp/lost-deployment`);
    const state = async () => [await packages(), await hostFilesIn(box), await box.isActive('tool')];
    const before = await state();
    const files = [{ name: 'hostfs/opt/atomic-test/x', content: 'x' }];
    const image = await imageWith('demanding', { files, labels: { 'atomic.requires': 'nowhere' } });

    const refused = await box.atomic('install', '--system', '--system-package=yes', '--name=tool', image);

    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toContain('nowhere is needed by');
    expect(await state()).toEqual(before);

    expect(await install()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
    expect(await box.isActive('tool')).toBe(true);
    await box.type('rm -r /var/tmp/lost-deployment');
  });

  it('of which a package is left is replaced by one', async () => {
    await install();
    await box.type(`rm ${CONTAINERS}/tool`);

    expect(await install()).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
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
    if (fault.point === 'switch.linked') await box.atomic('run', 'tool');

    const failed = await faulty(box, updateArgv, fault);

    expect(failed.exitCode).not.toBe(0);
    expect(await box.atomic('stop', 'tool')).toMatchObject({ exitCode: 0 });
    const isNew = (await box.sh(`readlink ${CONTAINERS}/tool`)).stdout.endsWith('.1\n');
    expect(isNew).toBe(fault.kind === 'kill' && ['switch.linked', 'switch.synced'].includes(fault.point));
    expect(await packages()).toBe(`atomic-container-tool ${isNew ? 1 : 0}\n`);
    expect(await hostFilesIn(box)).toEqual(isNew ? SECOND_PACKAGED : FIRST_PACKAGED);
    expect((await box.sh('rpm -V atomic-container-tool')).stdout).toBe('');
  });

  it('a recovery that cannot put the package back starts what ran, and names what is in the way', async () => {
    await install();
    await box.atomic('run', 'tool');
    await faulty(box, updateArgv, { point: 'switch.linked', kind: 'kill' });
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

  it('configuration that somebody has changed is as it was, with all that lay beside it', async () => {
    const configuration = '/etc/atomic-test.conf';
    await install();
    await box.type(
      `echo mine > ${configuration} && chmod 600 ${configuration} && chown 12:34 ${configuration}
       for suffix in rpmnew rpmsave; do echo "old $suffix" > ${configuration}.$suffix; done`,
    );
    const state = async () =>
      await box.type(`tail -n +1 ${configuration}*; stat -c '%n %a %u %g' ${configuration}*`);
    const before = await state();

    for (const kind of ['kill', 'EIO'] as const) {
      for (const image of [box.image(second), box.image('hello-world')])
        await faulty(box, ['atomic', 'containers', 'update', `--rebase=${image}`, 'tool'], {
          point: 'switch.package',
          kind,
        });
      await box.atomic('stop', 'tool');

      expect(await packages()).toBe('atomic-container-tool 0\n');
      expect(await state()).toBe(before);
    }
    expect((await box.sh(`ls -A ${CONTAINERS} | grep configuration`)).stdout).toBe('');
    await box.type(`rm ${configuration}*`);
  });

  it('of atomic while dnf works, the next command waits for dnf', async () => {
    await install();
    await box.sh(
      `${updateArgv.join(' ')} & p=$!; until pgrep -f '[d]nf install' > /dev/null; do kill -0 $p || exit 1; done; kill -9 $p; wait $p`,
    );

    expect(await box.atomic('stop', 'tool')).toMatchObject({ exitCode: 0 });

    expect((await box.sh("pgrep -f '[d]nf install'")).stdout).toBe('');
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
    expect((await box.sh('rpm -V atomic-container-tool')).stdout).toBe('');
  });

  it('what rpm had written without recording it goes, and its configuration comes back', async () => {
    await install();
    await faulty(box, updateArgv, {
      point: 'switch.host-files',
      kind: 'kill',
    });
    await box.type(
      `cd / && rpm2cpio ${CONTAINERS}/tool.1/atomic-container-tool.rpm | cpio -idu --quiet && touch '/opt/atomic-test/added;0a1b2c3d'`,
    );
    expect(await box.file('/etc/atomic-test.conf')).toContain('version=2');

    await box.atomic('stop', 'tool');

    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=World\n');
  });

  it.each(['switch.host-files', 'switch.package', 'switch.linked'] as const)(
    'an install that was killed at %s is removed, or finished, with its package',
    async (point) => {
      await install();
      await box.atomic('uninstall', 'tool');
      await faulty(box, ['atomic', 'install', '--system', '--name=tool', box.image(first)], {
        point,
        kind: 'kill',
      });

      expect(await box.atomic('install', '--system', '--name=tool', box.image(first))).toMatchObject({
        exitCode: 0,
      });

      expect(await packages()).toBe('atomic-container-tool 0\n');
      expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
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

    expect(await update()).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await hostFilesIn(box)).toEqual(SECOND_PACKAGED);
    await box.type('atomic containers rollback tool');
    expect(await packages()).toBe('atomic-container-tool 0\n');
    expect(await hostFilesIn(box)).toEqual(FIRST_PACKAGED);
  });
});
