import { describe, expect, it } from 'vitest';
import {
  type FileRecord,
  fingerprintOf,
  recordedFiles,
  recordsOf,
} from '../../../../src/containers/host-files/record.ts';
import { randomFrom } from '../../support/noise.ts';

describe('the record of host files', () => {
  it('is read as it was written', () => {
    const random = randomFrom(7);
    const maybe = <Value>(key: string, value: Value) => (random(2) === 0 ? {} : { [key]: value });
    for (let round = 0; round < 200; round += 1) {
      const entries = Array.from({ length: random(6) }, (_, index): [string, FileRecord] => [
        `/dir-${random(3)}/\u00e9 ${index}`,
        {
          checksum: String(random(1000)),
          ...maybe('link', '../x'),
          ...maybe('size', random(1 << 30)),
          ...maybe('kept', '-> y'),
        },
      ]);
      const files = new Map(entries);

      const info = JSON.parse(JSON.stringify(recordedFiles(files, ['/b', '/a', '/b'])));

      expect(recordsOf(info)).toEqual(files);
      expect(info['created-folders']).toEqual(['/a', '/b']);
      expect(info['installed-files']).toEqual([...files.keys()].sort());
    }
  });

  it('may be one of the Python tool, whose links were followed', () => {
    const info = { 'installed-files': ['/a', '/b'], 'installed-files-checksum': { '/a': 'abc' } };

    expect([...recordsOf(info)]).toEqual([
      ['/a', { checksum: 'abc', isFollowed: true }],
      ['/b', { checksum: '', isFollowed: true }],
    ]);
    expect(recordsOf({}).size).toBe(0);
  });

  it('tells links by their text, and files by their content', () => {
    expect(fingerprintOf({ checksum: 'abc', link: 'x' })).not.toBe(
      fingerprintOf({ checksum: 'abc', link: 'y' }),
    );
    expect(fingerprintOf({ checksum: 'abc' })).not.toBe(fingerprintOf({ checksum: 'abd' }));
  });
});
