import { describe, expect, it } from 'vitest';
import { imageRows } from '../../../src/containers/images-list.ts';
import type { EngineImage } from '../../../src/host/docker.ts';

const HEX = 'ab'.repeat(32);
const IMAGE: EngineImage = {
  Id: `sha256:${HEX}`,
  RepoTags: ['nginx:1'],
  RepoDigests: [],
  Created: 1_700_000_000,
  Size: 42,
};

describe('imageRows', () => {
  const everything = { usable: new Set([IMAGE.Id]), used: new Set<string>(), vulnerable: new Set<string>() };
  const named = (image: Partial<EngineImage>, sets = everything) =>
    imageRows({ ...IMAGE, ...image }, sets).map(({ repository, tag, isDangling }) => [
      repository,
      tag,
      isDangling,
    ]);

  it.each([
    { tags: ['nginx:1'], want: [['nginx', '1', false]] },
    {
      tags: ['localhost:5000/a/b:x', 'c:latest'],
      want: [
        ['localhost:5000/a/b', 'x', false],
        ['c', 'latest', false],
      ],
    },
  ])('has a row for each of $tags', ({ tags, want }) => {
    expect(named({ RepoTags: tags })).toEqual(want);
  });

  it.each([
    { name: 'nulls', image: { RepoTags: null, RepoDigests: null }, repository: '' },
    { name: 'empty lists', image: { RepoTags: [], RepoDigests: [] }, repository: '' },
    {
      name: 'names that say so',
      image: { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] },
      repository: '',
    },
    {
      name: 'a digest, which has a name',
      image: { RepoTags: [], RepoDigests: [`quay.io/x/nginx@sha256:${HEX}`] },
      repository: 'quay.io/x/nginx',
    },
  ])('knows one without a tag by $name', ({ image, repository }) => {
    expect(named(image)).toEqual([[repository, '', true]]);
    expect(named(image, { ...everything, usable: new Set() })).toEqual([[repository, '', false]]);
  });

  it('knows what is used, and what is vulnerable', () => {
    const sets = { ...everything, used: new Set([IMAGE.Id]), vulnerable: new Set([HEX]) };

    expect(imageRows(IMAGE, sets)).toEqual([
      {
        repository: 'nginx',
        tag: '1',
        id: HEX,
        created: new Date('2023-11-14T22:13:20Z'),
        virtualSize: 42,
        backend: 'docker',
        isUsed: true,
        isVulnerable: true,
        isDangling: false,
      },
    ]);
  });
});
