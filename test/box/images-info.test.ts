import { beforeAll, describe, expect, it } from 'vitest';
import { useBox } from '../support/test-box.ts';

const box = useBox();

beforeAll(async () => {
  for (const name of ['hello-world', 'variables', 'many-layers']) await box.atomic('pull', box.image(name));
});

describe('images info', () => {
  it('shows the labels and the variables', async () => {
    const shown = await box.atomic('images', 'info', box.image('hello-world'));

    expect(shown).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `Image Name: ${box.image('hello-world')}:latest
Release: 1
Version: 1.0
atomic.type: system
summary: Answers HTTP requests with a greeting


Template variables with default value, but overridable with --set:
ALL_PROCESS_CAPABILITIES: {SET_BY_OS}
CONF_DIRECTORY: {SET_BY_OS}
PIDFILE: {SET_BY_OS}
PORT: 8081
RECEIVER: World
RUN_DIRECTORY: {SET_BY_OS}
STATE_DIRECTORY: {SET_BY_OS}
UUID: {SET_BY_OS}

`,
    });
  });

  it('reads templates as the layers and the host files say', async () => {
    const { stdout } = await box.atomic('images', 'info', '--storage=ostree', box.image('variables'));

    expect(stdout.split('\n\n\n').slice(1)).toEqual([
      `Template variables with default value, but overridable with --set:
ALL_PROCESS_CAPABILITIES: {SET_BY_OS}
CONF_DIRECTORY: {SET_BY_OS}
PIDFILE: {SET_BY_OS}
RUNTIME: {SET_BY_OS}
RUN_DIRECTORY: {SET_BY_OS}
STATE_DIRECTORY: {SET_BY_OS}
UNUSED: 1
UUID: fixed
WITH_DEFAULT: yes`,
      `Template variables that has no default value, and must be set with --set:
ALSO_NEW: {DEF_VALUE}
IN_HOST_FILE: {DEF_VALUE}
NEW: {DEF_VALUE}
NEW_NAME: {DEF_VALUE}

`,
    ]);
  });

  it('is quiet about variables that an image without templates has not', async () => {
    const { stdout, exitCode } = await box.atomic('info', box.image('many-layers'));

    expect(exitCode).toBe(0);
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      `Image Name: ${box.image('many-layers')}:latest`,
      '',
      '',
      'Template variables with default value, but overridable with --set:',
    ]);
    expect(stdout).not.toContain('must be set');
  });

  it('finds an image by its id', async () => {
    const id = (await box.atomic('images', 'list', '-q', '-f', 'repo=variables')).stdout.trim();

    expect((await box.atomic('images', 'info', id)).stdout).toContain(
      `Image Name: ${box.image('variables')}:latest\n`,
    );
  });

  it('starts no program for a local image', async () => {
    const { stderr } = await box.atomic('--debug', 'images', 'info', box.image('variables'));

    expect(stderr).not.toContain('ran a program');
  });

  it('asks the registry for the labels, and pulls nothing', async () => {
    const remote = box.image('needs-value');
    const shown = await box.atomic('images', 'info', '--remote', remote);
    const refs = await box.sh('ls /var/lib/containers/atomic/.storage/ostree/refs/heads/ociimage');

    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toBe(`Image Name: ${remote}:latest
Release: 1
Version: 1.0
atomic.type: system
summary: Answers HTTP requests with a greeting

`);
    expect(refs.stdout).not.toContain('needs-value');
  });

  it('asks for the image of this machine when the registry has several', async () => {
    const shown = await box.atomic('info', '--remote', box.image('multi-arch'));

    expect(shown).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('\nVersion: 1.0\n');
  });

  it.each([
    [['nowhere'], "Unable to find 'nowhere' in the following backends: ostree"],
    [['--storage', 'ostree', 'nowhere'], 'Unable to find nowhere in the ostree backend'],
    [['--remote', 'registry.example/nowhere'], 'cannot inspect registry.example/nowhere: '],
  ])('refuses %j', async (words, message) => {
    const refused = await box.atomic('images', 'info', ...words);

    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain(message);
  });
});
