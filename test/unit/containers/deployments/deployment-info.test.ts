import { describe, expect, it } from 'vitest';
import { parseInfo, renderInfo } from '../../../../src/containers/deployments/deployment.ts';
import { AtomicError } from '../../../../src/errors.ts';
import { mutated, randomFrom } from '../../support/noise.ts';

/** As the Python tool writes it. */
const RECORD = {
  image: 'docker.io/gscrivano/etcd',
  revision: 'ab'.repeat(32),
  'ostree-commit': 'cd'.repeat(32),
  created: 1580702706,
  values: { NAME: 'etcd', HOST_UID: 0, HOST_GID: 0, PORT: '2379', FLAG: true },
  'has-container-service': true,
  'installed-files': ['/usr/local/bin/etcdctl'],
  'installed-files-checksum': { '/usr/local/bin/etcdctl': 'ef'.repeat(32) },
  'installed-files-template': [],
  'rename-installed-files': {},
  'rpm-installed': null,
  'system-package': 'no',
  remote: null,
  'use-links': true,
  runtime: '/usr/bin/runc',
};

/** What a reader sees where a record says nothing. */
const DEFAULTS = {
  image: '',
  revision: '',
  'ostree-commit': '',
  created: 0,
  values: {},
  'has-container-service': true,
  'use-links': false,
};

const NULLS = {
  'installed-files': null,
  'installed-files-checksum': null,
  'rpm-installed': null,
  'system-package': null,
  remote: null,
  runtime: null,
};

describe('parseInfo', () => {
  it('reads a record of the Python tool', () => {
    expect(parseInfo(JSON.stringify(RECORD), '/f')).toEqual(RECORD);
  });

  it.each([
    { name: 'none of the keys', record: {}, want: {} },
    { name: 'null for the revision', record: { revision: null }, want: {} },
    {
      name: 'keys that we do not know',
      record: { later: [1], image: 'x' },
      want: { later: [1], image: 'x' },
    },
    { name: 'the names that were set', record: { 'set-values': ['PORT'] }, want: { 'set-values': ['PORT'] } },
    {
      name: 'no container service',
      record: { 'has-container-service': false, 'use-links': true },
      want: { 'has-container-service': false, 'use-links': true },
    },
    { name: 'null where it may stand', record: NULLS, want: NULLS },
    {
      name: 'what nobody needs to be right',
      record: {
        image: 1,
        'ostree-commit': [],
        created: '1',
        values: 'x',
        'has-container-service': 'yes',
        'use-links': 1,
      },
      want: {},
    },
  ])('reads a record with $name', ({ record, want }) => {
    expect(parseInfo(JSON.stringify(record), '/f')).toEqual({ ...DEFAULTS, ...want });
  });

  it.each([
    { name: 'nothing', text: '' },
    { name: 'half a record', text: JSON.stringify(RECORD).slice(0, 99) },
    { name: 'a list', text: '[]' },
    { name: 'null', text: 'null' },
    { name: 'a revision that is no text', text: '{"revision":7}' },
    { name: 'one file instead of a list', text: '{"installed-files":"/etc/passwd"}' },
    { name: 'a checksum that is no text', text: '{"installed-files-checksum":{"/a":1}}' },
    { name: 'a runtime that is no text', text: '{"runtime":["/bin/sh"]}' },
    { name: 'a remote that is no text', text: '{"remote":false}' },
  ])('calls a record damaged that holds $name', ({ text }) => {
    expect(() => parseInfo(text, '/ck/x.0/info')).toThrow(AtomicError);
    expect(() => parseInfo(text, '/ck/x.0/info')).toThrow(
      '/ck/x.0/info is damaged: it is not the record of a deployment',
    );
  });

  it('survives mutations', () => {
    const random = randomFrom(4);
    const bytes = Buffer.from(JSON.stringify(RECORD));
    const verdicts = new Set<string>();

    for (let round = 0; round < 3000; round++) {
      try {
        const info = parseInfo(mutated(bytes, random).toString(), '/f');
        expect(info).toMatchObject({
          image: expect.any(String),
          revision: expect.any(String),
          created: expect.any(Number),
        });
        verdicts.add('read');
      } catch (error) {
        expect(error).toBeInstanceOf(AtomicError);
        verdicts.add('refused');
      }
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });
});

describe('renderInfo', () => {
  it('is indented by four blanks and ends its last line', () => {
    expect(renderInfo({ image: 'x', values: { A: '1' } })).toBe(
      '{\n    "image": "x",\n    "values": {\n        "A": "1"\n    }\n}\n',
    );
  });

  it('is read back', () => {
    expect(parseInfo(renderInfo(RECORD), '/f')).toEqual(RECORD);
  });
});
