/** A real Docker engine inside a box, with its data on the box's disk folder: it ends with the box. */
import type { TestBox } from './test-box.ts';
import { eventually } from './test-box.ts';

/** The engine needs no network here, and the machine's own is none of its business. */
const NO_NETWORK = ['--bridge=none', '--iptables=false', '--ip-masq=false'];
const DATA = '/var/lib/containers/docker';

/** Starts the engine as the service `test-docker`, and waits until it answers. */
export async function startDocker(box: TestBox): Promise<void> {
  const engine = ['dockerd', ...NO_NETWORK, '--storage-driver=overlay2', `--data-root=${DATA}`];
  const started = await box.run(['systemd-run', '--unit=test-docker', '--property=Delegate=yes', ...engine]);
  const answers = await eventually(box, 'docker version', 30);
  if (answers.exitCode === 0) return;
  const log = await box.sh('journalctl -u test-docker | tail -20');
  throw new Error(`the engine does not start: ${started.stderr}${answers.stderr}${log.stdout}`);
}

/** Ends the engine, and takes its socket away. */
export async function stopDocker(box: TestBox): Promise<void> {
  await box.sh('systemctl stop test-docker; rm -f /run/docker.sock');
}
