import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vulnerableImages } from '../../../../src/images/store/scan-summary.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const folder = useEmptyDirectory();
const file = join(folder, 'scan_summary.json');

function vulnerable(): readonly string[] {
  const context = contextFor();
  return [...vulnerableImages({ ...context, paths: { ...context.paths, scanSummary: file } })];
}

describe('vulnerableImages', () => {
  it('names those that a scanner calls vulnerable', async () => {
    const summary = {
      bad: { UUID: '/scanin/bad', Scanner: 'x', Vulnerable: true },
      good: { Vulnerable: false },
      silent: {},
      odd: { Vulnerable: 'true' },
    };
    await writeFile(file, JSON.stringify(summary));

    expect(vulnerable()).toEqual(['bad']);
  });

  it.each([
    { name: 'nothing', text: '' },
    { name: 'half a summary', text: '{"bad": {"Vulnerable": true}' },
    { name: 'a list', text: '[{"Vulnerable": true}]' },
    { name: 'texts', text: '{"bad": "Vulnerable"}' },
  ])('finds none in a file that holds $name', async ({ text }) => {
    await writeFile(file, text);

    expect(vulnerable()).toEqual([]);
  });

  it.each([
    { name: 'nothing', make: async () => undefined },
    { name: 'a folder', make: async () => await mkdir(file) },
    { name: 'a link to itself', make: async () => await symlink(file, file) },
  ])('finds none where there is $name', async ({ make }) => {
    await make();

    expect(vulnerable()).toEqual([]);
  });
});
