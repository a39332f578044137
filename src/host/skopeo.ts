/** skopeo(1): reads and copies images, with the policy, certificates and mirrors of its configuration. */
import { createHash } from 'node:crypto';
import { AtomicError, ToolError } from '../errors.ts';
import type { Host } from './host.ts';

/** An image where skopeo finds it. */
export interface ImageSource {
  /** As skopeo takes it (containers-transports(5)), such as `docker://etcd:3`. */
  readonly location: string;
  /** As the person knows it, for messages. */
  readonly shownAs: string;
  /** The registry may be without TLS, or with a certificate that nobody vouches for. */
  readonly isInsecure: boolean;
  /** A file in the format of containers-auth.json(5); absent: skopeo's own. */
  readonly authFile: string | undefined;
  /** What a person can do about a failure, given the reason that skopeo has logged. */
  readonly hintFor: (reason: string) => string | undefined;
  /** What is done with it, for messages; `pull` when absent. */
  readonly purpose?: 'pull' | 'inspect' | 'delete';
}

/** A manifest, or a configuration, as its source has it. */
export interface RawManifest {
  readonly text: string;
  /** `sha256:<hex>` of the text. */
  readonly digest: string;
}

/** How long a registry may take for a small answer: skopeo would wait for ever. */
const ANSWER_TIME = '--command-timeout=120s';

/**
 * Fetches a manifest, or the list of manifests by platform.
 *
 * @throws AtomicError, with skopeo's exit status, when the registry does not answer, refuses, or has no such image
 */
export async function inspectManifest(host: Host, image: ImageSource): Promise<RawManifest> {
  const text = await inspect(host, image, ['--raw']);
  return { text, digest: digestOf(text) };
}

/** Fetches the configuration of an image; see {@link inspectManifest}. */
export async function inspectConfig(host: Host, image: ImageSource): Promise<RawManifest> {
  const text = await inspect(host, image, ['--config', '--raw']);
  return { text, digest: digestOf(text) };
}

async function inspect(host: Host, image: ImageSource, what: readonly string[]): Promise<string> {
  const tls = image.isInsecure ? ['--tls-verify=false'] : [];
  const options = [...tls, ...authentication(image)];
  const args = [ANSWER_TIME, 'inspect', ...what, ...options, image.location];
  return await explained(
    image,
    async () => (await host.processes.run({ tool: skopeoPath(host), args })).stdout,
  );
}

/**
 * Copies an image into an OCI layout, layers as they are; those whose files are already there are not fetched. A
 * blob gets its name `blobs/sha256/<hex>` when it is complete and its digest has been verified.
 *
 * @param signal ends the copy when aborted
 * @param onLine gets what skopeo says
 */
export async function copyToLayout(
  host: Host,
  image: ImageSource,
  { folder, signal, onLine }: { folder: string; signal: AbortSignal; onLine: (line: string) => void },
): Promise<void> {
  const tls = image.isInsecure ? ['--src-tls-verify=false', '--dest-tls-verify=false'] : [];
  const target = ['--dest-oci-accept-uncompressed-layers', image.location, `oci:${folder}`];
  const args = ['copy', ...tls, ...authentication(image), ...target];
  const call = { tool: skopeoPath(host), args, signal };
  await explained(image, async () => await host.processes.stream(call, onLine));
}

/**
 * Copies an image into a folder that skopeo makes: its manifest as it is (from a list the one for this machine) to
 * `manifest.json`, its configuration and its layers to files named by their hex digests, which skopeo verifies.
 *
 * @param isCompressing gzips layers that are not compressed; the manifest then has the new digests and sizes
 * @throws AtomicError when the source is not there, or not what it says it is
 */
export async function copyToFolder(
  host: Host,
  image: ImageSource,
  {
    folder,
    isCompressing,
    onLine,
  }: { folder: string; isCompressing: boolean; onLine: (line: string) => void },
): Promise<void> {
  const { DOCKER_HOST: engine } = host.env;
  const daemon = engine ? [`--src-daemon-host=${engine}`] : [];
  const compress = isCompressing ? ['--dest-compress'] : [];
  const args = ['copy', ...daemon, ...compress, image.location, `dir:${folder}`];
  const call = { tool: skopeoPath(host), args };
  await explained(image, async () => await host.processes.stream(call, onLine));
}

/**
 * Marks an image for deletion in its registry; every tag of it goes.
 *
 * @throws ToolError when the registry does not answer, refuses, or has no such image
 */
export async function deleteFromRegistry(host: Host, image: ImageSource): Promise<void> {
  const tls = image.isInsecure ? ['--tls-verify=false'] : [];
  const args = [ANSWER_TIME, 'delete', ...tls, ...authentication(image), image.location];
  await host.processes.run({ tool: skopeoPath(host), args });
}

function skopeoPath({ env }: Host): string {
  return env.SKOPEO_PATH || 'skopeo';
}

function authentication({ authFile }: ImageSource): readonly string[] {
  return authFile === undefined ? [] : [`--authfile=${authFile}`];
}

/** The digest of a manifest or a configuration: `sha256:<hex>`. */
export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Docker's client library words it differently from version to version. */
const ENGINE_IS_DOWN = /cannot connect to the docker daemon|failed to connect to the docker API/i;
const NO_ENGINE = 'The docker daemon does not appear to be running.';
const START_ENGINE = "start it with 'systemctl start docker'";

/** Turns skopeo's log into the one line that says why. */
async function explained<Result>(image: ImageSource, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const reason = reasonOf(error.failure.stderr) ?? error.message;
    const hint = image.hintFor(reason);
    const details = { exitCode: error.exitCode, cause: error };
    if (ENGINE_IS_DOWN.test(reason)) throw new AtomicError(NO_ENGINE, { ...details, hint: START_ENGINE });
    throw new AtomicError(
      `cannot ${image.purpose ?? 'pull'} ${image.shownAs}: ${reason}`,
      hint === undefined ? details : { ...details, hint },
    );
  }
}

/** skopeo logs `time="…" level=fatal msg="…"`, the message quoted as in Go, or bare when it is one word. */
export function reasonOf(stderr: string): string | undefined {
  const [, quoted, bare] = /level=fatal msg=(?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(stderr) ?? [];
  const message =
    quoted?.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? ' ' : character)) ?? bare;
  return message?.replace(/^(Error parsing image name "[^"]*"|initializing source \S+): /, '');
}
