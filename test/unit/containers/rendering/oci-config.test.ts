import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bindSources,
  commandOf,
  completeDefaultConfig,
  parseOciConfig,
  requireSystemContainer,
} from '../../../../src/containers/rendering/oci-config.ts';
import { AtomicError } from '../../../../src/errors.ts';
import { useDirectory } from '../../support/directory.ts';
import { mutated, randomFrom } from '../../support/noise.ts';

const directory = useDirectory();
/** What `runc spec --rootless` writes. */
let proposed = '';

beforeAll(async () => {
  await execa('runc', ['spec', '--rootless'], { cwd: directory });
  proposed = await readFile(join(directory, 'config.json'), 'utf8');
});

const parse = (document: unknown) => parseOciConfig(JSON.stringify(document), '/ck/x.0/config.json');

describe('parseOciConfig', () => {
  it('reads what runc proposes, whole', () => {
    expect(parseOciConfig(proposed, '/f')).toEqual(JSON.parse(proposed));
  });

  it.each([
    { name: 'an empty object', document: {} },
    { name: 'a mount without type', document: { mounts: [{ destination: '/a', source: '/b' }] } },
    {
      name: 'keys of later versions',
      document: { ociVersion: '9', process: { future: 1 }, root: { future: [] }, later: true },
    },
  ])('reads $name', ({ document }) => {
    expect(parse(document)).toEqual(document);
  });

  it.each(['', '{', '{"a":1,}', '{"args": ["$X"", "b"]}'])(
    'calls %j no JSON, in the words that scripts know',
    (text) => {
      expect(() => parseOciConfig(text, '/ck/x.0/config.json')).toThrow(AtomicError);
      expect(() => parseOciConfig(text, '/ck/x.0/config.json')).toThrow(
        expect.objectContaining({
          message: 'Invalid json in configuration file: /ck/x.0/config.json.',
          hint: expect.stringContaining('JSON'),
        }),
      );
    },
  );

  it.each([
    { name: 'a list', document: [], where: 'document' },
    { name: 'nothing', document: null, where: 'document' },
    { name: 'arguments that are one text', document: { process: { args: 'sh' } }, where: 'process.args' },
    {
      name: 'an argument that is no text',
      document: { process: { args: ['a', 1] } },
      where: 'process.args.1',
    },
    { name: 'a root that is a text', document: { root: 'rootfs' }, where: 'root' },
    { name: 'a word for a truth value', document: { root: { readonly: 'true' } }, where: 'root.readonly' },
    { name: 'mounts that are no list', document: { mounts: {} }, where: 'mounts' },
    {
      name: 'a source that is no text',
      document: { mounts: [{ source: ['/a'] }] },
      where: 'mounts.0.source',
    },
  ])('refuses $name, and says where', ({ document, where }) => {
    expect(() => parse(document)).toThrow(AtomicError);
    expect(() => parse(document)).toThrow(`Invalid configuration file: /ck/x.0/config.json: ${where}: `);
  });

  it('survives mutations of what runc proposes', () => {
    const random = randomFrom(3);
    const compact = Buffer.from(JSON.stringify(JSON.parse(proposed)));
    const verdicts = new Set<string>();

    for (let round = 0; round < 3000; round++) {
      try {
        const config = parseOciConfig(mutated(compact, random).toString(), '/f');
        for (const source of bindSources(config, '/f')) expect(source).toMatch(/^\//);
        for (const argument of commandOf(config)) expect(argument).toBeTypeOf('string');
        verdicts.add('read');
      } catch (error) {
        expect(error).toBeInstanceOf(AtomicError);
        verdicts.add('refused');
      }
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });
});

describe('requireSystemContainer', () => {
  it('accepts a read-only rootfs', () => {
    expect(() =>
      requireSystemContainer(parse({ root: { readonly: true, path: 'rootfs' } }), '/f'),
    ).not.toThrow();
  });

  it.each([
    { name: 'nothing', config: {} },
    { name: 'a root that does not say', config: { root: { path: 'rootfs' } } },
    { name: 'a root that can be written', config: { root: { path: 'rootfs', readonly: false } } },
  ])('refuses $name in the words of the Python tool', ({ config }) => {
    expect(() => requireSystemContainer(parse(config), '/f')).toThrow(
      expect.objectContaining({
        message: 'Invalid configuration file.  Only readonly images are supported',
        hint: "set root.readonly to true in the image's /exports/f",
      }),
    );
  });

  it.each(['/rootfs', './rootfs', 'rootfs/', '/', '../../etc', undefined])('refuses the root %j', (path) => {
    expect(() => requireSystemContainer(parse({ root: { readonly: true, path } }), '/f')).toThrow(
      expect.objectContaining({
        message: "Invalid configuration file.  Path must be 'rootfs'",
        hint: "set root.path to 'rootfs' in the image's /exports/f",
      }),
    );
  });
});

describe('completeDefaultConfig', () => {
  it("changes four things of the runtime's proposal, and nothing else", () => {
    const before = JSON.parse(proposed);

    const text = completeDefaultConfig(proposed, '/f');

    expect(JSON.parse(text)).toEqual({
      ...before,
      root: { ...before.root, readonly: true, path: 'rootfs' },
      process: { ...before.process, terminal: false, args: ['run.sh'] },
    });
    expect(() => requireSystemContainer(parseOciConfig(text, '/f'), '/f')).not.toThrow();
  });

  it('is indented by four blanks', () => {
    expect(completeDefaultConfig('{"ociVersion":"1.0.0"}', '/f')).toBe(`{
    "ociVersion": "1.0.0",
    "root": {
        "readonly": true,
        "path": "rootfs"
    },
    "process": {
        "terminal": false,
        "args": [
            "run.sh"
        ]
    }
}`);
  });

  it('refuses a proposal that is none', () => {
    expect(() => completeDefaultConfig('', '/f')).toThrow('Invalid json in configuration file: /f.');
  });
});

describe('commandOf', () => {
  it.each([
    {
      name: 'the arguments',
      config: { process: { args: ['/bin/sh', '-c', 'a b'] } },
      want: ['/bin/sh', '-c', 'a b'],
    },
    { name: 'nothing without arguments', config: { process: {} }, want: [] },
    { name: 'nothing without process', config: {}, want: [] },
  ])('is $name', ({ config, want }) => {
    expect(commandOf(parse(config))).toEqual(want);
  });
});

describe('bindSources', () => {
  it.each([
    {
      name: 'the sources of bind mounts, in order',
      mounts: [
        { type: 'bind', source: '/b' },
        { type: 'bind', source: '/a' },
      ],
      want: ['/b', '/a'],
    },
    { name: 'those of rbind, which contains it', mounts: [{ type: 'rbind', source: '/a' }], want: ['/a'] },
    {
      name: 'a source twice',
      mounts: [
        { type: 'bind', source: '/a' },
        { type: 'bind', source: '/a' },
      ],
      want: ['/a', '/a'],
    },
    {
      name: 'no other file systems',
      mounts: [
        { type: 'tmpfs', source: '/a' },
        { type: 'proc', source: 'proc' },
      ],
      want: [],
    },
    {
      name: 'no mounts without type, even with the option',
      mounts: [
        { source: '/a', options: ['bind'] },
        { type: 'none', source: '/a', options: ['bind'] },
      ],
      want: [],
    },
    {
      name: 'nothing relative to the bundle',
      mounts: [{ type: 'bind', source: 'rootfs/a' }, { type: 'bind', source: '' }, { type: 'bind' }],
      want: [],
    },
    { name: 'nothing without mounts', mounts: undefined, want: [] },
  ])('are $name', ({ mounts, want }) => {
    expect(bindSources(parse({ mounts }), '/f')).toEqual(want);
  });

  it.each(['/a\nd /etc 0777', '/a\tb', '/a\0', '/\u001b[0m'])(
    'refuse the control character in %j',
    (source) => {
      const config = parse({
        mounts: [
          { type: 'bind', source: '/fine' },
          { type: 'bind', source },
        ],
      });

      expect(() => bindSources(config, '/f')).toThrow(AtomicError);
      expect(() => bindSources(config, '/f')).toThrow(
        `Invalid configuration file: /f: bad mount source ${JSON.stringify(source)}`,
      );
    },
  );
});
