/** `make vm`: the package in a virtual machine with SELinux enforcing, over a reboot and a power cut. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT } from '../support/project.ts';
import { useStory } from '../support/story.ts';
import { Machine, type MachineFiles } from './machine.ts';
import { packPayload } from './payload.ts';

const CACHE = join(PROJECT, '.cache/vm');
const FILES: MachineFiles = {
  cache: CACHE,
  directory: join(CACHE, 'machine'),
  payload: join(CACHE, 'machine/payload.tar'),
};
const CHECKOUTS = '/var/lib/containers/atomic';

let machine: Machine;
useStory();

beforeAll(async () => {
  await rm(FILES.directory, { recursive: true, force: true });
  await mkdir(FILES.directory, { recursive: true });
  await packPayload(FILES.payload);
  machine = await Machine.boot(FILES);
});

afterAll(async () => {
  await machine?.cutPower();
  await rm(FILES.directory, { recursive: true, force: true });
});

/** Runs a command that has to succeed, and returns what it printed. */
async function sh(command: string): Promise<string> {
  const { output, exitCode } = await machine.sh(command);
  expect(exitCode, `${command}\n${output}`).toBe(0);
  return output;
}

async function labelOf(path: string): Promise<string> {
  return (await sh(`stat --format=%C ${path}`)).trim();
}

/** What SELinux refused to programs that this project runs, since the machine was booted. */
async function denials(): Promise<readonly string[]> {
  const { output } = await machine.sh("journalctl --boot --quiet --no-pager --grep 'avc: *denied'");
  return output
    .split('\n')
    .filter((line) => /comm="(node|atomic|ostree|runc|skopeo|chcon|cp|ncat|run\.sh)"/.test(line));
}

/** What the service of a container answers; the port is on the machine's own loopback device. */
async function answerOf(port: number): Promise<string> {
  const get = `exec 3<>/dev/tcp/localhost/${port} && echo GET >&3 && tail -n1 <&3`;
  return (
    await sh(`for i in $(seq 60); do timeout 5 bash -c "${get}" 2>/dev/null && break; sleep 0.5; done`)
  ).trim();
}

test('the package installs, SELinux enforces, and nobody may make code at run time', async () => {
  await sh('mkdir /opt/payload && tar -xf /dev/vdb -C /opt/payload');
  // nodejs is this machine's, copied
  await sh('dpkg --install --force-depends /opt/payload/atomic.deb');
  expect((await sh('getenforce')).trim()).toBe('Enforcing');
  expect(await sh('node -e 0; true')).toContain('Fatal error');
  expect(await sh('atomic --version')).toMatch(/^[\d.]+\n/);
});

test('the smoke test passes', async () => {
  const said = await sh('sh /opt/payload/smoke.sh oci-archive:/opt/payload/{hello-world,hello-world-2}.tar');
  expect(said).toMatch(/^(PASS .*\n)+$/);
});

test('a service, confined as it is, installs and starts a container', async () => {
  const install = '/usr/bin/atomic install --system --name=hello oci-archive:/opt/payload/hello-world.tar';
  const unit = `[Service]\\nType=oneshot\\nExecStart=${install}\\nExecStart=/usr/bin/atomic run hello\\n`;
  await sh(`printf '${unit}' >/etc/systemd/system/setup.service && systemctl daemon-reload`);
  await sh('systemctl start setup || { journalctl --unit setup; false; }');
  expect(await answerOf(8081)).toBe('Hi World');
});

test('files have the labels of their places', async () => {
  await sh('atomic install --system --name=confined --set=PORT=8090 oci-archive:/opt/payload/confined.tar');
  const rootfs = `${CHECKOUTS}/confined.0/rootfs`;
  expect(await labelOf(rootfs)).toBe(await labelOf('/'));
  expect(await labelOf(`${rootfs}/usr/bin/run.sh`)).toBe('system_u:object_r:bin_t:s0');
  expect(await labelOf(`${rootfs}/exports/hostfs/opt/confined/lib/library.so`)).toBe(
    'system_u:object_r:lib_t:s0',
  );
  for (const [path, type] of Object.entries({
    '/opt/confined': 'usr_t',
    '/opt/confined/bin': 'bin_t',
    '/opt/confined/bin/tool': 'bin_t',
    '/opt/confined/lib/library.so': 'lib_t',
  }))
    expect(await labelOf(path), path).toBe(`system_u:object_r:${type}:s0`);
  expect(await labelOf('/etc/systemd/system/confined.service')).toContain(':systemd_unit_t:');
  await sh(`ostree fsck --quiet --repo=${CHECKOUTS}/.storage/ostree`);
});

test('the labels that an image asks for are those of its processes and mounts', async () => {
  await sh('atomic run confined');
  expect(await answerOf(8090)).toBe('Hi World');
  expect(await sh('ps -eo label,args | grep run.sh')).toContain('initrc_t:s0:c1,c2 ');
  expect(await sh('ps -eo label,args | grep "runc.*run.*confined"')).toContain('initrc_t:s0-s0:c0.c1023 ');
  expect(await sh('cat /proc/[0-9]*/mounts 2>/dev/null | grep context=')).toContain('tmpfs_t:s0:c1,c2');
});

test('nothing was refused, and containers are there again after a reboot', async () => {
  // but what the first test has shown
  expect(await denials()).toEqual([expect.stringContaining('{ execmem } for')]);
  machine.type('systemctl reboot');
  await machine.isOff();
  machine = await Machine.boot(FILES);
  expect(await answerOf(8081)).toBe('Hi World');
  expect(await answerOf(8090)).toBe('Hi World');
});

test('a power cut in an update, while the service is stopped, leaves the old deployment', async () => {
  machine.type(
    'ATOMIC_TEST_FAULT=switch.stopped:hang atomic containers update --rebase oci-archive:/opt/payload/hello-world-2.tar hello >/root/update 2>&1 &',
  );
  await sh('for i in $(seq 600); do systemctl is-active hello || break; sleep 0.5; done');
  expect(await sh(`ls -A ${CHECKOUTS}`)).toContain('.hello.pending');
  await machine.cutPower();
  machine = await Machine.boot(FILES);
  expect(await answerOf(8081)).toBe('Hi World');
  expect((await sh(`readlink ${CHECKOUTS}/hello`)).trim()).toBe(`${CHECKOUTS}/hello.0`);
});
