import { describe, expect, it } from 'vitest';
import { LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { useBox } from '../support/test-box.ts';

const box = useBox();

const idOf = async (name: string) =>
  (await box.atomic('images', 'list', '-q', '--no-trunc', '-f', `repo=${name}`)).stdout.trim();

/** The row of an image in the summary. */
const row = (name: string, before: string, after: string, status: string) =>
  [name.padEnd(50), before.slice(0, 32), after.slice(0, 32), status.padEnd(15)].join(' ');

describe('images update', () => {
  it('pulls the newer version of one image, by its name or id', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    const name = `http:${registry.address}/moving`;
    await pushLayout(registry, `${LAYOUTS}/stubborn`, 'moving');
    await box.atomic('pull', name);
    const old = await idOf('moving');
    await pushLayout(registry, `${LAYOUTS}/hello-world`, 'moving');

    const updated = await box.atomic('images', 'update', name);

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await idOf('moving')).not.toBe(old);
    expect((await box.atomic('info', `${registry.address}/moving`)).stdout).toContain('Version: 1.0');
    expect((await box.atomic('-y', 'images', 'delete', (await idOf('moving')).slice(0, 9))).exitCode).toBe(0);
  });

  it('fetches nothing for an image that is current', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    await pushLayout(registry, `${LAYOUTS}/stubborn`, 'still');
    await box.atomic('pull', `http:${registry.address}/still`);
    const before = (await registry.log()).length;

    const updated = await box.atomic('update', '--storage=ostree', `http:${registry.address}/still`);

    expect(updated).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect((await registry.log()).slice(before)).not.toContain('/blobs/');
    await box.atomic('-y', 'images', 'delete', `${registry.address}/still`);
  });

  it('goes on with the next image after a system error', async () => {
    for (const image of ['hello-world', 'stubborn']) await box.atomic('pull', box.image(image));
    const env = { ATOMIC_TEST_FAULT: 'pull.begun:EIO' };

    const all = await box.run(['atomic', 'images', 'update', '--storage=ostree', '--all'], { env });

    expect(all).toMatchObject({ exitCode: 1, stderr: 'EIO: a fault at pull.begun\n'.repeat(2) });
    expect(all.stdout.match(/Could not pull/g)).toHaveLength(2);
    for (const image of ['hello-world', 'stubborn'])
      await box.atomic('-y', 'images', 'delete', box.image(image));
  });

  it('says for all images what became of them, and fails when one could not be pulled', async () => {
    const [hello, moved, gone] = [box.image('hello-world'), box.image('needs-value'), box.image('gone')];
    for (const image of [hello, box.image('stubborn')]) await box.atomic('pull', image);
    for (const target of ['unqualified', gone])
      await box.atomic('images', 'tag', box.image('stubborn'), target);
    await box.atomic('images', 'tag', box.image('stubborn'), moved);
    await box.atomic('-y', 'images', 'delete', box.image('stubborn'));
    const [helloId, staleId] = [await idOf('hello'), await idOf('gone')];

    const all = await box.atomic('images', 'update', '--storage=ostree', '--all');

    const lines = all.stdout.trimEnd().split('\n');
    expect(all.exitCode).toBe(1);
    expect(all.stderr).toContain('Image unqualified:latest not fully qualified: skipping\n');
    expect(all.stderr).toMatch(/^cannot pull .*gone:latest: .*manifest unknown.*\n/m);
    expect(lines.filter((line) => line.startsWith('Checking'))).toEqual(
      [gone, hello, moved].map((name) => `Checking image ${name}:latest...`),
    );
    expect(all.stdout.slice(all.stdout.indexOf('\nSUMMARY'))).toBe(
      [
        '',
        'SUMMARY',
        '',
        row('Image', 'Image ID before update'.padEnd(32), 'Image ID after update'.padEnd(32), 'Status'),
        row(`${gone}:latest`, staleId, staleId, 'Could not pull'),
        row(`${hello}:latest`, helloId, helloId, 'Updated'),
        row(`${moved}:latest`, staleId, await idOf('needs-value'), 'Updated now'),
        '',
      ].join('\n'),
    );
  });

  it('takes the name of an image as it is, also when it looks like a prefix', async () => {
    await box.atomic('images', 'tag', box.image('hello-world'), 'oci:docker:1');
    const id = (await idOf('docker')).slice(0, 12);

    const updated = await box.atomic('images', 'update', 'oci:docker:1');
    const all = await box.atomic('images', 'update', '--all', '--storage=ostree');
    await box.atomic('-y', 'images', 'delete', 'oci:docker:1');

    expect(id).toMatch(/^[0-9a-f]{12}$/);
    expect(updated.stderr).toMatch(/cannot pull docker:1: .*manifest unknown/);
    expect(all.stderr).toContain('Image docker:1 not fully qualified: skipping\n');
  });

  it('colours the summary on a terminal, and succeeds when all could be pulled', async () => {
    await box.atomic('-y', 'images', 'delete', box.image('gone'));
    const onTerminal = await box.sh('script -qec "atomic update --all --storage ostree" /dev/null');

    expect(onTerminal.exitCode).toBe(0);
    expect(onTerminal.stdout).toContain(' \u001b[1;32mUpdated\u001b[0m        \r\n');
  });
});
