/** `make shell`: a shell in a throwaway machine, with `atomic` and the images of the tests. */
import { execa } from 'execa';
import { bootBox } from './box.ts';
import { fixtureNames } from './build-images.ts';
import { pushFixtures, startRegistry } from './registry.ts';

await using registry = await startRegistry();
await pushFixtures(registry);
await using box = await bootBox({ registry: registry.address });
console.log(`A machine of its own, with systemd and atomic. It is gone when you leave the shell, with all that is in it.
Images: ${(await fixtureNames()).join(' ')}
  atomic install --system --name=hello --set=RECEIVER=you docker.io/hello-world
  atomic run hello; curl localhost:8081`);
const [program = 'bash', ...args] = [...box.entrance, 'bash', '--norc'];
await execa(program, args, {
  stdio: 'inherit',
  reject: false,
  cwd: '/',
  extendEnv: false,
  env: {
    PATH: `/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin:${process.env.PATH}`,
    HOME: '/root',
    TERM: process.env.TERM ?? 'dumb',
    PS1: 'box \\w # ',
  },
});
