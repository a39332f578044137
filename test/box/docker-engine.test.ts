import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyEngine, fillEngine, SLEEP, startDocker, stopDocker, succeed } from '../support/docker.ts';
import { eventually, useBox } from '../support/test-box.ts';

const box = useBox();
const sh = async (line: string) => await succeed(box, line);
const MNT = '/var/lib/containers/mnt';

beforeAll(async () => {
  await box.atomic('install', '--system', '--name=ours', box.image('hello-world'));
  await startDocker(box);
  await fillEngine(box);
});

afterAll(async () => {
  await stopDocker(box);
});

describe("a container that is only Docker's", () => {
  it.each([
    { argv: ['run', 'down'], command: 'docker start down' },
    { argv: ['run', 'up', 'ls', '-l'], command: 'docker exec up ls -l' },
    { argv: ['run', '--display', 'down'], command: 'docker start down' },
    { argv: ['stop', 'up'], command: 'docker stop up' },
    { argv: ['uninstall', 'up'], command: 'docker rm up' },
    { argv: ['uninstall', '--display', 'up'], command: 'docker rm up' },
  ])('is left to Docker by $argv', async ({ argv, command }) => {
    const name = argv.find((word) => ['up', 'down'].includes(word));

    expect(await box.atomic(...argv)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `'${name}' is a container of Docker's, which this program does not manage; use '${command}'\n`,
    });
    expect(await sh("docker inspect --format '{{.State.Status}}' up down")).toBe('running\nexited');
  });

  it('does not hide one of ours', async () => {
    await sh(`docker run -d --name=ours ${SLEEP}`);
    const outcome = await box.atomic('stop', 'ours');
    const state = await sh("docker inspect --format '{{.State.Status}}' ours; docker rm -f ours");

    expect(outcome).toMatchObject({ exitCode: 0, stdout: 'systemctl stop ours\n' });
    expect(state).toBe('running\nours');
  });

  it('is not what any other name means', async () => {
    expect((await box.atomic('stop', 'nothing')).stderr).toMatch(
      /^Unable to find backend associated with container 'nothing'/,
    );
    expect((await box.atomic('uninstall', '../x')).stderr).toMatch(/^Invalid container name/);
  });
});

describe('--storage docker', () => {
  it.each([
    {
      argv: ['pull', '--storage=docker', 'etcd'],
      line: "The storage backend 'docker' is not available.  Try with an alternate storage with --storage if available. This program manages system containers only; use 'docker pull etcd'",
    },
    {
      argv: ['install', '--storage=docker', 'etcd'],
      line: "The 'docker' backend appears unavailable/inactive; this program manages system containers only; use 'docker run etcd'",
    },
    {
      argv: ['run', '--storage=docker', 'up'],
      line: "The 'docker' backend appears unavailable/inactive; this program manages system containers only; use 'docker start up'",
    },
    {
      argv: ['mount', '--storage=docker', 'etcd', '/mnt'],
      line: 'docker is not a valid storage; this program manages system containers only; use the docker command for others',
    },
  ])('is outside this program: $argv', async ({ argv, line }) => {
    expect(await box.atomic(...argv)).toEqual({ exitCode: 1, stdout: '', stderr: `${line}\n` });
  });
});

describe('mounting an image that Docker has, too', () => {
  it('needs the storage to be named', async () => {
    const image = box.image('hello-world');
    await sh(`docker tag me/web:1 ${image} && mkdir -p ${MNT}`);
    const refused = await box.atomic('mount', image, MNT);
    const named = await box.sh(`atomic mount --storage=ostree ${image} ${MNT} && atomic unmount ${MNT}`);
    const shared = await box.sh(`atomic mount --shared ${image} ${MNT} && atomic unmount ${MNT}`);
    await sh(`docker rmi ${image}`);

    expect(refused).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Found more than one Image with name ${image}; please specify with --storage.\n`,
    });
    expect([named.exitCode, shared.exitCode]).toEqual([0, 0]);
  });
});

describe('the engine', () => {
  const list = async (env: Readonly<Record<string, string>> = {}) =>
    await box.run(['atomic', 'containers', 'list', '-aq'], { env });

  it('is asked without a process', async () => {
    const { stderr } = await box.sh('atomic --debug containers list -a && atomic --debug images list -a');

    expect([...stderr.matchAll(/"argv":\["([^"]+)"/g)].map(([, program]) => program)).toEqual(['systemctl']);
  });

  it('may be anywhere: DOCKER_HOST', async () => {
    const all = (await list()).stdout;
    const port = 20_000 + (process.pid % 10_000);
    const relay = ['ncat', '--listen', '--keep-open', '127.0.0.1', String(port)];
    await sh('ln -s /run/docker.sock /run/elsewhere.sock');
    await box.run([
      'systemd-run',
      '--unit=relay',
      ...relay,
      '--sh-exec',
      'exec ncat --unixsock /run/docker.sock',
    ]);
    await eventually(box, `ncat -z 127.0.0.1 ${port}`);

    expect(all.split('\n')).toHaveLength(5);
    expect(await list({ DOCKER_HOST: 'unix:///run/elsewhere.sock' })).toEqual({
      exitCode: 0,
      stdout: all,
      stderr: '',
    });
    expect(await list({ DOCKER_HOST: `tcp://127.0.0.1:${port}` })).toEqual({
      exitCode: 0,
      stdout: all,
      stderr: '',
    });
    await sh('systemctl stop relay');
  });

  it.each([
    { name: 'a socket that is not there', address: 'unix:///run/none.sock' },
    { name: 'a port where nobody listens', address: 'tcp://127.0.0.1:1' },
  ])('is not missed at $name', async ({ address }) => {
    expect(await list({ DOCKER_HOST: address })).toEqual({ exitCode: 0, stdout: 'ours\n', stderr: '' });
  });

  it.each([
    {
      address: 'ssh://me@host',
      line: "cannot ask the Docker engine at ssh://me@host; DOCKER_HOST has to begin with 'unix://' or 'tcp://'",
    },
    {
      address: 'nonsense',
      line: "cannot ask the Docker engine at nonsense; DOCKER_HOST has to begin with 'unix://' or 'tcp://'",
    },
  ])('cannot be asked at $address', async ({ address, line }) => {
    expect(await list({ DOCKER_HOST: address })).toEqual({
      exitCode: 0,
      stdout: 'ours\n',
      stderr: `Skipping containers and images of Docker: ${line}\n`,
    });
  });

  it('is none of the business of who may not talk to it', async () => {
    const listed = await box.sh(
      'setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/run atomic containers list -a',
    );

    expect(listed).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('may hang: the lists do not', async () => {
    await sh('systemctl kill --signal=STOP test-docker');
    const [containersList, imagesList, stopped] = [
      await box.atomic('containers', 'list', '-aq'),
      await box.atomic('images', 'list'),
      await box.atomic('stop', 'nothing'),
    ];
    await sh('systemctl kill --signal=CONT test-docker');
    const warning =
      'Skipping containers and images of Docker: cannot ask the Docker engine at unix:///var/run/docker.sock: no answer within 500 ms\n';

    expect(containersList).toMatchObject({ stdout: 'ours\n', exitCode: 0 });
    expect([containersList.stderr, imagesList.stderr]).toEqual([warning, warning]);
    expect(imagesList.exitCode).toBe(0);
    expect(stopped.stderr).toMatch(/^Unable to find backend/);
  });

  it('that is no engine is named', async () => {
    const server = "require('http').createServer((_, to) => to.end('{}')).listen('/run/fake.sock')";
    await box.run(['systemd-run', '--unit=fake', process.execPath, '-e', server]);
    await eventually(box, 'test -S /run/fake.sock');

    expect(await list({ DOCKER_HOST: 'unix:///run/fake.sock' })).toEqual({
      exitCode: 0,
      stdout: 'ours\n',
      stderr:
        'Skipping containers and images of Docker: the Docker engine at unix:///run/fake.sock answers /containers/json?all=1 with something that is not a list\n',
    });
    await sh('systemctl stop fake');
  });

  it('leaves nothing behind in the lists when it is stopped', async () => {
    await emptyEngine(box);
    await stopDocker(box);

    expect(await list()).toEqual({ exitCode: 0, stdout: 'ours\n', stderr: '' });
  });
});
