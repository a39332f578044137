/** A real Docker engine inside a box, with its data on the box's disk folder: it ends with the box. */
import { LAYOUTS } from './build-images.ts';
import { eventually, type TestBox } from './test-box.ts';

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

/** The arguments of `docker run` for a container of {@link fillEngine}'s image that goes on. */
export const SLEEP = "--network=none --entrypoint= me/web:1 sh -c 'exec sleep 1000'";

const CONTEXT = '/var/lib/containers/docker-context';

/** Builds an image of the files of hello-world; each instruction makes one more image that it is built from. */
export async function buildImage(
  box: TestBox,
  tag: string,
  ...instructions: readonly string[]
): Promise<void> {
  const lines = ['FROM scratch', 'COPY rootfs /', ...instructions].join('\\n');
  await succeed(
    box,
    `cd ${CONTEXT} && printf '${lines}\\n' > Dockerfile && DOCKER_BUILDKIT=0 docker build -q -t ${tag} .`,
  );
}

/** Gives the engine the image me/web:1, and its containers `up` and `held` (paused) that run, and `down` that ended. */
export async function fillEngine(box: TestBox): Promise<void> {
  await succeed(
    box,
    `mkdir -p ${CONTEXT}/rootfs && umoci raw unpack --image ${LAYOUTS}/hello-world:latest ${CONTEXT}/rootfs`,
  );
  await buildImage(box, 'me/web:1', 'LABEL build=one');
  await succeed(
    box,
    `docker run -d --name=up ${SLEEP} && docker run -d --name=held ${SLEEP} && docker pause held`,
  );
  await succeed(box, "docker run --name=down --network=none me/web:1 sh -c 'exit 3' || [ $? = 3 ]");
}

/** Removes what would outlive the engine. */
export async function emptyEngine(box: TestBox): Promise<void> {
  await succeed(box, 'docker rm -f $(docker ps -aq)');
}

/** Runs a line of shell, which has to succeed, and returns what it prints. */
export async function succeed(box: TestBox, line: string): Promise<string> {
  const { stdout, stderr, exitCode } = await box.sh(line);
  if (exitCode !== 0) throw new Error(`'${line}' ended with ${exitCode}: ${stderr}`);
  return stdout.trim();
}

/** Ends the engine, and takes its socket away. */
export async function stopDocker(box: TestBox): Promise<void> {
  await box.sh('systemctl stop test-docker; rm -f /run/docker.sock');
}
