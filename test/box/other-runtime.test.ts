import { afterEach, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';
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

  it('is found from a session of root, which has a directory of its own for what runs', async () => {
    await install(CRUN);
    const session = 'mkdir -p /run/user/0; export XDG_RUNTIME_DIR=/run/user/0';

    expect(await box.type(`${session}; atomic run c sh -c 'echo inside'`)).toBe('inside\n');
    await box.type(
      `${session}; atomic run --runtime=crun ${box.image('run-once')} sh -c 'exit 0'; atomic stop c`,
    );
    expect(await box.type('ls -A /run/user/0; crun list --quiet')).toBe('');
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
    await answers();
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

describe('what a runtime writes down of a container', () => {
  /** What the program reads of it. */
  const recorded = async (runtime: string) =>
    JSON.parse(
      await box.type(`cd ${PROJECT} && node --import tsx --input-type=module -e "
        const { runtimeRecord } = await import('${PROJECT}/src/host/runtime/record.ts');
        const record = runtimeRecord({ user: { isRoot: true } }, '${runtime}', 'c');
        const scope = record?.remainingScope();
        console.log(JSON.stringify(record && { pid: record.pid, isPresent: record.isPresent(), scope }) ?? 'null');"`),
    );
  const installed = async (runtime: string) => {
    await install(runtime);
    await answers();
  };
  /** What the runtime says of it. */
  const state = async (runtime: string) => JSON.parse(await box.type(`${runtime} state c`));
  it.each([RUNC, CRUN])('is what %s says, whether it runs or is gone', async (runtime) => {
    await installed(runtime);
    const [scope] =
      /[^/]+\.scope/.exec(await box.type(`cat /proc/${(await state(runtime)).pid}/cgroup`)) ?? [];
    expect(await recorded(runtime)).toEqual({ pid: (await state(runtime)).pid, isPresent: true, scope });

    await box.type('atomic stop c');
    expect(await recorded(runtime)).toBe(null);
  });

  it.each([
    { runtime: RUNC, file: '/run/runc/c/state.json' },
    { runtime: CRUN, file: '/run/crun/c/status' },
  ])('is not believed where $file is cut short: then $runtime is asked', async ({ runtime, file }) => {
    await installed(runtime);
    await box.type(`cp -a ${file} /run/whole && truncate -s 40 ${file}`);

    expect(await recorded(runtime)).toBe(null);

    await box.type(`cp -a /run/whole ${file} && rm /run/whole`);
    expect(await recorded(runtime)).toMatchObject({ pid: (await state(runtime)).pid });
  });

  it('is not looked for where a runtime has another directory for it', async () => {
    await box.type(`printf '#!/bin/sh\nexec ${RUNC} --root /run/elsewhere "$@"' > /usr/local/bin/runc
      chmod +x /usr/local/bin/runc`);
    await installed('/usr/local/bin/runc');
    expect(await recorded('/usr/local/bin/runc')).toBe(null);

    const stopped = await box.atomic('--debug', 'containers', 'update', '--set=RECEIVER=Jerry', 'c');

    expect(stopped).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('/usr/local/bin/runc') });
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toContain('Jerry');
    await box.type('atomic uninstall c');
    expect(await box.type('ls /run/elsewhere')).toBe('');
    await box.type('rm -r /usr/local/bin/runc /run/elsewhere');
  });
});
