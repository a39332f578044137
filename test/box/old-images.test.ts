import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();

afterEach(async () => {
  await box.sh('for c in $(atomic containers list -aq --no-trunc); do atomic uninstall $c; done');
  expect(await tracesIn(box)).toBe('');
});

describe.each(['/usr/bin/runc', '/usr/bin/crun'])('an image made before OCI 1.0, under %s', (runtime) => {
  it('is brought up to date in its deployment, with one note, and starts', async () => {
    const image = box.image('old-config');
    const installed = await box.atomic('install', '--system', '--name=c', `--runtime=${runtime}`, image);
    await box.type('atomic run c');

    expect(installed.stdout.match(/^Note: .*/gm)).toEqual([
      `Note: config.json of ${image} is adapted to this host's runtimes: ociVersion 0.6.0-dev is now 1.0.2, platform left out, rlimits below process, capabilities by set, memory.swappiness left out, seccomp rules by lists of names, selinuxLabel left out (SELinux is not enabled), mountLabel left out (SELinux is not enabled), apparmorProfile left out (AppArmor is not enabled)`,
    ]);
    expect(await eventually(box, `${runtime} list | grep -q running`)).toMatchObject({ exitCode: 0 });
    const pid = (await box.type(`${runtime} state c | jq .pid`)).trim();
    // CAP_KILL is number 5, CAP_NET_BIND_SERVICE 10
    expect(await box.type(`grep -E 'Cap(Inh|Prm|Eff|Bnd)' /proc/${pid}/status | cut -f2 | uniq`)).toBe(
      '0000000000000000\n0000000000000420\n',
    );
    expect(await box.type(`grep 'open files' /proc/${pid}/limits`)).toMatch(/ 1000 +1000 /);
    expect(await box.type(`jq -r .ociVersion ${CONTAINERS}/c/rootfs/exports/config.json`)).toBe(
      '0.6.0-dev\n',
    );
    await box.type('atomic stop c');
  });
});

it('has no program of SELinux run for it on a host without SELinux', async () => {
  const pulled = await box.atomic('--debug', 'pull', '--storage=ostree', box.image('host-files'));
  const installed = await box.atomic('--debug', 'install', '--system', '--name=c', box.image('host-files'));

  const programs = `${pulled.stderr}${installed.stderr}`;
  expect(programs).toContain('"cp","--no-dereference"');
  expect(programs).not.toMatch(/selinux|chcon|matchpathcon/);
});

it('runs once as well', async () => {
  const ran = await box.atomic('run', box.image('old-config'), 'sh', '-c', 'exit 7');

  expect(ran).toMatchObject({ exitCode: 7, stderr: '' });
});
