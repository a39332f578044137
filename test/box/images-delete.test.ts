import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { CONTAINERS, useBox } from '../support/test-box.ts';

const box = useBox();
const REFS = `${CONTAINERS}/.storage/ostree/refs/heads/ociimage`;

const tags = async () => (await box.atomic('images', 'list', '-n')).stdout.trimEnd();
const idOf = async (repository: string) =>
  (await box.atomic('images', 'list', '-q', '-f', `repo=${repository}`)).stdout.split('\n')[0] ?? '';

beforeAll(async () => {
  await box.atomic('install', '--system', '--name=based', box.image('hello-world'));
});

beforeEach(async () => {
  for (const name of ['hello-world', 'stubborn']) await box.atomic('pull', box.image(name));
});

describe('images version', () => {
  it('shows the labels, or the id of an image without', async () => {
    const [name, bare] = [box.image('hello-world'), box.image('many-layers')];
    await box.atomic('pull', bare);
    const id = (await box.atomic('images', 'list', '-q', '--no-trunc', '-f', 'repo=many')).stdout.trim();

    const labelled = await box.atomic('images', 'version', name);
    const unlabelled = await box.atomic('version', '-r', '--storage=ostree', bare);
    const byId = await box.atomic('images', 'version', id.slice(0, 8));

    const helloId = await idOf('hello-world');
    const wide = name.length + 9;
    expect(labelled.stdout).toBe(
      `${'IMAGE NAME'.padEnd(wide)} VERSION   IMAGE ID  \n${name.padEnd(wide)} 1.0-1     ${helloId}\n\n`,
    );
    expect(unlabelled.stdout.split('\n')[1]).toBe(`${bare.padEnd(bare.length + 9)} ${id} ${id.slice(0, 12)}`);
    expect(byId.stdout.split('\n')[1]).toMatch(/^<none> {10}/);
    await box.atomic('-y', 'images', 'delete', bare);
  });
});

describe('images tag', () => {
  it('gives an image another name, silently, and takes that from another', async () => {
    const silent = { exitCode: 0, stdout: '', stderr: '' };

    expect(await box.atomic('images', 'tag', box.image('stubborn'), 'local/other')).toEqual(silent);
    const first = await idOf('local/other');
    expect(await box.atomic('images', 'tag', await idOf('hello-world'), 'local/other:latest')).toEqual(
      silent,
    );
    const second = await idOf('local/other');

    expect([first, second]).toEqual([await idOf('stubborn'), await idOf('hello-world')]);
    expect((await box.sh(`ls ${REFS}`)).stdout).toContain('local_2Fother_3Alatest\n');
    await box.atomic('-y', 'images', 'delete', 'local/other');
  });

  it.each([
    [['nowhere', 'x'], "Unable to find 'nowhere' in the following backends: ostree"],
    [['--storage=ostree', 'nowhere', 'x'], 'Cannot find image nowhere.'],
    [['nowhere', `x@sha256:${'a'.repeat(64)}`], 'a tag cannot be a digest'],
    [['nowhere', '../x'], 'Invalid image name "../x"'],
  ])('refuses %j', async (words, message) => {
    const refused = await box.atomic('images', 'tag', ...words);

    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain(message);
  });
});

describe('images delete', () => {
  it('asks, and deletes at a yes', async () => {
    const name = box.image('stubborn');

    const asked = await box.run(['atomic', 'images', 'delete', name], { input: ' Yes\n' });

    expect(asked).toEqual({
      exitCode: 0,
      stderr: '',
      stdout:
        'Do you wish to delete the following images?\n\n' +
        `   ${'IMAGE'.padEnd(name.length + 2)} STORAGE\n   ${name}   ostree\n\nConfirm (y/N) `,
    });
    expect(await tags()).not.toContain('stubborn');
    expect((await box.sh(`ls ${REFS}`)).stdout).toMatch(/^[0-9a-f]{64}$/m);
  });

  it.each([
    {
      input: 'n\n',
      exitCode: 2,
      stderr: (name: string) => `User aborted delete operation for ['${name}', 'x']\n`,
    },
    {
      input: '\n',
      exitCode: 2,
      stderr: (name: string) => `User aborted delete operation for ['${name}', 'x']\n`,
    },
    {
      input: '',
      exitCode: 1,
      stderr: () => "EOF when reading a line; use 'atomic -y images delete …' to be asked nothing\n",
    },
  ])('does nothing when the answer is $input', async ({ input, exitCode, stderr }) => {
    const name = box.image('stubborn');
    await box.atomic('images', 'tag', name, 'x');

    const asked = await box.run(['atomic', 'images', 'delete', name, 'x'], { input });

    expect(asked).toMatchObject({ exitCode, stderr: stderr(name) });
    expect(await tags()).toContain('stubborn');
    await box.atomic('-y', 'images', 'delete', 'x');
  });

  it('ends at an interrupt while it asks', async () => {
    // the shell tells what it runs in the background to ignore SIGINT
    const ask = `env --default-signal=INT atomic images delete ${box.image('stubborn')} <&3 >/run/said & asking=$!`;
    const { stdout } = await box.sh(
      `mkfifo /run/silence; exec 3<>/run/silence; ${ask}; until grep -q Confirm /run/said; do sleep 0.1; done;
      kill -INT $asking; wait $asking; echo "ended with $?"; cat /run/said`,
    );

    expect(stdout).toMatch(/^ended with 130\n/);
    expect(stdout).toContain('Confirm (y/N) ');
    expect(await tags()).toContain('stubborn');
  });

  it('warns of containers that are based on the image, and leaves them as they are', async () => {
    const name = box.image('hello-world');

    const deleted = await box.atomic('-y', 'images', 'delete', '-f', '--storage', 'ostree', name);

    expect(deleted.exitCode).toBe(0);
    expect(deleted.stdout).toMatch(/^The following images will be deleted\.\n\n {3}IMAGE +STORAGE\n/);
    expect(deleted.stderr).toBe(
      `The container 'based' is based on the image ${name}; the container is not changed\n`,
    );
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('based\n');
  });

  it('deletes by id what the prompt lists: every tag of that image, and no other image', async () => {
    const id = await idOf('stubborn');
    const one = await box.run(['atomic', 'images', 'delete', id.slice(0, 5)], { input: 'n\n' });
    await box.atomic('images', 'tag', id, 'local/second');

    const both = await box.atomic('-y', 'images', 'delete', id.slice(0, 5));

    expect(one.stdout).toContain(`   ${id}   ostree\n`);
    expect(both.stdout).toContain(`   ${box.image('stubborn')}:latest   ostree\n`);
    expect(both.stdout).toContain('   local/second:latest ');
    expect(await tags()).not.toMatch(/stubborn|second/);
    expect(await tags()).toContain('hello-world');
  });

  it('deletes a damaged image', async () => {
    await box.sh(
      `c=$(cat ${REFS}/*stubborn*); cd ${CONTAINERS}/.storage/ostree/objects; : > $(echo $c | cut -c-2)/$(echo $c | cut -c3-).commit`,
    );

    expect((await box.atomic('images', 'list')).stderr).toContain("Skipping image '");
    expect((await box.atomic('-y', 'images', 'delete', box.image('stubborn'))).exitCode).toBe(0);
    expect((await box.atomic('images', 'list')).stderr).toBe('');
    await box.sh(`ostree --repo=${CONTAINERS}/.storage/ostree prune --refs-only`);
  });

  it.each([
    [[], 'You must select --all or provide a list of images to delete.'],
    [['--all', 'x'], 'You must select --all or provide a list of images to delete.'],
    [['nowhere'], "Unable to find 'nowhere' in the following backends: ostree"],
    [['--storage=ostree', 'nowhere'], 'Unable to find nowhere in the ostree backend'],
    [['--storage=docker', 'x'], "The 'docker' backend appears unavailable/inactive"],
    [['abc'], "Unable to find 'abc'"],
    [['--remote', '--all'], 'cannot delete all images of a registry'],
  ])('refuses %j', async (words, message) => {
    const refused = await box.atomic('-y', 'images', 'delete', ...words);

    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain(message);
  });

  it('deletes nothing when one of several is not there', async () => {
    const refused = await box.atomic('-y', 'images', 'delete', box.image('stubborn'), 'nowhere');

    expect(refused.exitCode).toBe(1);
    expect(await tags()).toContain('stubborn');
  });

  it('deletes in the registry, without an image of that name here', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    await pushLayout(registry, `${LAYOUTS}/stubborn`, 'remote/one');
    const name = `${registry.address}/remote/one`;

    const deleted = await box.atomic('images', 'delete', '--remote', `http:${name}:latest`);
    const again = await box.atomic('images', 'delete', '--remote', `http:${name}:latest`);

    expect(deleted).toEqual({
      exitCode: 0,
      stdout: `Image docker://${name}:latest marked for deletion\n`,
      stderr: '',
    });
    expect(again).toMatchObject({ exitCode: 2, stdout: '' });
    expect(again.stderr).toMatch(/^Failed to mark Image docker:\/\/.*remote\/one:latest for deletion: ./);
    expect(again.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('verifies the certificate of the registry unless told not to', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    const refused = await box.atomic('images', 'delete', '--remote', `${registry.address}/x`);

    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('HTTP response to HTTPS client');
  });

  it('deletes everything with --all, but for what a deployment may need', async () => {
    await box.atomic('uninstall', 'based');
    await box.atomic('install', '--system', '--name=based', box.image('hello-world'));

    const deleted = await box.atomic('-y', 'images', 'delete', '--all');
    const left = (await box.sh(`ls ${REFS}`)).stdout.trim().split('\n');
    const manifest = `ostree --repo=${CONTAINERS}/.storage/ostree cat $(jq -r '."ostree-commit"' ${CONTAINERS}/based/info) manifest.json`;
    const needed = (await box.sh(`${manifest} | jq -r '.config, .layers[] | .digest'`)).stdout;

    expect(deleted).toMatchObject({ exitCode: 0 });
    expect(deleted.stderr).toContain("The container 'based' is based on");
    expect(left.map((hex) => `sha256:${hex}`).sort()).toEqual(needed.trim().split('\n').sort());
    expect(await box.atomic('-y', 'images', 'delete', '--all')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'No images to delete.\n',
    });
  });
});
