import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Directory } from '../../../../src/host/files/directory.ts';
import { openBelow } from '../../../../src/host/files/open-below.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const root = useEmptyDirectory();
const at = (path: string) => join(root, path);
const OURS = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const modeOf = (path: string) => (statSync(at(path)).mode & 0o7777).toString(8);

/** A tree whose links lead to `outside`. */
beforeEach(() => {
  mkdirSync(at('tree/a/b'), { recursive: true });
  mkdirSync(at('outside'));
  writeFileSync(at('outside/victim'), 'untouched');
  writeFileSync(at('tree/file'), 'text');
  symlinkSync(at('outside'), at('tree/out'));
  symlinkSync('../../outside', at('tree/a/out'));
  symlinkSync('/a/b', at('tree/inside'));
  symlinkSync('loop', at('tree/loop'));
});

const untouched = () => {
  expect(readFileSync(at('outside/victim'), 'utf8')).toBe('untouched');
  expect(modeOf('outside')).toBe('755');
};

describe('openBelow', () => {
  it.each([
    { path: '/out/deeper', line: '/out is a symbolic link' },
    { path: '/a/out', line: '/a/out is a symbolic link' },
    { path: '/file/x', line: '/file is not a directory' },
    { path: '/loop/x', line: '/loop is a symbolic link' },
  ])('refuses $path', ({ path, line }) => {
    using tree = Directory.open(at('tree'), { shownAs: '/' });

    expect(() => openBelow(tree, path)).toThrow(line);
  });

  it.each(['/none', '/a/none/b', '/a/b/none'])('finds nothing at %s', (path) => {
    using tree = Directory.open(at('tree'), { shownAs: '/' });

    expect(openBelow(tree, path)).toBeUndefined();
  });

  it('does not leave the directory by way of its parent', () => {
    using tree = Directory.open(at('tree'), { shownAs: '/' });

    expect(openBelow(tree, '/../outside')).toBeUndefined();
  });

  it('follows the links that it may, inside the directory', () => {
    using tree = Directory.open(at('tree'), { shownAs: '/' });
    writeFileSync(at('tree/a/b/here'), '');

    using found = openBelow(tree, '/inside', (path) => path === '/inside');

    expect(found?.names()).toEqual(['here']);
  });

  it('gives up on links that lead nowhere', () => {
    using tree = Directory.open(at('tree'), { shownAs: '/' });

    expect(() => openBelow(tree, '/loop/x', () => true)).toThrow('/loop is a symbolic link');
  });
});

describe('a directory', () => {
  it('is the same one when somebody puts a link in its place', () => {
    using directory = Directory.open(at('tree/a/b'));
    renameSync(at('tree/a/b'), at('tree/a/moved'));
    symlinkSync(at('outside'), at('tree/a/b'));

    directory.createFile('new', 'x', { ...OURS, mode: 0o600 });
    directory.setAttributes({ ...OURS, mode: 0o777 });

    expect(readFileSync(at('tree/a/moved/new'), 'utf8')).toBe('x');
    untouched();
  });

  it('follows none of its entries', () => {
    using directory = Directory.open(at('tree'));

    expect(() => directory.open('out')).toThrow(`${at('tree/out')} is a symbolic link`);
    expect(() => directory.make('out', { ...OURS, mode: 0o777 })).toThrow(/^EEXIST/);
    expect(() => directory.createFile('out', '', { ...OURS, mode: 0o777 })).toThrow(/^EEXIST/);
    expect(() => directory.openFile('out')).toThrow(/^ELOOP/);
    expect(directory.stat('out')?.isSymbolicLink()).toBe(true);
    untouched();
  });

  it('gives links second names, not what they lead to', () => {
    using directory = Directory.open(at('tree'));
    using other = Directory.open(at('tree/a'));

    directory.link('out', other, 'second');
    directory.rename('out', other, 'third');

    expect(readlinkSync(at('tree/a/second'))).toBe(at('outside'));
    expect(lstatSync(at('tree/a/second')).ino).toBe(lstatSync(at('tree/a/third')).ino);
  });

  it('makes entries with the permissions asked for, whatever the umask', () => {
    const umask = process.umask(0o077);
    try {
      using directory = Directory.open(at('tree'));
      directory.make('made', { ...OURS, mode: 0o2775 })[Symbol.dispose]();
      directory.createFile('created', '', { ...OURS, mode: 0o644 });
    } finally {
      process.umask(umask);
    }

    expect([modeOf('tree/made'), modeOf('tree/created')]).toEqual(['2775', '644']);
  });

  it('copies files, and replaces none', () => {
    using directory = Directory.open(at('tree'));
    using other = Directory.open(at('tree/a'));
    const text = 'x'.repeat(3 << 20);
    writeFileSync(at('tree/big'), text, { mode: 0o640 });

    directory.copyFile('big', other, 'copy');

    expect(readFileSync(at('tree/a/copy'), 'utf8') === text).toBe(true);
    expect(modeOf('tree/a/copy')).toBe('640');
    expect(() => directory.copyFile('file', other, 'copy')).toThrow(/^EEXIST/);
  });

  it('removes what is in a directory, and nothing that links lead to', () => {
    linkSync(at('outside/victim'), at('tree/a/b/second'));
    using directory = Directory.open(at('tree'));

    directory.removeTree('a');
    directory.removeTree('out');
    directory.removeTree('none');

    expect(directory.names()).toEqual(['file', 'inside', 'loop']);
    untouched();
  });

  it('has errors that name the path', () => {
    using directory = Directory.open(at('tree'), { shownAs: '/opt' });

    expect(() => directory.unlink('none')).toThrow(/^ENOENT: .* unlink '\/opt\/none'$/);
    expect(() => directory.rename('none', directory, 'x')).toThrow(/'\/opt\/none' -> '\/opt\/x'$/);
    expect(() => directory.rmdir('a')).toThrow(/^ENOTEMPTY: .*'\/opt\/a'$/);
  });
});
