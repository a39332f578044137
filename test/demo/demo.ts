/** `make demo`: the main path before the user's eyes, with a real registry, skopeo, OSTree, runc and systemd. */
import { join } from 'node:path';
import { bootBox } from '../support/box.ts';
import { buildImages, LAYOUTS } from '../support/build-images.ts';
import { isOnHost } from '../support/host-box.ts';
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

await buildImages(['hello-world']);
await using registry = await startRegistry();
await pushLayout(registry, join(LAYOUTS, 'hello-world'), 'gscrivano/hello-world');
console.log(
  isOnHost
    ? 'ON_HOST=1: everything happens on this host; nothing of it will be left.'
    : 'Booting a throwaway machine with systemd; nothing of it will be left.',
);
await using box = await bootBox({ registry: registry.address });
await mainPath(sessionOf(box.sh), `${registry.address}/gscrivano/hello-world`);
console.log(`
That was all of it. What to type next:
  make install                       put atomic into /usr/local on this host
  atomic install --system IMAGE      with an image of yours; docs/IMAGES.md tells how to make one
  make test                          the same and much more, checked
docs/GUIDE.md walks through the life of a container.`);
