import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  generateTmpfiles,
  isMadeAtBoot,
  type PathState,
  pathsOfTmpfiles,
} from '../../../../src/containers/rendering/tmpfiles.ts';
import { useDirectory } from '../../support/directory.ts';

const USER = { uid: 1000, gid: 100, home: '/home/u', isRoot: false };

const folder = useDirectory();

beforeAll(async () => {
  await mkdir(join(folder, 'own/present'), { recursive: true });
  await mkdir(join(folder, 'own-not'));
  await writeFile(join(folder, 'file'), '');
  await symlink('nowhere', join(folder, 'dangling'));
});

const generate = (sources: readonly string[]) =>
  generateTmpfiles(sources, { user: USER, ownDirectory: join(folder, 'own') });

describe('generateTmpfiles', () => {
  it('lists missing folders, in order, for the one who calls', () => {
    expect(generate(['/nowhere/b', '/nowhere/a'])).toBe(
      'd    /nowhere/b   0700 1000 100 - -\nd    /nowhere/a   0700 1000 100 - -\n',
    );
  });

  it('lists a folder once', () => {
    expect(generate(['/nowhere/a', '/nowhere/a'])).toBe('d    /nowhere/a   0700 1000 100 - -\n');
  });

  it.each([
    { name: "the container's own folder, though it is there", path: 'own', isListed: true },
    { name: 'what is in it, though it is there', path: 'own/present', isListed: true },
    { name: 'a folder whose name only begins alike', path: 'own-not', isListed: false },
    { name: 'a file that is there', path: 'file', isListed: false },
    { name: 'a link that is there, if dangling', path: 'dangling', isListed: false },
    { name: 'what cannot be there, below a file', path: 'file/below', isListed: true },
  ])('lists $name: $isListed', ({ path, isListed }) => {
    const source = join(folder, path);

    expect(generate([source])).toBe(isListed ? `d    ${source}   0700 1000 100 - -\n` : undefined);
  });

  it('has nothing to say without sources', () => {
    expect(generate([])).toBeUndefined();
  });

  it('names every path so that systemd-tmpfiles makes exactly that', async () => {
    const names = [
      'plain',
      'a b',
      'per%cent',
      '%i',
      '%a%b',
      'quo"te',
      "apo'strophe",
      'back\\slash',
      '\\x41',
      '#hash',
      '$x',
    ];
    names.push('semi;colon', 'no\u00a0break', 'caf\u00e9', '*', '-', '"', ' ');
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    const file = join(folder, 'generated.conf');
    const root = join(folder, 'root');
    const sources = names.map((name) => `/nowhere/${name}`);
    const text = generateTmpfiles(sources, { user: { ...USER, uid, gid }, ownDirectory: '/nowhere' });
    await writeFile(file, text ?? '');
    await mkdir(root);

    await execa('systemd-tmpfiles', ['--create', `--root=${root}`, file]);

    expect(await readdir(join(root, 'nowhere'))).toEqual(names.sort());
    const { mode, uid: owner, gid: group } = await stat(join(root, 'nowhere/a b'));
    expect({ mode: mode & 0o7777, owner, group }).toEqual({ mode: 0o700, owner: uid, group: gid });
  });
});

describe('a directory below /run', () => {
  const FACTS = { user: USER, ownDirectory: '/run/web', stateOf: (): PathState => 'directory' };

  it('that exists is listed for the next boot, and left as it is until then', () => {
    expect(generateTmpfiles(['/run/shared', '/var/run/other', '/srv/data'], FACTS)).toBe(
      'd    /run/shared   - - - - -\nd    /var/run/other   - - - - -\n',
    );
  });

  it('is made by such a line when it is missing, and keeps its mode when it is there', async () => {
    const root = join(folder, 'boot');
    await mkdir(join(root, 'run'), { recursive: true });
    const file = join(folder, 'boot.conf');
    const create = async () => {
      await execa('systemd-tmpfiles', ['--create', `--root=${root}`, file]);
      return (await stat(join(root, 'run/shared'))).mode & 0o7777;
    };
    await writeFile(file, generateTmpfiles(['/run/shared'], FACTS) ?? '');

    expect(await create()).toBe(0o755);
    await chmod(join(root, 'run/shared'), 0o1770);
    expect(await create()).toBe(0o1770);
  });

  it.each(['/run', '/run/systemd', '/run/systemd/journal', '/run/user/1000', '/run/lock', '/running'])(
    'is not one that systemd makes: %s',
    (source) => {
      expect(generateTmpfiles([source], FACTS)).toBeUndefined();
    },
  );

  it('that another tmpfiles.d file makes is left to that one', () => {
    const isMadeElsewhere = (path: string) => path === '/run/dbus';

    expect(generateTmpfiles(['/run/dbus'], { ...FACTS, isMadeAtBoot: isMadeElsewhere })).toBeUndefined();
  });

  it('that the deployment before has made stays ours', () => {
    const [line = ''] = [generateTmpfiles(['/run/shared'], { ...FACTS, stateOf: () => 'absent' })];

    expect(generateTmpfiles(['/run/shared'], { ...FACTS, previous: line })).toBe(line);
  });

  it('may be a socket, which no directory takes the place of', () => {
    expect(generateTmpfiles(['/run/docker.sock'], { ...FACTS, stateOf: () => 'other' })).toBeUndefined();
  });
});

describe('pathsOfTmpfiles', () => {
  it('finds the paths of lines, quoted or not', () => {
    const text = '# d /no\n\nd /a 0755\nf+! "/b c" - - -\nL\t/d - - - - /e\n d /indented\n';

    expect(pathsOfTmpfiles(text)).toEqual(['/a', '/b c', '/d']);
  });

  it('knows what systemd itself makes', () => {
    expect(isMadeAtBoot('/tmp', '/etc/tmpfiles.d/web.conf')).toBe(true);
    expect(isMadeAtBoot('/run/nobody-makes-this', '/etc/tmpfiles.d/web.conf')).toBe(false);
  });
});
