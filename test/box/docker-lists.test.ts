import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildImage,
  emptyEngine,
  fillEngine,
  SLEEP,
  startDocker,
  stopDocker,
  succeed,
} from '../support/docker.ts';
import { useBox } from '../support/test-box.ts';

const box = useBox();
const sh = async (line: string) => await succeed(box, line);
const idOf = async (kind: 'container' | 'image', name: string) =>
  (await sh(`docker ${kind} inspect --format '{{.Id}}' ${name}`)).replace('sha256:', '');
const containers = async (...options: readonly string[]) =>
  JSON.parse((await box.atomic('containers', 'list', '--json', ...options)).stdout);
const images = async (...options: readonly string[]) =>
  JSON.parse((await box.atomic('images', 'list', '--json', ...options)).stdout);
const names = (rows: readonly { name: string }[]) => rows.map(({ name }) => name);
const linesOf = async (...argv: readonly string[]) =>
  (await box.atomic(...argv)).stdout.split('\n').slice(0, -1);

beforeAll(async () => {
  await box.atomic('install', '--system', '--name=ours', box.image('hello-world'));
  await startDocker(box);
  await fillEngine(box);
  await sh('docker tag me/web:1 localhost:5000/web && docker tag me/web:1 me/web:kept');
  await sh('docker create --name=fresh --network=none me/web:1 sh');
  await buildImage(box, 'me/web:moving', 'LABEL build=two');
  await buildImage(box, 'me/web:moving', 'LABEL build=three');
});

afterAll(async () => {
  await emptyEngine(box);
  await stopDocker(box);
});

describe('containers list', () => {
  it("shows Docker's behind ours, in the states that Docker names", async () => {
    const rows = await containers('-a');

    expect(
      rows.map(({ name, state, backend, running }: Record<string, unknown>) => [
        name,
        state,
        backend,
        running,
      ]),
    ).toEqual([
      ['ours', 'inactive', 'ostree', false],
      ['down', 'exited', 'docker', false],
      ['fresh', 'created', 'docker', false],
      ['held', 'paused', 'docker', true],
      ['up', 'running', 'docker', true],
    ]);
  });

  it('has all that the engine says of a container', async () => {
    const [row] = await containers('-a', '-f', 'container=up', '-f', 'backend=docker');
    const [up] = (await containers('-a')).filter(({ name }: { name: string }) => name === 'up');
    const created = await sh("date -d $(docker inspect --format '{{.Created}}' up) '+%Y-%m-%d %H:%M:%S'");

    expect(row).toBeUndefined();
    expect(up).toEqual({
      id: await idOf('container', 'up'),
      image_id: await idOf('image', 'me/web:1'),
      image_name: 'me/web:1',
      name: 'up',
      command: "sh -c 'exec sleep 1000'",
      created,
      state: 'running',
      backend: 'docker',
      runtime: 'docker',
      vulnerable: false,
      running: true,
    });
  });

  it('shows what runs, or would, when it is not to show all', async () => {
    expect(names(await containers())).toEqual(['held', 'up']);
    expect(await linesOf('containers', 'list', '-q')).toEqual([
      (await idOf('container', 'held')).slice(0, 12),
      (await idOf('container', 'up')).slice(0, 12),
    ]);
  });

  it('has a row in the columns of all', async () => {
    const id = (await idOf('container', 'up')).slice(0, 12);
    const [, , up] = await linesOf('containers', 'list');

    expect(up).toMatch(
      new RegExp(
        `^ {3}${id} me/web:1 {13}up {9}sh -c 'exe \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d running {4}docker {5}docker {4}$`,
      ),
    );
  });

  it.each([
    { filters: ['backend=docker'], want: ['down', 'fresh', 'held', 'up'] },
    { filters: ['backend=ostree'], want: ['ours'] },
    { filters: ['runtime=ostree'], want: ['ours'] },
    { filters: ['runtime=docker', 'state=exited'], want: ['down'] },
    { filters: ['image=me/web', 'command=sleep'], want: ['held', 'up'] },
  ])('filters with $filters', async ({ filters, want }) => {
    const options = filters.flatMap((filter) => ['-f', filter]);

    expect(names(await containers('-a', ...options))).toEqual(want);
  });

  it('shows the names that Docker gives, whatever links call a container', async () => {
    await sh(`docker run -d --name=client --link up:alias ${SLEEP}`);
    const rows = await containers();
    await sh('docker rm -f client');

    expect(names(rows)).toEqual(['client', 'held', 'up']);
  });
});

describe('images list', () => {
  it("shows Docker's behind ours, one row for each tag", async () => {
    const rows = await images('-f', 'is_dangling=false');

    expect(
      rows.map(({ repo, tag, backend, used }: Record<string, unknown>) => [repo, tag, backend, used]),
    ).toEqual([
      [box.image('hello-world'), 'latest', 'ostree', true],
      ['localhost:5000/web', 'latest', 'docker', true],
      ['me/web', '1', 'docker', true],
      ['me/web', 'kept', 'docker', true],
      ['me/web', 'moving', 'docker', false],
    ]);
  });

  it('has all that the engine says of an image', async () => {
    const [row] = await images('-f', 'tag=moving');
    const created = await sh(
      "date -d $(docker inspect --format '{{.Created}}' me/web:moving) '+%Y-%m-%d %H:%M:%S'",
    );

    expect(row).toMatchObject({
      is_dangling: false,
      vulnerable: false,
      id: await idOf('image', 'me/web:moving'),
      type: 'image',
      created,
      backend: 'docker',
      vuln_info: {},
    });
    expect(row.virtual_size).toMatch(/^[\d.]+ MB$/);
  });

  it('marks what dangles, and what containers use', async () => {
    const lines = await linesOf('images', 'list', '-f', 'type=docker');
    const marks = lines.slice(1).map((line) =>
      line
        .split(/ +(?=\S)/)
        .slice(0, 3)
        .join(' '),
    );

    expect(marks).toEqual([
      '* <none> <none>',
      '> localhost:5000/web latest',
      '> me/web 1',
      '> me/web kept',
      ' me/web moving',
    ]);
    expect(lines.slice(1).every((line) => line.trimEnd().endsWith(' docker'))).toBe(true);
  });

  it('shows what others were built from with --all, which does not dangle', async () => {
    const rows = (await images('--all')).filter(({ backend }: { backend: string }) => backend === 'docker');
    const untagged = rows.filter(({ repo }: { repo: string }) => repo === '');

    expect(rows.length).toBe(Number(await sh('docker images -aq | wc -l')));
    expect(untagged.length).toBeGreaterThan(1);
    expect(untagged.filter((row: { is_dangling: boolean }) => row.is_dangling)).toHaveLength(
      Number(await sh('docker images -q --filter dangling=true | wc -l')),
    );
  });

  it.each([
    { filter: 'type=ostree', count: 1 },
    { filter: 'is_dangling=true', count: 1 },
    { filter: 'repo=localhost', count: 1 },
  ])('filters with $filter', async ({ filter, count }) => {
    expect(await images('-f', filter)).toHaveLength(count);
  });

  it('shows what the scanner found in them', async () => {
    const id = await idOf('image', 'me/web:1');
    await sh(
      `mkdir -p /var/lib/atomic; echo '{"${id}":{"Vulnerable":true}}' > /var/lib/atomic/scan_summary.json`,
    );
    const [row] = await images('-f', 'tag=kept');
    const [, held] = await linesOf('containers', 'list');
    await sh('rm /var/lib/atomic/scan_summary.json');

    expect(row.vulnerable).toBe(true);
    expect(held).toMatch(/^\u2620/);
  });
});
