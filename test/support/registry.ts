/** A real registry on a free port of 127.0.0.1, with its data on disk while it runs. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { atExit } from './at-exit.ts';
import { fixtureNames, LAYOUTS } from './build-images.ts';
import { makeDirectory } from './leftovers.ts';

export interface RegistryOptions {
  /** Only this user is let in: a line of an htpasswd file with a bcrypt hash. */
  readonly htpasswd?: string;
}

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** What it has logged: one line for each request. */
  log(): Promise<string>;
}

/** Starts a registry; disposing of it ends it and removes its data. */
export async function startRegistry({ htpasswd }: RegistryOptions = {}): Promise<Registry> {
  const folder = await makeDirectory('registry', '/var/tmp');
  const address = `127.0.0.1:${await freePort()}`;
  await writeFile(join(folder, 'htpasswd'), htpasswd ?? '');
  await writeFile(join(folder, 'config.yml'), configFor(folder, address, htpasswd !== undefined));
  const log = await open(join(folder, 'log'), 'w');
  const server = spawn('docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const forget = atExit(() => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await waitUntilServing(address);
  return {
    address,
    log: async () => await readFile(join(folder, 'log'), 'utf8'),
    [Symbol.asyncDispose]: async () => {
      forget();
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configFor(folder: string, address: string, isGuarded: boolean): string {
  const auth = isGuarded ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } } : {};
  return JSON.stringify({
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: address },
    ...auth,
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function waitUntilServing(address: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await fetch(`http://${address}/v2/`).catch(() => undefined);
    if (answer !== undefined) return;
    await sleep(25);
  }
  throw new Error(`the registry on ${address} does not answer`);
}

/** Pushes a layout under a name; `format` makes skopeo convert the manifest. */
export async function pushLayout(
  { address }: Pick<Registry, 'address'>,
  layout: string,
  name: string,
  { format, credentials }: { format?: 'v2s2'; credentials?: string } = {},
): Promise<void> {
  const options = [
    ...(format === undefined ? ['--all'] : ['--format', format]),
    ...(credentials === undefined ? [] : [`--dest-creds=${credentials}`]),
  ];
  const source = `oci:${layout}:latest`;
  await execa('skopeo', [
    'copy',
    '-q',
    '--dest-tls-verify=false',
    ...options,
    source,
    `docker://${address}/${name}`,
  ]);
}

/** Pushes all fixtures under their own names, and the guide's image. */
export async function pushFixtures(registry: Registry): Promise<void> {
  for (const name of await fixtureNames()) await pushLayout(registry, join(LAYOUTS, name), name);
  await pushGuideImage(registry, 'hello-world');
}

/** What the guide installs; like most images of its time, with a manifest of Docker's. */
export const GUIDE_IMAGE = 'gscrivano/hello-world';

/** Makes a fixture the image that the guide installs. */
export async function pushGuideImage(registry: Pick<Registry, 'address'>, fixture: string): Promise<void> {
  await pushLayout(registry, join(LAYOUTS, fixture), GUIDE_IMAGE, { format: 'v2s2' });
}
