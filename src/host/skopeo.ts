/** skopeo: reaching registries, with the policy, the certificates and the mirrors that it is configured with. */
import { createHash } from 'node:crypto';
import { AtomicError, ToolError } from '../errors.ts';
import type { Host } from './host.ts';

/** An image in a registry. */
export interface RegistryImage {
  /** As skopeo takes it behind `docker://`. */
  readonly name: string;
  /** As the person knows it, for messages. */
  readonly shownAs: string;
  /** The registry may be without TLS, or with a certificate that nobody vouches for. */
  readonly isInsecure: boolean;
  /** A file in the format of containers-auth.json(5); absent: skopeo's own. */
  readonly authFile: string | undefined;
  /** What is done with it, for messages; `pull` when absent. */
  readonly purpose?: 'inspect' | 'delete';
}

/** The manifest as the registry serves it. */
export interface RawManifest {
  readonly text: string;
  /** `sha256:<hex>` of the text. */
  readonly digest: string;
}

/**
 * Fetches a manifest, or the list of manifests by platform.
 *
 * @throws AtomicError, with skopeo's exit status, when the registry does not answer, refuses, or has no such image
 */
export async function inspectManifest(host: Host, image: RegistryImage): Promise<RawManifest> {
  const text = await inspect(host, image, ['--raw']);
  return { text, digest: digestOf(text) };
}

/** Fetches the configuration of an image; see {@link inspectManifest}. */
export async function inspectConfig(host: Host, image: RegistryImage): Promise<RawManifest> {
  const text = await inspect(host, image, ['--config', '--raw']);
  return { text, digest: digestOf(text) };
}

async function inspect(host: Host, image: RegistryImage, what: readonly string[]): Promise<string> {
  const tls = image.isInsecure ? ['--tls-verify=false'] : [];
  const args = ['inspect', ...what, '--no-tags', ...tls, ...authentication(image), `docker://${image.name}`];
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
 */
export async function copyToLayout(
  host: Host,
  image: RegistryImage,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<void> {
  const tls = image.isInsecure ? ['--src-tls-verify=false', '--dest-tls-verify=false'] : [];
  const target = ['--dest-oci-accept-uncompressed-layers', `docker://${image.name}`, `oci:${folder}`];
  const args = ['copy', ...tls, ...authentication(image), ...target];
  await explained(image, async () => await host.processes.stream({ tool: skopeoPath(host), args, signal }));
}

/**
 * Marks an image for deletion in its registry; every tag of it goes.
 *
 * @throws ToolError when the registry does not answer, refuses, or has no such image
 */
export async function deleteFromRegistry(host: Host, image: RegistryImage): Promise<void> {
  const tls = image.isInsecure ? ['--tls-verify=false'] : [];
  const args = ['delete', ...tls, ...authentication(image), `docker://${image.name}`];
  await host.processes.run({ tool: skopeoPath(host), args });
}

function skopeoPath({ env }: Host): string {
  return env.SKOPEO_PATH || 'skopeo';
}

function authentication({ authFile }: RegistryImage): readonly string[] {
  return authFile === undefined ? [] : [`--authfile=${authFile}`];
}

/** The digest of a manifest or a configuration: `sha256:<hex>`. */
export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Turns skopeo's log into the one line that says why. */
async function explained<Result>(image: RegistryImage, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const reason = reasonOf(error.failure.stderr) ?? error.message;
    const hint = hintFor(reason);
    const details = { exitCode: error.exitCode, cause: error };
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
  return message?.replace(/^Error parsing image name "[^"]*": /, '');
}

function hintFor(reason: string): string | undefined {
  if (/unauthorized|authentication required|denied/i.test(reason))
    return "check --src-creds, or use 'skopeo login'";
  if (/manifest unknown|name unknown/i.test(reason)) return 'check the name and the tag';
  if (/HTTP response to HTTPS client|x509|certificate/i.test(reason))
    return "use 'http:' before the name to do without TLS";
  return undefined;
}
