/** Programs, registries and disks that fail or hang, and commands that meet one another. */
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Misbehaviour, startBadRegistry } from '../support/bad-registry.ts';
import { CONTAINERS, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';
import { isThorough } from './points.ts';
import { expectAnswer, expectSoundRepository } from './state.ts';

const box = useBox();
const WRAPPED = ['skopeo', 'ostree', 'runc', 'systemctl', 'systemd-tmpfiles'];

afterEach(async () => {
  for (const tool of WRAPPED) await box.sh(`rm -f /usr/local/bin/${tool}`);
  await uninstallAll(box);
  expect(await tracesIn(box)).toBe('');
});

/** Puts a program in the place of `tool` that does `instead` when its arguments match the shell pattern. */
async function wrap(tool: string, pattern: string, instead: string): Promise<void> {
  const path = (await box.sh(`PATH=/usr/bin:/usr/sbin:/bin:/sbin command -v ${tool}`)).stdout.trim();
  const script = `#!/bin/sh\ncase "$*" in ${pattern}) ${instead};; esac\nexec ${path} "$@"\n`;
  await box.sh(`cat > /usr/local/bin/${tool}; chmod +x /usr/local/bin/${tool}`, { input: script });
}

const FAIL = 'echo "no luck today" >&2; exit 5';
const HANG = 'exec sleep 1000';
const install = (image = 'hello-world') => ['atomic', 'install', '--system', '--name=c', box.image(image)];

describe('an install', () => {
  const calls = [
    { tool: 'skopeo', pattern: '*inspect*', isOfPull: true },
    { tool: 'skopeo', pattern: '*copy*', isOfPull: true },
    { tool: 'ostree', pattern: '*commit*', isOfPull: true },
    { tool: 'ostree', pattern: '*checkout*', isOfPull: false },
    { tool: 'systemctl', pattern: '*enable*', isOfPull: false },
    { tool: 'systemd-tmpfiles', pattern: '*--create*', isOfPull: false },
  ];

  it.each(calls)('fails in one line when $tool $pattern fails', async ({ tool, pattern, isOfPull }) => {
    if (isOfPull) await box.sh('atomic -y images delete --all; atomic images prune');
    await wrap(tool, pattern, FAIL);

    const { exitCode, stderr } = await box.run(install());

    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/^.*no luck today.*\n$/);
    expect(await tracesIn(box)).toBe('');
  });

  it.each(calls)(
    'is undone when $tool $pattern hangs and somebody loses patience',
    async ({ tool, pattern, isOfPull }) => {
      if (isOfPull) await box.sh('atomic -y images delete --all; atomic images prune');
      await wrap(tool, pattern, HANG);

      const { stdout } = await box.sh(
        `${install().join(' ')} >/dev/null 2>&1 & until pgrep -f '^sleep 1000' >/dev/null; do sleep 0.1; done; kill $!; wait $!; echo $?`,
      );

      expect(stdout).toBe('143\n');
      expect(await tracesIn(box)).toBe('');
      expect((await box.sh('pgrep -x sleep')).stdout).toBe('');
    },
  );

  it('needs a runtime that works', async () => {
    await wrap('runc', '*--version*', FAIL);

    const { exitCode, stderr } = await box.run([...install(), '--runtime=/usr/local/bin/runc']);

    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/^.*no luck today.*\n$/);
  });
});

describe('an update of a service that runs', () => {
  beforeEach(async () => {
    await box.run([...install(), '--set=RECEIVER=old']);
    await box.atomic('run', 'c');
    await expectAnswer(box, { image: 'host-files', receiver: 'old' });
  });

  const expectOld = async () => {
    await expectAnswer(box, { image: 'host-files', receiver: 'old' });
    expect((await box.sh(`ls -A ${CONTAINERS}`)).stdout).toBe('.storage\nc\nc.0\n');
  };
  const expectToSucceed = async () => {
    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=new', 'c');
    expect(updated).toMatchObject({ exitCode: 0 });
    await expectAnswer(box, { image: 'host-files', receiver: 'new' });
  };

  it.each([
    { tool: 'ostree', pattern: '*checkout*', status: 5 },
    { tool: 'systemctl', pattern: '*daemon-reload*', status: 5 },
    { tool: 'systemd-tmpfiles', pattern: '*--create*', status: 5 },
  ])('leaves the old one running when $tool $pattern fails', async ({ tool, pattern, status }) => {
    await wrap(tool, pattern, `[ -e /run/broken ] && rm /run/broken && { ${FAIL}; }`);
    await box.sh('touch /run/broken');

    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=new', 'c');

    expect(updated.exitCode).toBe(status);
    expect(updated.stderr).toContain('no luck today');
    await expectOld();
    await expectToSucceed();
  });

  it('leaves the old one running when systemd refuses to stop it', async () => {
    const dropIn = '/run/systemd/system/c.service.d/refuse.conf';
    await box.type(
      `mkdir -p $(dirname ${dropIn}) && printf '[Unit]\\nRefuseManualStop=yes\\n' > ${dropIn} && systemctl daemon-reload`,
    );

    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=new', 'c');

    await box.type(`rm -r $(dirname ${dropIn}) && systemctl daemon-reload`);
    expect(updated.exitCode).not.toBe(0);
    expect(updated.stderr).toContain('Operation refused');
    await expectOld();
    await expectToSucceed();
  });

  it('is taken up again by the next command when even going back fails', async () => {
    await wrap('systemctl', '*daemon-reload*|*reenable*', `[ -e /run/broken ] && { ${FAIL}; }`);
    await box.sh('touch /run/broken');

    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=new', 'c');

    expect(updated.exitCode).toBe(5);
    expect(updated.stderr).toContain("the next atomic command on 'c' tries again");
    await box.sh('rm /run/broken');
    expect(await box.atomic('run', 'c')).toMatchObject({
      exitCode: 0,
      stderr: `An earlier atomic command on 'c' was cut short: finished the deployment ${CONTAINERS}/c.0\n`,
    });
    await expectAnswer(box, { image: 'host-files', receiver: 'old' });
  });
});

describe('a pull', () => {
  const bad: readonly { what: string; misbehaviour: Misbehaviour; message: RegExp }[] = [
    { what: 'answers 401', misbehaviour: { path: /manifests/, status: 401 }, message: /check --src-creds/ },
    {
      what: 'answers 404',
      misbehaviour: { path: /manifests/, status: 404 },
      message: /out of order|unknown/,
    },
    { what: 'answers 429', misbehaviour: { path: /blobs/, status: 429 }, message: /429|too many|toomany/i },
    { what: 'answers 500', misbehaviour: { path: /blobs/, status: 500 }, message: /500/ },
    { what: 'cuts a blob short', misbehaviour: { path: /blobs/, isCut: true }, message: /EOF|reset/ },
    { what: 'changes a blob', misbehaviour: { path: /blobs/, isChanged: true }, message: /digest/i },
    { what: 'changes a manifest', misbehaviour: { path: /manifests/, isChanged: true }, message: /./ },
  ];

  // skopeo waits half a minute before it gives up on 429
  const tried = bad.filter(({ what }) => isThorough || what !== 'answers 429');

  it.each(tried)('from a registry that $what fails in one line, and leaves no image', async (one) => {
    await box.sh('atomic -y images delete --all; atomic images prune');
    await using registry = await startBadRegistry(inject('registry'), one.misbehaviour);
    await box.reach(registry.address);

    const { exitCode, stderr } = await box.atomic('pull', `http:${registry.address}/hello-world`);

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toMatch(one.message);
    expect((await box.atomic('images', 'list')).stdout).toBe('');
    expect((await box.sh(`ls -A ${CONTAINERS} | grep -v .storage`)).stdout).toBe('');
    expect((await box.atomic('pull', box.image('hello-world'))).exitCode).toBe(0);
    await expectSoundRepository(box);
  });
});

describe('a full disk', () => {
  const at = 'ATOMIC_OSTREE_CHECKOUT_PATH=/run/small/atomic';
  const fill =
    'dd if=/dev/zero of=/run/small/filler bs=64k 2>/dev/null; dd if=/dev/zero of=/run/small/rest bs=1 2>/dev/null';
  const free = 'rm /run/small/filler /run/small/rest';

  beforeEach(async () => {
    await box.sh('mkdir -p /run/small; mount -t tmpfs -o size=64m tmpfs /run/small');
  });

  it('stops a pull, which goes on when there is room', async () => {
    await box.sh(fill);

    const failed = await box.sh(`${at} atomic pull ${box.image('hello-world')}`);

    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toMatch(/no space left on device/i);
    await box.sh(free);
    expect(await box.sh(`${at} atomic pull ${box.image('hello-world')}`)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect((await box.sh('ls -A /run/small/atomic')).stdout).toBe('.storage\n');
    await box.sh('umount /run/small');
  });

  it('stops an install and an update before anything is stopped', async () => {
    await box.sh(`${at} atomic pull ${box.image('hello-world')}; ${fill}`);
    const failed = await box.sh(`${at} ${install().join(' ')}`);

    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toMatch(/no space left on device/i);
    expect(await tracesIn(box)).toBe('');
    await box.sh(`${free}; ${at} ${install().join(' ')}; ${at} atomic run c; ${fill}`);
    const updated = await box.sh(`${at} atomic containers update --set=RECEIVER=new c`);
    expect(updated.stderr).toMatch(/no space left on device/i);
    expect(updated.stdout).not.toContain('stop');
    await expectAnswer(box, { image: 'host-files', receiver: 'World' });
    await box.sh(free);
    expect((await box.sh(`${at} atomic containers update --set=RECEIVER=new c`)).exitCode).toBe(0);
    await box.sh(`${at} atomic uninstall c; umount /run/small`);
  });
});

describe('commands at the same time', () => {
  it('install different containers that have layers in common', async () => {
    await box.sh('atomic -y images delete --all; atomic images prune');
    const names = ['hello-world', 'hello-world-2', 'hello-world-3', 'stubborn'];
    const lines = names.map((name) => `atomic install --system --name=${name} ${box.image(name)} &`);

    const { stderr } = await box.sh(`${lines.join(' ')} wait`);

    expect(stderr.replaceAll(/^Waiting for another atomic command .*\n/gm, '')).toBe('');
    expect((await box.atomic('containers', 'list', '-aq', '--no-trunc')).stdout.trim().split('\n')).toEqual(
      names,
    );
    await expectSoundRepository(box);
  });

  it.each([0, 0.1, 0.2])('update the same container, and %s s later uninstall it', async (seconds) => {
    await box.run(install());
    await box.atomic('run', 'c');

    await box.sh(
      `atomic containers update --set=RECEIVER=${seconds} c & sleep ${seconds}; atomic uninstall c; wait`,
    );

    expect(await tracesIn(box)).toBe('');
  });

  it.each([1, 2, 3])('pull and prune, round %s', async () => {
    await box.sh('atomic -y images delete --all; atomic images prune');

    const pulled = await box.sh(
      `for i in 1 2 3 4; do atomic images prune; done & atomic pull ${box.image('many-layers')}; status=$?; wait; exit $status`,
    );

    expect(pulled.exitCode).toBe(0);
    expect(await box.run(install('many-layers'))).toMatchObject({ exitCode: 0 });
    await box.atomic('uninstall', 'c');
    await expectSoundRepository(box);
  });
});
