/** `make demo`: the main path before the user's eyes, with a real registry, skopeo, OSTree, runc and systemd. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { bootBox, type Outcome, PROJECT } from '../support/box.ts';
import { buildImages, LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { type Session, sessionOf } from '../support/session.ts';

const WAIT = 'for i in $(seq 100); do curl -sf localhost:8081 && break; sleep 0.1; done';

async function mainPath({ type, say }: Session, image: string): Promise<void> {
  say('Fetch an image into the OSTree repository, and make a container of it:');
  await type(`atomic pull --storage ostree ${image}`);
  await type(`atomic install --system --name=hello --set=RECEIVER=Jerry ${image}`);
  say('It is a service like any other; atomic run is systemctl start:');
  await type('atomic run hello');
  const answer = await type(WAIT);
  if (answer !== 'Hi Jerry\n') throw new Error(`the container answers ${JSON.stringify(answer)}`);
  await type('atomic containers list');
  await type('atomic images list');
  say('And away with it:');
  await type('atomic stop hello');
  await type('atomic uninstall hello');
  await type('atomic containers list -a');
}

/** On the host itself only when asked: it is then left with the image in its repository. */
async function onHost(): Promise<boolean> {
  return (
    process.env.ATOMIC_DEMO_ON_HOST === '1' && (await readFile('/proc/1/comm', 'utf8')).trim() === 'systemd'
  );
}

async function shellOnHost(line: string): Promise<Outcome> {
  const env = { PATH: `${join(PROJECT, 'bin')}:${process.env.PATH}` };
  const { stdout, stderr, exitCode } = await execa('sh', ['-c', line], {
    env,
    reject: false,
    stripFinalNewline: false,
  });
  return { stdout, stderr, exitCode: exitCode ?? 255 };
}

await buildImages(['hello-world']);
await using registry = await startRegistry();
await pushLayout(registry, join(LAYOUTS, 'hello-world'), 'gscrivano/hello-world');
if (await onHost()) {
  await mainPath(sessionOf(shellOnHost), `http:${registry.address}/gscrivano/hello-world`);
} else {
  console.log('Booting a throwaway machine with systemd; nothing of it will be left.');
  await using box = await bootBox({ registry: registry.address });
  await mainPath(sessionOf(box.sh), `${registry.address}/gscrivano/hello-world`);
}
console.log(`
That was all of it. What to type next:
  make install                       put atomic into /usr/local on this host
  atomic install --system IMAGE      with an image of yours; docs/IMAGES.md tells how to make one
  make test                          the same and much more, checked
docs/GUIDE.md walks through the life of a container.`);
