import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { CONTAINERS, installOnce, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';

const box = useBox();

const remove = async (input: string | undefined, ...argv: readonly string[]) =>
  await box.run(['atomic', ...argv], input === undefined ? {} : { input });
const names = async () => (await box.atomic('containers', 'list', '-aq')).stdout;

beforeEach(async () => {
  for (const name of ['one', 'two']) await installOnce(box, name, box.image('hello-world'));
});

afterAll(async () => {
  await uninstallAll(box);
  expect(await tracesIn(box)).toBe('');
});

describe('containers delete', () => {
  it('asks, and does nothing without a yes', async () => {
    const declined = await remove('n\n', 'containers', 'delete', 'one', 'two');

    expect(declined).toMatchObject({
      stderr: "User aborted delete operation for ['one', 'two']\n",
      exitCode: 2,
    });
    expect(declined.stdout).toMatch(
      /^Do you wish to delete the following containers\?\n\n {3}ID {11}NAME {17}IMAGE_NAME {16}STORAGE\s+one {10}one {18}127\.0\.0\.1/,
    );
    expect(declined.stdout).toMatch(/\n\nConfirm \(y\/N\) $/);
    expect(await names()).toBe('one\ntwo\n');
  });

  it('deletes what is named after a yes, and all with -y', async () => {
    expect(await remove('YES\n', 'containers', 'delete', 'one')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await names()).toBe('two\n');
    const all = await remove(undefined, '-y', 'containers', 'delete', '--all');
    expect(all).toMatchObject({ exitCode: 0, stderr: '' });
    expect(all.stdout).toContain('The following containers will be deleted.\n');
    expect(await names()).toBe('');
  });

  it('deletes nothing that is not a container', async () => {
    await box.type(`mkdir ${CONTAINERS}/backup; touch ${CONTAINERS}/backup/file ${CONTAINERS}/stray`);

    expect(await remove(undefined, '-y', 'containers', 'delete', '--all')).toMatchObject({ exitCode: 0 });
    expect(await box.type(`cd ${CONTAINERS} && ls && rm -r backup stray`)).toBe('backup\nstray\n');
  });

  it('deletes those that use the files of another first', async () => {
    await box.atomic(
      'install',
      '--system',
      '--name=zz',
      `--rootfs=${CONTAINERS}/one`,
      box.image('hello-world'),
    );

    expect(await remove(undefined, '-y', 'containers', 'delete', 'one', 'zz')).toMatchObject({ exitCode: 0 });
    expect(await names()).toBe('two\n');
  });

  it.each([
    { argv: [], message: 'You must select --all or provide a list of containers to delete.' },
    { argv: ['--all', 'one'], message: 'You must select --all or provide a list of containers to delete.' },
    { argv: ['three'], message: "Unable to find backend associated with container 'three'" },
    { argv: ['--storage=ostree', 'three'], message: 'Unable to find three in the ostree backend' },
    { argv: ['--storage=zzz', 'one'], message: "Unable to associate string 'zzz' with backend" },
  ])('refuses $argv', async ({ argv, message }) => {
    const refused = await box.atomic('-y', 'containers', 'delete', ...argv);

    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr.startsWith(message)).toBe(true);
    expect(await names()).toBe('one\ntwo\n');
  });

  it('deletes a damaged container like any other', async () => {
    await box.sh(`: > ${CONTAINERS}/one.0/info`);

    expect(await remove(undefined, '-y', 'containers', 'delete', '--all')).toMatchObject({ exitCode: 0 });
    expect((await box.sh(`ls ${CONTAINERS}`)).stdout).toBe('');
  });

  it('has nothing to delete when there is nothing', async () => {
    await remove(undefined, '-y', 'containers', 'delete', '--all');

    expect(await box.atomic('-y', 'containers', 'delete', '--all')).toMatchObject({
      exitCode: 1,
      stderr: 'No containers to delete\n',
    });
  });
});
