import { describe, expect, inject, it } from 'vitest';
import { LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();

/** bcrypt of `secret`, as htpasswd(1) makes it. */
const HTPASSWD = 'admin:$2y$05$dugoHztydspBnpRYbuWaoetBZ/22oj1GBhhjplzSgJj2afLcBJHji\n';

/** Runs a command that is to be refused: one line, status 1, and nothing of a container anywhere. */
async function refusal(...argv: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await box.atomic(...argv);
  expect({ exitCode, traces: await tracesIn(box) }).toEqual({ exitCode: 1, traces: '' });
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.includes('is not fully qualified'));
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

const install = async (image: string, ...options: readonly string[]) =>
  await refusal('install', '--system', '--name=hello', ...options, box.image(image));

describe('a container name', () => {
  it.each([
    '../x',
    'a/b',
    '.',
    '..',
    '.hidden',
    '-x',
    'a b',
    "q'q",
    '%i',
    'a\nb',
    'a\u0001',
    'a'.repeat(201),
    'a:b',
  ])('is refused before anything is touched: %j', async (name) => {
    const line = await refusal('install', '--system', `--name=${name}`, box.image('hello-world'));

    expect(line).toContain('Invalid container name');
    expect((await box.sh('ls -A /var/lib/containers')).stdout).toBe('');
  });

  it.each(['stop', 'uninstall', 'run'])('is checked by %s, too', async (verb) => {
    expect(await refusal(verb, '../x')).toContain('Invalid container name');
  });
});

describe('--set', () => {
  it.each(['PORT', '=x', '1A=x', 'A B=x'])('is refused as %j', async (text) => {
    expect(await install('hello-world', `--set=${text}`)).toContain(
      `Invalid value '${text}'.  Expected form NAME=VALUE`,
    );
  });

  it('is refused with a line break', async () => {
    expect(await install('hello-world', '--set=RECEIVER=a\nExecStart=/bin/evil')).toContain(
      'Invalid value for RECEIVER',
    );
  });
});

describe('an image', () => {
  it('is refused without a value that it asks for', async () => {
    const line = await install('needs-value');

    expect(line).toContain("unreplaced value for: ''VAR_WITH_NO_DEFAULT''");
    expect(line).toContain('/var/lib/containers/atomic/hello.0/rootfs/exports/config.json.template');
  });

  it('is refused when its configuration is not JSON once it is filled in', async () => {
    expect(await install('broken-json')).toContain(
      'Invalid json in configuration file: /var/lib/containers/atomic/hello.0/config.json.',
    );
  });

  it('is refused when its root can be written to', async () => {
    expect(await install('writable-root')).toContain('Only readonly images are supported');
  });

  it('is refused when the registry does not have it', async () => {
    const line = await install('no-such-image');

    expect(line).toContain(`cannot pull ${box.image('no-such-image')}`);
    expect(line).toMatch(/unknown/);
  });

  it('is refused when its registry does not answer', async () => {
    expect(await refusal('pull', 'http:127.0.0.1:1/x')).toMatch(
      /cannot pull 127.0.0.1:1\/x: .*connection refused/,
    );
  });

  it('is refused when its registry is not secure and nobody said so', async () => {
    expect(await refusal('pull', `localhost:${inject('registry').split(':')[1]}/hello-world`)).toContain(
      "put 'http:' before the name",
    );
  });

  it.each(['a b', '-x', '../x', 'a@sha256:zz', ''])('is refused with the malformed name %j', async (name) => {
    const line = await refusal('pull', '--', name);

    expect(line).toContain('Invalid image name');
  });

  it('is refused with another runtime than there is', async () => {
    expect(await install('hello-world', '--runtime=/does/not/exist')).toBe(
      'Cannot install the container: the runtime /does/not/exist is not installed; install it, or name another with --runtime',
    );
  });

  it.each(['install --system --runtime=/does/not/exist', 'run --runtime=/does/not/exist'])(
    'is refused by %s before anything is pulled',
    async (words) => {
      const image = '127.0.0.1:1/nowhere:1';
      const command = words.startsWith('run') ? ['true'] : [];

      expect(await refusal(...words.split(' '), image, ...command)).toContain(
        'the runtime /does/not/exist is not installed',
      );
    },
  );

  it('is refused when its unit exists already', async () => {
    await box.sh('touch /etc/systemd/system/hello.service');

    const { stderr, exitCode } = await box.atomic(
      'install',
      '--system',
      '--name=hello',
      box.image('hello-world'),
    );

    expect({ stderr, exitCode }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('The file /etc/systemd/system/hello.service already exists.'),
    });
    await box.sh('rm /etc/systemd/system/hello.service');
    expect(await tracesIn(box)).toBe('');
  });
});

describe('credentials', () => {
  it('are needed, checked, and never shown', async () => {
    await using guarded = await startRegistry({ htpasswd: HTPASSWD });
    await box.reach(guarded.address);
    await pushLayout(guarded, `${LAYOUTS}/hello-world`, 'private', { credentials: 'admin:secret' });
    const image = `http:${guarded.address}/private`;

    expect(await refusal('pull', image)).toMatch(/authentication required|unauthorized/);
    expect(await refusal('pull', '--src-creds=admin:wrong', image)).toContain('check --src-creds');
    const debugged = await box.atomic('--debug', 'pull', '--src-creds=admin:secret', image);

    expect(debugged.exitCode).toBe(0);
    expect(debugged.stdout + debugged.stderr).not.toContain('secret');
    expect(debugged.stderr).toContain('--authfile=');
    expect((await box.sh('ls -A /var/lib/containers/atomic')).stdout).toBe('.storage\n');
  });
});

describe('the configuration', () => {
  it.each([
    { text: 'runtime: [1]', line: '/etc/atomic.conf: runtime: expected text' },
    { text: 'checkout_path: relative', line: '/etc/atomic.conf: checkout_path: expected an absolute path' },
    {
      text: 'DEFAULT_STORAGE: zfs',
      line: "/etc/atomic.conf: default_storage: expected 'ostree' or 'docker'",
    },
  ])('is refused with $text', async ({ text, line }) => {
    await box.sh(`echo '${text}' > /etc/atomic.conf`);

    expect(await refusal('containers', 'list')).toBe(line);
    await box.sh('rm /etc/atomic.conf');
  });

  it('is refused when ATOMIC_CONF names none', async () => {
    const { stderr, exitCode } = await box.run(['atomic', 'images', 'list'], {
      env: { ATOMIC_CONF: '/none' },
    });

    expect({ stderr, exitCode }).toEqual({
      stderr: '/none does not exist; unset or correct ATOMIC_CONF\n',
      exitCode: 1,
    });
  });
});

describe('--debug', () => {
  it('shows the line of the source that an error comes from', async () => {
    const { stderr } = await box.atomic('--debug', 'containers', 'rollback', 'nobody');

    expect(stderr).toMatch(/src\/containers\/rollback\.ts:\d+:\d+/);
  });
});
