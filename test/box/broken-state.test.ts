import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faulty } from '../faults/points.ts';
import { CONTAINERS, eventually, installOnce, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const OBJECTS = `${CONTAINERS}/.storage/ostree/objects`;
const HEADS = `${CONTAINERS}/.storage/ostree/refs/heads/ociimage`;

const install = async (name = 'c') =>
  await box.atomic('install', '--system', `--name=${name}`, box.image('hello-world'));

/** The traces of the container that is left alone. */
let withoutC = '';

beforeAll(async () => {
  await box.atomic('pull', box.image('hello-world'));
  await install('sound');
  withoutC = await tracesIn(box);
});

beforeEach(async () => {
  await installOnce(box, 'c', box.image('hello-world'));
});

afterAll(async () => {
  await box.sh('for c in c sound; do atomic uninstall $c; done');
  expect(await tracesIn(box)).toBe('');
});

/** After a test that leaves a container that is not like a new one. */
const cleanUp = async () => {
  await box.atomic('uninstall', 'c');
  expect(await tracesIn(box)).toBe(withoutC);
};

/** Ways in which a container can be damaged, and what the lists say of it. */
const DAMAGES = [
  { what: 'no info', damage: 'rm c.0/info', warning: /c\.0\/info|c\/info/ },
  { what: 'an empty info', damage: ': > c.0/info', warning: /info is damaged/ },
  { what: 'half an info', damage: 'head -c 100 c.0/info > x; mv x c.0/info', warning: /info is damaged/ },
  { what: 'an info of the wrong kind', damage: 'echo [] > c.0/info', warning: /info is damaged/ },
  { what: 'a folder for an info', damage: 'rm c.0/info; mkdir c.0/info', warning: /info/ },
  { what: 'an empty config.json', damage: ': > c.0/config.json', warning: /config\.json/ },
  { what: 'config.json without process', damage: 'echo {} > c.0/config.json', warning: /^$/ },
  { what: 'no config.json', damage: 'rm c.0/config.json', warning: /^$/ },
  { what: 'a dangling link', damage: 'rm -r c.0', warning: /Skipping container 'c'/ },
  { what: 'a link to itself', damage: 'ln -sfn c c', warning: /Skipping container 'c'/ },
  { what: 'a deployment without link', damage: 'rm c', warning: /c\.0/ },
  { what: 'a file in the place of the link', damage: 'rm c; echo stray > c', warning: /c/ },
  { what: 'a folder in the place of the link', damage: 'rm c; mkdir c', warning: /c/ },
  { what: 'a unit and nothing else', damage: 'rm -r c c.0', warning: /^$/ },
  { what: 'no unit', damage: 'rm /etc/systemd/system/c.service', warning: /^$/ },
  { what: 'a damaged marker', damage: 'echo x > .c.pending', warning: /^$/ },
] as const;

describe('a container with', () => {
  // uninstalled only when something went wrong: otherwise it is one that has just been installed
  afterEach(async ({ task }) => {
    await box.sh('atomic stop c');
    if (task.result?.state === 'fail') await box.atomic('uninstall', 'c');
  });

  it.each(DAMAGES)('$what: lists go on, uninstall wins, install works again', async ({ damage, warning }) => {
    await box.sh(`cd ${CONTAINERS} && ${damage}`);

    const containers = await box.atomic('containers', 'list', '--all', '--json');
    const images = await box.atomic('images', 'list', '--quiet');

    expect({ containers: containers.exitCode, images: images.exitCode }).toEqual({
      containers: 0,
      images: 0,
    });
    expect(JSON.parse(containers.stdout)).toEqual(
      expect.arrayContaining([expect.objectContaining({ id: 'sound' })]),
    );
    expect(containers.stderr).toMatch(warning);
    expect((await box.atomic('uninstall', 'c')).exitCode).toBe(0);
    expect((await box.atomic('containers', 'list', '--all', '--quiet')).stdout).toBe('sound\n');
    expect(await install()).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.atomic('run', 'c')).exitCode).toBe(0);
  });
});

describe('a dangling link', () => {
  afterEach(cleanUp);

  it('is named by lists, stop, run and update, with the remedy', async () => {
    await box.type(`rm -r ${CONTAINERS}/c.0`);
    const remedy = `${CONTAINERS}/c leads nowhere: install 'c' again, or remove it with 'atomic uninstall c'\n`;

    expect(await box.atomic('containers', 'list')).toMatchObject({
      exitCode: 0,
      stderr: `Skipping container 'c': ${remedy}`,
    });
    for (const argv of [
      ['stop', 'c'],
      ['run', 'c'],
      ['run', 'c', 'true'],
      ['containers', 'update', 'c'],
    ]) {
      const { exitCode, stderr } = await box.atomic(...argv);
      expect({ argv, exitCode, stderr }).toEqual({
        argv,
        exitCode: 1,
        stderr: expect.stringContaining(`; ${remedy}`),
      });
    }
  });

  it('is repaired by an install', async () => {
    await box.type(`rm -r ${CONTAINERS}/c.0`);

    expect(await install()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.atomic('run', 'c')).toMatchObject({ exitCode: 0 });
  });

  it('of a container that runs is repaired, and what ran runs again', async () => {
    await box.atomic('run', 'c');
    await box.atomic('containers', 'update', '--set=RECEIVER=x', 'c');
    await box.type(`cd ${CONTAINERS} && mv c.1 /var/tmp/lost`);

    const refused = await box.atomic('install', '--system', '--name=c', box.image('needs-value'));
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(await box.isActive('c')).toBe(true);

    const repaired = await install();

    expect(repaired).toMatchObject({ exitCode: 0, stderr: '' });
    expect(repaired.stdout).toContain("'c' has lost its deployment: what is left of it is removed first\n");
    expect(await box.type('runc state c | jq -r .bundle')).toBe(`${CONTAINERS}/c.0\n`);
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi World\n');
    await box.type('rm -r /var/tmp/lost; ! ls /etc/systemd/system/c.service.save');
  });

  it('that an install has begun to replace when it fails leaves what was stopped with it running', async () => {
    const partner = '/run/systemd/system/partner.service';
    // the command waits until the container is up: before, the runtime makes what `rm` has just removed
    await box.type(
      `printf '[Unit]\\nPartOf=c.service\\n[Service]\\nExecStart=/bin/sleep 1000\\n' > ${partner}
       systemctl daemon-reload; systemctl start partner; atomic run c; atomic run c sh -c :; rm -r ${CONTAINERS}/c.0`,
    );
    const argv = ['atomic', 'install', '--system', '--name=c', box.image('hello-world')];

    const failed = await faulty(box, argv, { point: 'prepare.written', kind: 'ENOSPC' });

    expect(failed.exitCode).toBe(1);
    expect(await tracesIn(box)).toBe(withoutC);
    expect(await box.isActive('partner')).toBe(true);
    await box.type(`systemctl stop partner; rm ${partner}; systemctl daemon-reload`);
  });
});

describe('host files that could not be tidied up', () => {
  afterEach(cleanUp);

  it('are, by the next command on the container', async () => {
    const record =
      '{"installed-files":[],"installed-files-checksum":{},"installed-files-links":{},"installed-files-sizes":{},"installed-files-kept":{},"created-folders":[]}';
    const journal = `{"phase":"settling","deployment":"${CONTAINERS}/c.0","record":${record},"made":[],"dropped":["/opt/left"],"groups":[{"directory":"/opt","aside":".atomic-left","changes":[]}]}`;
    await box.type(
      `mkdir -p /opt/left /opt/.atomic-left/new && echo '${journal}' > ${CONTAINERS}/.c.host-files`,
    );

    expect(await box.atomic('stop', 'c')).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await box.type(`ls -A ${CONTAINERS} /opt`)).not.toMatch(/host-files|left/);
  });
});

describe('a directory that is called as a deployment would be', () => {
  it('and has no record is never removed by an install', async () => {
    await box.type(`mkdir ${CONTAINERS}/d.0 && echo mine > ${CONTAINERS}/d.0/file`);

    expect(await install('d')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `cannot install 'd': ${CONTAINERS}/d.0 is not a deployment of it; move it away, or remove it with 'atomic uninstall d'\n`,
    });

    expect(await box.type(`cat ${CONTAINERS}/d.0/file`)).toBe('mine\n');
    expect(await box.atomic('uninstall', 'd')).toMatchObject({ exitCode: 0 });
    expect((await box.type(`ls ${CONTAINERS}`)).split('\n')).not.toContain('d.0');
  });
});

describe('a masked unit', () => {
  it('leaves no link behind when its container is uninstalled', async () => {
    await box.type('rm /etc/systemd/system/c.service && systemctl mask c');

    expect(await box.atomic('uninstall', 'c')).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await box.type('find /etc/systemd/system -name c.service')).toBe(
      '/etc/systemd/system/c.service\n',
    );
    await box.type('systemctl unmask c');
  });
});

describe('a killed update', () => {
  const env = (point: string) => ({ env: { ATOMIC_TEST_FAULT: `${point}:kill` } });
  afterEach(cleanUp);
  const bundle = async () => (await box.type('runc state c | jq -r .bundle')).trim();

  it.each([
    { point: 'switch.linked', slot: 1 },
    { point: 'switch.stopped', slot: 0 },
  ])('at $point ends with the deployment of the link running, though somebody started it', async (kill) => {
    await box.atomic('run', 'c');
    await box.run(['atomic', 'containers', 'update', '--set=RECEIVER=x', 'c'], env(kill.point));
    // systemd has the unit of the new deployment loaded by then
    await box.type('systemctl start c; until runc state c; do sleep 0.1; done');

    expect(await box.atomic('run', 'c')).toMatchObject({ exitCode: 0 });

    expect(await box.type(`readlink ${CONTAINERS}/c`)).toBe(`${CONTAINERS}/c.${kill.slot}\n`);
    expect(await bundle()).toBe(`${CONTAINERS}/c.${kill.slot}`);
  });

  it('is no news of other containers, and none while it is under way', async () => {
    const hang = { env: { ATOMIC_TEST_FAULT: 'switch.placed:hang' } };
    const install = ['timeout', '5', 'atomic', 'install', '--system', '--name=new', box.image('hello-world')];
    const working = box.run(install, hang);
    await box.type(`until [ -e ${CONTAINERS}/new.0 ]; do sleep 0.1; done`);

    const listed = await box.atomic('containers', 'list', '-aq');

    expect(listed).toEqual({ exitCode: 0, stdout: 'c\nsound\n', stderr: '' });
    await working;
  });
});

describe('a copy of the directory of containers', () => {
  afterEach(cleanUp);

  it('never changes the host on account of what the original has recorded', async () => {
    const copy = '/var/lib/containers/copy';
    const update = 'atomic containers update --set=RECEIVER=Ann c';
    await box.sh(`atomic run c; ATOMIC_TEST_FAULT=switch.linked:kill ${update}; cp -a ${CONTAINERS} ${copy}`);
    await box.sh(`atomic run c`);
    const host = 'cat /etc/systemd/system/c.service; runc state c | jq .pid; ls -A /etc/systemd/system';
    const before = await box.type(host);

    const refused = await box.sh(`ATOMIC_OSTREE_CHECKOUT_PATH=${copy} atomic stop c`);
    const atBoot = await box.sh(`ATOMIC_OSTREE_CHECKOUT_PATH=${copy} atomic containers recover`);
    await box.sh(`rm -r ${copy}`);

    expect([refused.exitCode, atBoot.exitCode]).toEqual([1, 1]);
    const reason = `cannot finish what ${copy}/.c.pending says, which is about ${CONTAINERS}/c.1`;
    expect(refused.stderr).toContain(reason);
    expect(atBoot.stderr).toContain(`Could not recover 'c': ${reason}`);
    expect(await box.type(host)).toBe(before);
  });
});

describe('without systemd', () => {
  it('containers are listed, their state unknown', async () => {
    const listed = await box.sh(
      'unshare --mount sh -c "mount -t tmpfs tmpfs /run && atomic containers list"',
    );

    expect(listed).toMatchObject({ exitCode: 0 });
    expect(listed.stdout).toMatch(/c .* unknown /);
    expect(listed.stderr).toMatch(/^Cannot find out which containers run: .*\n$/);
  });
});

describe('a service that does not start any more', () => {
  afterEach(cleanUp);

  const breakService = `mv ${CONTAINERS}/c.0/config.json ${CONTAINERS}/c.0/gone; systemctl kill -s KILL c; until ! systemctl is-active --quiet c; do sleep 0.1; done`;

  it('does not keep a killed update from being recovered, nor the container from going', async () => {
    await box.atomic('run', 'c');
    const env = { ATOMIC_TEST_FAULT: 'switch.stopped:kill' };
    await box.run(['atomic', 'containers', 'update', '--set=RECEIVER=x', 'c'], { env });
    await box.sh(breakService);

    const recovered = await box.atomic('containers', 'update', '--set=RECEIVER=y', 'c');

    expect(recovered.stderr).toMatch(
      /^An earlier atomic command on 'c' was cut short: finished .*, but cannot start 'c'/,
    );
    expect(recovered.exitCode).toBe(0);
    expect(await box.atomic('run', 'c')).toMatchObject({ exitCode: 0 });
  });

  it('does not keep the container from being uninstalled', async () => {
    await box.atomic('run', 'c');
    const env = { ATOMIC_TEST_FAULT: 'switch.stopped:kill' };
    await box.run(['atomic', 'containers', 'update', '--set=RECEIVER=x', 'c'], { env });
    await box.sh(breakService);

    expect(await box.atomic('uninstall', 'c')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.sh(`ls -A ${CONTAINERS} | grep c`)).stdout).toBe('');
  });
});

describe('among the containers', () => {
  it('a stray file does not matter', async () => {
    await box.sh(`echo stray > ${CONTAINERS}/stray.txt; mkdir ${CONTAINERS}/lost+found`);

    const listed = await box.atomic('containers', 'list', '-aq');

    expect(listed).toMatchObject({ exitCode: 0, stdout: 'c\nsound\n' });
    expect(listed.stderr).toContain('stray.txt');
    expect((await box.atomic('containers', 'update', '--all')).exitCode).toBe(0);
    await box.sh(`rm -r ${CONTAINERS}/stray.txt ${CONTAINERS}/lost+found`);
  });

  it("another's unit is never taken for one of ours", async () => {
    await box.sh('printf "[Service]\\nExecStart=/bin/true\\n" > /etc/systemd/system/foreign.service');

    expect(await box.atomic('uninstall', 'foreign')).toMatchObject({ exitCode: 1 });
    expect((await box.sh('rm /etc/systemd/system/foreign.service')).exitCode).toBe(0);
  });
});

describe('a damaged deployment', () => {
  afterEach(cleanUp);

  it('that is the rollback target is refused, and the container goes on', async () => {
    await box.atomic('containers', 'update', '--set=RECEIVER=x', 'c');
    await box.sh(`: > ${CONTAINERS}/c.0/info`);

    expect(await box.atomic('containers', 'rollback', 'c')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/c\.0\/info is damaged/),
    });
    expect((await box.atomic('containers', 'update', '--set=RECEIVER=y', 'c')).exitCode).toBe(0);
  });

  it.each([
    { what: 'a damaged record', damage: ': > c.0/info', reason: /^c: .*c\.0\/info is damaged/ },
    { what: 'a dangling link', damage: 'rm -r c.0', reason: /^c: .*atomic\/c leads nowhere/ },
  ])('with $what fails in update --all, which goes on', async ({ damage, reason }) => {
    await box.type(`cd ${CONTAINERS} && ${damage}`);

    const updated = await box.atomic('containers', 'update', '--all');

    expect(updated).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(reason) });
    expect(updated.stdout).toMatch(/\nc {2,}<NOT FOUND> {2,}Failed *\nsound .* Updated *\n$/);
  });

  it('cannot be updated, which is said', async () => {
    await box.sh(`: > ${CONTAINERS}/c.0/info`);

    expect(await box.atomic('containers', 'update', '--set=RECEIVER=x', 'c')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/c\.0\/info is damaged/),
    });
  });
});

describe('a repository with', () => {
  const ref = `$(ls ${HEADS}/*hello-world*)`;

  it.each([
    { what: 'an empty ref', damage: `: > ${ref}` },
    { what: 'a ref to nowhere', damage: `printf %064d 0 > ${ref}` },
    {
      what: 'half a commit',
      damage: `c=$(cat ${ref}); f=${OBJECTS}/$(echo $c | cut -c1-2)/$(echo $c | cut -c3-).commit; head -c 40 $f > /run/x; rm $f; mv /run/x $f`,
    },
  ])('$what: lists warn, a pull mends it, and uninstall does not care', async ({ damage }) => {
    await box.sh(damage);

    const images = await box.atomic('images', 'list');

    expect(images).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/^Skipping image .*hello-world/),
    });
    expect((await box.atomic('uninstall', 'c')).exitCode).toBe(0);
    expect((await box.atomic('pull', box.image('hello-world'))).exitCode).toBe(0);
    expect(await box.atomic('images', 'list', '-q')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await install()).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
