import { describe, expect, it } from 'vitest';
import { imageFilter, renderImages } from '../../../src/cli/images/list.ts';
import type { ImageRow } from '../../../src/containers/images-list.ts';
import { AtomicError } from '../../../src/errors.ts';

const ID = `5ed179e75ffc${'0'.repeat(52)}`;

const BUSYBOX: ImageRow = {
  backend: 'ostree',
  repository: 'busybox',
  tag: 'latest',
  id: ID,
  created: new Date(2026, 10, 23, 11, 54, 12),
  virtualSize: 1_976_000,
  isUsed: true,
  isVulnerable: false,
  isDangling: false,
};
const ETCD: ImageRow = {
  ...BUSYBOX,
  repository: 'docker.io/Me/etcd',
  tag: '3.1-final',
  id: 'ab'.repeat(32),
  virtualSize: undefined,
  isUsed: false,
};
const LAYER: ImageRow = { ...ETCD, repository: '', tag: '', id: 'cd'.repeat(32), virtualSize: 20_480 };

const lines = (rows: readonly ImageRow[], options: Partial<Parameters<typeof renderImages>[1]> = {}) =>
  renderImages({ all: rows, shown: rows }, { trunc: true, ...options });

describe('renderImages', () => {
  it('has the columns of the Python tool, as wide as the longest repository and tag', () => {
    expect(lines([BUSYBOX, ETCD, LAYER])).toEqual([
      '   REPOSITORY          TAG         IMAGE ID       CREATED            VIRTUAL SIZE   TYPE      ',
      '>  busybox             latest      5ed179e75ffc   2026-11-23 11:54   1.98 MB        ostree    ',
      '   docker.io/Me/etcd   3.1-final   abababababab   2026-11-23 11:54                  ostree    ',
      '   <none>              <none>      cdcdcdcdcdcd   2026-11-23 11:54   20.48 KB       ostree    ',
    ]);
  });

  it('prints the row that the specification shows', () => {
    expect(lines([BUSYBOX], { noheading: true })).toEqual([
      '>  busybox   latest   5ed179e75ffc   2026-11-23 11:54   1.98 MB        ostree    ',
    ]);
  });

  it('shows whole ids with --no-trunc', () => {
    expect(lines([BUSYBOX], { trunc: false })).toEqual([
      `   REPOSITORY TAG      IMAGE ID${' '.repeat(57)} CREATED            VIRTUAL SIZE   TYPE      `,
      `>  busybox   latest   ${ID}  2026-11-23 11:54   1.98 MB        ostree    `,
    ]);
  });

  it.each([
    { name: 'in use', row: { isUsed: true }, want: '> ' },
    { name: 'not in use', row: { isUsed: false }, want: '  ' },
    { name: 'vulnerable', row: { isUsed: false, isVulnerable: true }, want: '\u2620 ' },
    { name: 'in use and vulnerable', row: { isUsed: true, isVulnerable: true }, want: '>\u2620' },
    { name: 'dangling', row: { isUsed: false, isDangling: true }, want: '* ' },
    {
      name: 'dangling, which counts more than in use',
      row: { isUsed: true, isDangling: true, isVulnerable: true },
      want: '*\u2620',
    },
  ])('marks an image that is $name', ({ row, want }) => {
    expect(lines([{ ...BUSYBOX, ...row }], { noheading: true })[0]?.slice(0, 3)).toBe(`${want} `);
  });

  it('takes the widths from all images, also from those that a filter leaves out', () => {
    expect(
      renderImages({ all: [BUSYBOX, ETCD], shown: [BUSYBOX] }, { trunc: true, noheading: true }),
    ).toEqual([
      '>  busybox             latest      5ed179e75ffc   2026-11-23 11:54   1.98 MB        ostree    ',
    ]);
  });

  it('prints the headings when a filter leaves nothing, and nothing when there is no image', () => {
    expect(renderImages({ all: [BUSYBOX], shown: [] }, { trunc: true })).toEqual([
      '   REPOSITORY TAG      IMAGE ID       CREATED            VIRTUAL SIZE   TYPE      ',
    ]);
    expect(lines([])).toEqual([]);
  });

  it.each([
    { name: 'short ids', options: { quiet: true as const }, want: ['5ed179e75ffc', 'cdcdcdcdcdcd'] },
    { name: 'whole ids', options: { quiet: true as const, trunc: false }, want: [ID, 'cd'.repeat(32)] },
  ])('prints $name', ({ options, want }) => {
    expect(lines([BUSYBOX, LAYER], options)).toEqual(want);
  });

  it('has the keys of the Python tool, in its order, in JSON, which counts more than --quiet', () => {
    const rows = [{ ...BUSYBOX, isVulnerable: true }, LAYER];

    expect(lines(rows, { json: true, quiet: true }).join('\n')).toBe(
      `[
    {
        "repo": "busybox",
        "tag": "latest",
        "is_dangling": false,
        "used": true,
        "vulnerable": true,
        "id": "${ID}",
        "type": "image",
        "created": "2026-11-23 11:54:12",
        "virtual_size": "1.98 MB",
        "backend": "ostree",
        "vuln_info": {}
    },
    {
        "repo": "",
        "tag": "",
        "is_dangling": false,
        "used": false,
        "vulnerable": false,
        "id": "${'cd'.repeat(32)}",
        "type": "image",
        "created": "2026-11-23 11:54:12",
        "virtual_size": "20.48 KB",
        "backend": "ostree",
        "vuln_info": {}
    }
]`,
    );
    expect(JSON.parse(lines([ETCD], { json: true }).join('\n'))).toMatchObject([{ virtual_size: '' }]);
  });

  it('prints an empty list in JSON', () => {
    expect(renderImages({ all: [BUSYBOX], shown: [] }, { trunc: true, json: true })).toEqual(['[]']);
  });
});

describe('imageFilter', () => {
  const idsOf = (...texts: readonly string[]) =>
    imageFilter(texts)([BUSYBOX, ETCD, LAYER]).map(({ id }) => id);
  const [LAYER_ID, ETCD_ID] = [LAYER.id, ETCD.id];

  it.each([
    { filters: [], want: [ID, ETCD_ID, LAYER_ID] },
    { filters: ['repo=me/ETCD'], want: [ETCD_ID] },
    { filters: ['repository=Me/etcd'], want: [ETCD_ID] },
    { filters: ['REPO=busy'], want: [ID] },
    { filters: ['tag=latest'], want: [ID] },
    { filters: ['tag=LATEST', 'repo=etcd'], want: [] },
    { filters: ['id=5ed179'], want: [ID] },
    { filters: ['image=CDCD'], want: [LAYER_ID] },
    { filters: ['created=2026-11-23 11:54:12'], want: [ID, ETCD_ID, LAYER_ID] },
    { filters: ['created=2025'], want: [] },
    { filters: ['size=1976'], want: [ID] },
    { filters: ['size=0480'], want: [LAYER_ID] },
    { filters: ['size=MB'], want: [] },
    { filters: ['type=ostree'], want: [ID, ETCD_ID, LAYER_ID] },
    { filters: ['type=docker'], want: [] },
    { filters: ['is_dangling=false'], want: [ID, ETCD_ID, LAYER_ID] },
    { filters: ['Is_Dangling=true'], want: [] },
    { filters: ['type=ostree', 'tag=3.1'], want: [ETCD_ID] },
  ])('picks $want by $filters', ({ filters, want }) => {
    expect(idsOf(...filters)).toEqual(want);
  });

  it.each([
    {
      filter: 'foo=x',
      message:
        "The filter foo is not valid.  Please choose from ['repo', 'repository', 'tag', 'id', 'image', 'created', 'size', 'type', 'is_dangling']",
    },
    { filter: 'TAG', message: 'The filter TAG is not formatted correctly.  It should be VAR=VALUE' },
    { filter: 'tag=a=b', message: 'The filter tag=a=b is not formatted correctly.  It should be VAR=VALUE' },
  ])('refuses $filter', ({ filter, message }) => {
    expect(() => imageFilter([filter])).toThrow(AtomicError);
    expect(() => imageFilter([filter])).toThrow(message);
  });
});
