import { beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERS, useBox } from '../support/test-box.ts';

const box = useBox();

beforeAll(async () => {
  for (const name of ['hello-world', 'with-help', 'variables', 'help-label'])
    await box.atomic('pull', box.image(name));
});

describe('images help', () => {
  it('renders the manual page of an image, and finds it behind a link', async () => {
    const shown = await box.atomic('images', 'help', box.image('with-help'));

    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^\n.*WITH-HELP\(1\)/);
    expect(shown.stdout).toContain('with-help - says what it is for');
    expect(shown.stdout).not.toContain('Not shown');
    expect(shown.stdout).not.toContain('root:');
  });

  it('passes nothing on that commands a terminal, though a manual page asks for it', async () => {
    await box.atomic('install', '--system', '--name=hostile', box.image('with-help'));
    await box.type(
      `cd ${CONTAINERS}/hostile/rootfs && rm -f help.1 && printf '%s\\n' ".TH X 1" "a\\N'27']0;title\\N'7'b" > help.1`,
    );

    const { stdout } = await box.atomic('help', 'hostile');
    await box.atomic('uninstall', 'hostile');

    expect(stdout).toContain('0;title');
    expect(stdout).not.toContain('\u001b]');
  });

  it('shows the README of an image without', async () => {
    expect(await box.atomic('help', box.image('variables'))).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: '\n# Variables\n\nAn image for tests.\n\n',
    });
  });

  it('shows the help of a container, whatever became of its image', async () => {
    await box.atomic('install', '--system', '--name=helped', box.image('with-help'));
    await box.atomic('-y', 'images', 'delete', box.image('with-help'));

    const shown = await box.atomic('help', 'helped');
    await box.atomic('uninstall', 'helped');

    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toContain('says what it is for');
    await box.atomic('pull', box.image('with-help'));
  });

  it('names the command of a label, and does not run it', async () => {
    const shown = await box.atomic('images', 'help', box.image('help-label'));

    expect(shown).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('\ndocker run --rm IMAGE --help\n');
  });

  it('uses a pager on a terminal', async () => {
    const command = `script -qec "atomic help ${box.image('variables')}" /dev/null`;
    const paged = await box.sh(`(sleep 1; printf q) | TERM=xterm ${command}`);
    const printed = await box.sh(`mv /usr/bin/less /run/; ${command}; mv /run/less /usr/bin/`);

    expect(paged.exitCode).toBe(0);
    expect(paged.stdout).toContain('# Variables');
    expect(paged.stdout).toContain('(END)');
    expect(printed.stdout).toBe('\r\n# Variables\r\n\r\nAn image for tests.\r\n\r\n');
  });

  it('shows the source of a manual page where there is no groff', async () => {
    const shown = await box.sh(
      `mv /usr/bin/groff /usr/bin/groff.away; atomic help ${box.image('with-help')}; mv /usr/bin/groff.away /usr/bin/groff`,
    );

    expect(shown.stdout).toContain('.SH NAME\n');
    expect(shown.stderr).toContain("cannot run '/usr/bin/groff': it is not installed; this is the source");
  });

  it.each([
    ['hello-world', /^There is no help for \S+hello-world\.\n$/],
    ['nowhere', /^Unable to find '\S+nowhere' in the following backends: ostree/],
  ])('says that there is none for %s', async (name, message) => {
    const refused = await box.atomic('images', 'help', box.image(name));

    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toMatch(message);
  });
});
