/** Who reads what the program says, and how it is called, changes nothing in what it does. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/box.ts';
import { eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const ROOT = '/var/lib/containers/atomic';
const CUT_SHORT = 'cannot write the output: ENOSPC: no space left on device, write\n';
let image = '';

beforeAll(async () => {
  image = box.image('hello-world');
  await box.atomic('pull', image);
  await box.atomic('pull', box.image('never-starts'));
});

const install = (rest = '') => `atomic install --system --name=hello --set=RECEIVER=one ${image} ${rest}`;
const update = (rest = '') => `atomic containers update --set=RECEIVER=two hello ${rest}`;
/** A line for bash that ends as its first command does, not as what reads from it. */
const piped = async (line: string) => await box.run(['bash', '-c', `${line}; exit "\${PIPESTATUS[0]}"`]);
const receiver = async () => (await box.sh(`jq -r .values.RECEIVER ${ROOT}/hello/info`)).stdout.trim();
/** Without an earlier command to finish. */
const isSettled = async () => (await box.sh(`ls -A ${ROOT} | grep '^\\.hello'`)).stdout === '';

describe('a reader that goes away', () => {
  beforeEach(async () => {
    await box.type(install());
  });

  afterEach(async () => {
    await box.type('atomic uninstall hello');
    expect(await tracesIn(box)).toBe('');
  });

  it.each(['| head -1', '2>&1 | head -1', '2>&1 | true'])(
    'does not keep a failed update from going back: %s',
    async (reader) => {
      await box.type('atomic run hello');

      const failed = await piped(
        `atomic containers update --rebase=${box.image('never-starts')} hello ${reader}`,
      );

      expect(failed.exitCode).not.toBe(0);
      expect(await isSettled()).toBe(true);
      expect((await box.sh('systemctl is-active hello')).stdout).toBe('active\n');
      expect((await box.sh(`readlink ${ROOT}/hello`)).stdout).toBe(`${ROOT}/hello.0\n`);
    },
  );

  it('leaves an update done, and no failure', async () => {
    expect(await piped(update('| true'))).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    expect(await receiver()).toBe('two');
  });

  it('lets an uninstall come to its end', async () => {
    expect(await piped('atomic uninstall hello 2>&1 | true')).toMatchObject({ exitCode: 0 });
    expect(await tracesIn(box)).toBe('');

    await box.type(install());
  });
});

describe('a full disk', () => {
  it('behind standard output: everything is done, one line says what is missing, and so does the status', async () => {
    const cutShort = { stdout: '', stderr: CUT_SHORT, exitCode: 1 };

    expect(await box.sh(install('>/dev/full'))).toEqual(cutShort);
    expect(await box.sh(update('>/dev/full'))).toEqual(cutShort);
    expect(await receiver()).toBe('two');
    expect(await box.sh('atomic containers list -a >/dev/full')).toEqual(cutShort);
    expect(await box.sh('atomic --help >/dev/full')).toEqual(cutShort);
    expect(await box.sh('atomic uninstall hello >/dev/full')).toEqual(cutShort);
    expect(await tracesIn(box)).toBe('');
  });

  it('behind standard error, and both: the status tells', async () => {
    await box.type(install());

    expect(await box.sh('atomic containers rollback hello 2>/dev/full')).toMatchObject({ exitCode: 1 });
    expect(await box.sh(update('>/dev/full 2>&1'))).toEqual({ stdout: '', stderr: '', exitCode: 1 });
    expect(await receiver()).toBe('two');
    expect((await box.sh('atomic --debug uninstall hello >/dev/full 2>&1')).exitCode).toBe(1);
    expect(await tracesIn(box)).toBe('');
  });

  it('does not end a pull', async () => {
    await box.type(`atomic -y images delete ${image} && atomic images prune`);

    expect(await box.sh(`atomic pull ${image} >/dev/full`)).toMatchObject({ stderr: CUT_SHORT, exitCode: 1 });
    expect(await box.sh(`atomic images version ${image}`)).toMatchObject({ exitCode: 0 });
  });
});

it('pulls for a reader that goes away', async () => {
  await box.type(`atomic -y images delete ${image} && atomic images prune`);

  expect(await piped(`atomic pull ${image} | true`)).toMatchObject({ stderr: '', exitCode: 0 });
  expect(await box.sh(`atomic images version ${image}`)).toMatchObject({ exitCode: 0 });
});

it('works on a terminal that is gone', async () => {
  const line =
    'socat PTY,link=/tmp/tty,rawer EXEC:"sleep 5" >/dev/null 2>&1 & until test -e /tmp/tty; do sleep 0.05; done; ' +
    `(kill -KILL $!; sleep 0.2; ${install()}; echo $? >/tmp/status) </tmp/tty >/tmp/tty 2>&1`;

  await box.sh(line);

  expect((await box.sh('cat /tmp/status')).stdout).toBe('1\n');
  expect(await receiver()).toBe('one');
  await box.type('atomic uninstall hello');
  expect(await tracesIn(box)).toBe('');
});

it('works with closed streams', async () => {
  expect(await box.sh(install('<&- >&- 2>&-'))).toMatchObject({ exitCode: 0 });
  expect(await box.sh(update('>&- 2>&-'))).toMatchObject({ exitCode: 0 });
  expect(await receiver()).toBe('two');
  expect(await box.sh('atomic uninstall hello >&- 2>&-')).toMatchObject({ exitCode: 0 });
  expect(await tracesIn(box)).toBe('');
});

it('says everything to a reader that is slow', async () => {
  await box.type(install());
  await box.type(
    `cd ${ROOT}/hello.0; head -c 300000 /dev/zero | tr '\\0' x >/tmp/long; ` +
      "jq --rawfile long /tmp/long '.process.args += [$long]' config.json >/tmp/new; cat /tmp/new >config.json",
  );

  const said = await piped(`atomic containers list -a --json | (read -r line; echo "$line"; sleep 0.3; cat)`);

  expect(JSON.parse(said.stdout)[0].command).toHaveLength('/usr/bin/run.sh '.length + 300_000);
  await box.type('atomic uninstall hello');
});

describe('signals', () => {
  /** Starts an update that waits, sends it a signal, and, if that has not ended it, SIGTERM. */
  const signalled = async (signal: string, before = '') =>
    await box.sh(
      `export ATOMIC_TEST_FAULT=prepare.written:hang; ${before} ${update('>/tmp/said 2>&1 & pid=$!')}; ` +
        `until grep -q Extracting /tmp/said; do sleep 0.05; done; kill -${signal} $pid; ` +
        'for i in $(seq 30); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done; ' +
        'kill -0 $pid 2>/dev/null && echo alive; kill -TERM $pid; wait $pid; echo $?',
    );

  beforeEach(async () => {
    await box.type(`rm -f /tmp/said; ${install()}`);
  });

  afterEach(async () => {
    expect(await receiver()).toBe('one');
    await box.type('atomic uninstall hello');
    expect(await tracesIn(box)).toBe('');
  });

  it('do not end what nohup started', async () => {
    expect((await signalled('HUP', 'nohup')).stdout).toBe('alive\n143\n');
  });

  it('do not end what a script left in the background', async () => {
    expect((await signalled('INT')).stdout).toBe('alive\n143\n');
  });

  it('end what was not told to ignore them', async () => {
    expect((await signalled('HUP')).stdout).toBe('129\n');
  });
});

describe('the way it is called', () => {
  it('is any link to it, from anywhere, also from a directory that is gone', async () => {
    await box.type(
      'mkdir -p /tmp/l/bin /tmp/gone; ln -sfn /usr/local/bin/atomic /tmp/l/one; ln -sfn ../one /tmp/l/bin/atomic',
    );
    for (const line of [
      '/tmp/l/bin/atomic --version',
      'cd /tmp/l/bin && ./atomic --version',
      'cd /tmp && PATH=l/bin:$PATH atomic --version',
      'cd /tmp/l/bin && sh atomic --version',
      'cd /tmp/gone && rmdir /tmp/gone && atomic --version && mkdir /tmp/gone',
    ])
      expect(await box.type(line)).toBe('1.22.1\n');
  });

  it('needs no current directory but for a relative path', async () => {
    const gone = 'mkdir -p /tmp/gone; cd /tmp/gone; rmdir /tmp/gone';

    expect(await box.sh(`${gone}; ${install()}`)).toMatchObject({ exitCode: 0 });
    expect(await box.sh(`${gone}; atomic containers list -a -q`)).toMatchObject({ stdout: 'hello\n' });
    const { stderr, exitCode } = await box.sh(`${gone}; atomic mount hello mnt`);
    expect(stderr).toMatch(/^the current directory no longer exists; go to another one.*\n$/m);
    expect(exitCode).toBe(1);
    expect(await box.sh(`${gone}; atomic uninstall hello`)).toMatchObject({ exitCode: 0 });
  });

  it('may bring no environment, or that of cron', async () => {
    for (const env of ['env -i', 'env -i PATH=/usr/bin:/bin', 'env -u HOME -u TERM']) {
      const called = (line: string) => line.replace('atomic', `${env} /usr/local/bin/atomic`);
      expect(await box.type(called(install()))).toMatch(/^Extracting to/);
      await box.type(called('atomic run hello'));
      expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi one\n');
      await box.type(called('atomic uninstall hello'));
    }
    expect(await tracesIn(box)).toBe('');
  });

  it('is not told to the programs that are run', async () => {
    const runtime = '/usr/local/bin/told-runc';
    await box.type(
      `printf '#!/bin/sh\\nenv >>/tmp/told; exec runc "$@"\\n' >${runtime}; chmod +x ${runtime}; rm -f /tmp/told`,
    );

    await box.type(install(`--runtime=${runtime}`).replace(image, '').concat(` ${image}`));

    expect((await box.sh('grep -c ^PATH= /tmp/told')).stdout).not.toBe('0\n');
    expect((await box.sh('grep ^ATOMIC_ /tmp/told')).stdout).toBe('');
    expect((await box.sh(`grep -h told-runc ${ROOT}/hello/hello.service`)).stdout).not.toBe('');
    await box.type('atomic uninstall hello');
  });
});

describe('the code cache', () => {
  const LIST = 'containers list -a --json';
  /** Which chunks a listing compiles itself, because their cache is missing or rejected. */
  const COMPILED = `
    const { scripts } = require('/tmp/copy/dist/atomic.cjs');
    const isCompiled = ([, script]) => script.cachedDataRejected !== false;
    process.on('exit', () => console.log([...scripts].filter(isCompiled).length, scripts.size));`;

  beforeEach(async () => {
    await box.type(`rm -rf /tmp/copy; mkdir /tmp/copy; cp -r ${PROJECT}/bin ${PROJECT}/dist /tmp/copy`);
  });

  it('has all that is loaded', async () => {
    const { stdout } = await box.run([
      ...['node', '-e', `process.argv = ['node', 'atomic', 'images', 'list', '-q']; ${COMPILED}`],
    ]);

    expect(stdout).toMatch(/^0 [1-9]\d*\n$/m);
  });

  it.each([
    { name: 'of another version of Node', damage: 'mv v* v0.0.0-x64' },
    { name: 'cut short', damage: 'truncate --size=100 */*' },
    { name: 'of another program', damage: 'for f in */*; do head -c 5000 /dev/zero >$f; done' },
  ])('does no harm when it is $name', async ({ damage }) => {
    await box.type(`cd /tmp/copy/dist/code-cache && ${damage}`);

    expect(await box.sh(`/tmp/copy/bin/atomic ${LIST}`)).toEqual(await box.sh(`atomic ${LIST}`));
  });
});
