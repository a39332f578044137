import { beforeAll, describe, expect, it } from 'vitest';
import { eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();

/** Seconds that systemd waits for a service that nobody has given less: ours have ten. */
const SOON = 90;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

const inRuntime = async () => (await box.sh('runc list -q')).stdout;

describe('a container that ignores SIGTERM', () => {
  beforeAll(async () => {
    const installed = await box.atomic('install', '--system', '--name=stubborn', box.image('stubborn'));
    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('is gone soon after stop, and starts again', async () => {
    await box.atomic('run', 'stubborn');
    await eventually(box, 'runc list -q | grep stubborn');

    expect(await seconds(() => box.atomic('stop', 'stubborn'))).toBeLessThan(SOON);

    expect(await inRuntime()).toBe('');
    expect((await box.atomic('containers', 'list', '-a')).stdout).toContain(' inactive ');
    expect(await box.atomic('run', 'stubborn')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.isActive('stubborn')).toBe(true);
  });

  it('does not keep uninstall from removing everything', async () => {
    expect(await seconds(() => box.atomic('uninstall', 'stubborn'))).toBeLessThan(SOON);

    expect(await inRuntime()).toBe('');
    expect(await tracesIn(box)).toBe('');
    expect((await box.sh('pgrep -f [r]un.sh')).stdout).toBe('');
  });

  it('is gone soon, too, when the Python tool wrote its unit', async () => {
    await box.atomic('install', '--system', '--name=old', box.image('stubborn'));
    const additions = '/^ExecStartPre=\\|^ExecStopPost=\\|^SuccessExitStatus=/d';
    const unit = '/etc/systemd/system/old.service';
    await box.sh(
      `sed -i '${additions}' ${unit} && cp ${unit} /var/lib/containers/atomic/old.0/ && systemctl daemon-reload`,
    );
    await box.sh('systemctl start old');
    await eventually(box, 'runc list -q | grep old');

    expect(await seconds(() => box.atomic('stop', 'old'))).toBeLessThan(SOON);

    expect(await inRuntime()).toBe('');
    expect(await box.atomic('uninstall', 'old')).toMatchObject({ exitCode: 0 });
  });
});

describe('a container that hears SIGTERM', () => {
  it('has the time to stop that its unit grants', async () => {
    await box.atomic('install', '--system', '--name=slow', box.image('slow-to-stop'));
    await box.atomic('run', 'slow');
    await eventually(box, 'runc list -q | grep slow');

    expect(await box.atomic('stop', 'slow')).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await box.type('journalctl --sync; journalctl -o cat -u slow')).toContain('closed all files\n');
    expect(await box.atomic('uninstall', 'slow')).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('a crash', () => {
  beforeAll(async () => {
    await box.atomic('install', '--system', '--name=hello', box.image('hello-world'));
  });

  it('of the runtime leaves a container that does not stop the next start', async () => {
    await box.atomic('run', 'hello');
    await eventually(box, 'curl -sf localhost:8081');
    await box.sh('systemctl stop hello; systemctl start hello');
    await eventually(box, 'curl -sf localhost:8081');

    await box.sh(
      "sed -i 's/^Restart=.*/Restart=no/' /etc/systemd/system/hello.service; systemctl daemon-reload",
    );
    await box.sh('kill -9 $(systemctl show -p MainPID --value hello)');
    await eventually(box, '! systemctl is-active hello');

    expect(await box.atomic('run', 'hello')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi World\n');
  });

  it('in the middle of a run leaves a container that the command removes', async () => {
    await box.atomic('stop', 'hello');
    await box.sh('cd /var/lib/containers/atomic/hello.0 && (runc run hello >/dev/null 2>&1 &)');
    await eventually(box, 'runc list -q | grep hello');

    expect(await box.atomic('run', 'hello')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.isActive('hello')).toBe(true);
  });
});

describe('a service that cannot start', () => {
  it('is reported in one line', async () => {
    await box.atomic('install', '--system', '--name=broken', '--set=PORT=8099', box.image('hello-world'));
    await box.sh('rm /var/lib/containers/atomic/broken.0/config.json');
    await box.sh(
      "sed -i 's/^Restart=.*/Type=oneshot/' /etc/systemd/system/broken.service; systemctl daemon-reload",
    );

    const { stdout, stderr, exitCode } = await box.atomic('run', 'broken');

    expect({ stdout, exitCode }).toEqual({ stdout: 'systemctl start broken\n', exitCode: 1 });
    expect(stderr).toMatch(
      /^cannot start 'broken' \(failed, exit-code, exit status \d+\); see 'journalctl -u broken', which ends with: .*config\.json.*\n$/,
    );
    expect(await box.atomic('uninstall', 'broken')).toMatchObject({ exitCode: 0 });
  });
});
