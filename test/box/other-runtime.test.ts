import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const RUNC = '/usr/bin/runc';
const CRUN = '/usr/bin/crun';

afterEach(async () => {
  await box.sh(
    'for c in $(atomic containers list -aq --no-trunc); do atomic uninstall $c; done; rmdir /run/c',
  );
  expect(await tracesIn(box)).toBe('');
  expect((await box.sh('crun list --quiet')).stdout).toBe('');
});

const install = async (runtime: string) =>
  await box.type(
    `atomic install --system --name=c --runtime=${runtime} ${box.image('hello-world')}; atomic run c`,
  );
const move = async (runtime: string) => await box.atomic('containers', 'update', `--runtime=${runtime}`, 'c');
const answers = async () => (await eventually(box, 'curl -sf localhost:8081')).stdout;

/** Which runtimes have the container, and which is on record. */
const runtimes = async () =>
  await box.type(
    `for r in runc crun; do $r list --quiet | sed "s/^/$r /"; done; jq -r .runtime ${CONTAINERS}/c/info; systemctl is-active c`,
  );

describe('a container under crun', () => {
  it('lives as long a life as one under runc', async () => {
    await install(CRUN);
    expect(await answers()).toContain('Hi');
    expect(await runtimes()).toBe(`crun c\n${CRUN}\nactive\n`);

    await box.type('atomic containers update --set=RECEIVER=Jerry c');
    expect(await answers()).toContain('Jerry');
    await box.type('atomic containers rollback c');
    expect(await answers()).not.toContain('Jerry');

    expect(await box.type("atomic run c sh -c 'echo inside'")).toBe('inside\n');
    expect(await runtimes()).toBe(`crun c\n${CRUN}\nactive\n`);
    await box.type('atomic stop c');
    expect((await box.sh('crun list --quiet')).stdout).toBe('');
  });
});

describe('containers update --runtime', () => {
  it('moves a running container to another runtime, and back', async () => {
    await install(RUNC);

    expect(await move(CRUN)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await runtimes()).toBe(`crun c\n${CRUN}\nactive\n`);
    expect(await box.type('grep -c /usr/bin/runc /etc/systemd/system/c.service || true')).toBe('0\n');

    await box.type('atomic containers rollback c');
    expect(await runtimes()).toBe(`runc c\n${RUNC}\nactive\n`);
  });

  it('has nothing to do for the runtime that a container has', async () => {
    await install(RUNC);

    expect((await move('runc')).stdout).toContain('Latest version already installed.\n');
  });

  it('goes back when the container does not start there', async () => {
    await install(RUNC);
    await box.type(`printf '#!/bin/sh\ncase "$*" in *run*) exit 1;; esac; exec ${RUNC} "$@"' > /usr/local/bin/broken
      chmod +x /usr/local/bin/broken`);

    expect((await move('/usr/local/bin/broken')).exitCode).not.toBe(0);
    expect(await runtimes()).toBe(`runc c\n${RUNC}\nactive\n`);
    await box.type('rm /usr/local/bin/broken');
  });

  it('is not needed when the runtime is not installed any more, but another one is', async () => {
    await install(CRUN);
    await box.type('atomic stop c');
    await box.type(`sed -i 's#"${CRUN}"#"/opt/gone/crun"#' ${CONTAINERS}/c/info`);

    const updated = await box.atomic('containers', 'update', 'c');

    expect(updated).toMatchObject({ exitCode: 0 });
    expect(updated.stderr).toContain('The runtime /opt/gone/crun is not installed any more: using ');
    expect(updated.stdout).not.toContain('Latest version already installed.');
    await box.type('atomic run c');
    expect((await box.atomic('containers', 'update', 'c')).stdout).toBe(
      'Latest version already installed.\n',
    );
  });

  it('is the way on when the runtime is not installed any more', async () => {
    await install(RUNC);
    await box.type('atomic stop c');
    await box.type(`sed -i 's#"${RUNC}"#"/opt/gone/runc"#' ${CONTAINERS}/c/info`);

    expect(await move(CRUN)).toMatchObject({ exitCode: 0 });
    await box.type('atomic run c');
    expect(await runtimes()).toBe(`crun c\n${CRUN}\nactive\n`);
  });

  it.each([
    { argv: ['--runtime=/opt/gone/runc', 'c'], reason: 'the runtime /opt/gone/runc is not installed' },
    { argv: ['--runtime=crun', '--all'], reason: "--all doesn't support --runtime" },
  ])('refuses $argv, and changes nothing', async ({ argv, reason }) => {
    await install(RUNC);

    const refused = await box.atomic('containers', 'update', ...argv);

    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(reason) });
    expect(await runtimes()).toBe(`runc c\n${RUNC}\nactive\n`);
  });
});
