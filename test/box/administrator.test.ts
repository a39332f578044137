/** Units and tmpfiles.d files that an administrator has made or changed. */
import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const UNIT = '/etc/systemd/system/c.service';
const TMPFILES = '/etc/tmpfiles.d/c.conf';

const install = async (image = 'hello-world') =>
  await box.atomic('install', '--system', '--name=c', box.image(image));
const update = async (...options: readonly string[]) =>
  await box.atomic('containers', 'update', '--set=RECEIVER=x', ...options, 'c');

afterEach(async () => {
  await box.sh(
    'for c in $(atomic containers list -aq --no-trunc); do atomic uninstall --force $c; done; systemctl stop c',
  );
  await box.sh(
    `rm -f ${UNIT} ${UNIT}.save ${TMPFILES} /etc/systemd/system/*.wants/c.service; systemctl daemon-reload`,
  );
  expect(await tracesIn(box)).toBe('');
});

describe("an administrator's unit with the name of a container without a service", () => {
  it('stays, and runs on, whatever is done to the container', async () => {
    await install('no-service');
    await box.type(
      `printf '[Service]\\nExecStart=/bin/sleep 1000\\n' > ${UNIT}; printf 'R /run/precious\\n' > ${TMPFILES}; mkdir -p /run/precious; systemctl daemon-reload; systemctl start c`,
    );
    const pid = await box.type('systemctl show -P MainPID c');

    for (const verb of ['run', 'stop'])
      expect((await box.atomic(verb, 'c')).stderr).toMatch(
        new RegExp(`: it has no service; ${UNIT} is not its own`),
      );
    for (const argv of [
      ['containers', 'update', '--set=X=1', 'c'],
      ['containers', 'rollback', 'c'],
      ['uninstall', 'c'],
    ])
      expect(await box.atomic(...argv)).toMatchObject({ exitCode: 0 });

    expect(await box.type(`cat ${UNIT} ${TMPFILES}; ls -d /run/precious`)).toBe(
      '[Service]\nExecStart=/bin/sleep 1000\nR /run/precious\n/run/precious\n',
    );
    expect(await box.type('systemctl show -P MainPID c')).toBe(pid);
  });

  it('keeps an image with a service from taking its place', async () => {
    await install('no-service');
    await box.type(`printf '[Service]\\nExecStart=/bin/sleep 1000\\n' > ${UNIT}`);

    const updated = await update(`--rebase=${box.image('hello-world')}`);

    expect(updated).toMatchObject({ exitCode: 1 });
    expect(updated.stderr).toMatch(new RegExp(`^The file ${UNIT} already exists\\.`));
    expect(await box.type(`readlink ${CONTAINERS}/c; ls ${CONTAINERS}`)).toBe(`${CONTAINERS}/c.0\nc\nc.0\n`);
  });
});

describe('a unit that somebody has changed, or masked', () => {
  it('makes room for that of the next deployment, and is kept', async () => {
    await install();
    await box.type(`echo '# mine' >> ${UNIT}`);

    const updated = await update();

    expect(updated).toMatchObject({
      exitCode: 0,
      stderr: `${UNIT} was manually modified: it is replaced, and kept as ${UNIT}.save\n`,
    });
    expect(await box.type(`tail -1 ${UNIT}.save; cmp ${UNIT} ${CONTAINERS}/c.1/c.service`)).toBe('# mine\n');
  });

  it('stays when the container goes, and is said to', async () => {
    await install();
    await box.atomic('run', 'c');
    await box.type(`echo '# mine' >> ${UNIT}; echo '# mine' >> ${TMPFILES}`);

    const removed = await box.atomic('uninstall', 'c');

    expect(removed).toMatchObject({ exitCode: 0, stderr: '' });
    for (const file of [UNIT, TMPFILES])
      expect(removed.stdout).toContain(`Will not delete ${file} as it was manually modified.\n`);
    expect(await box.type(`tail -qn1 ${UNIT} ${TMPFILES}; ls ${CONTAINERS}`)).toBe('# mine\n# mine\n');
    expect(await box.isActive('c')).toBe(false);
  });

  it('stays masked', async () => {
    await install();
    await box.type(`rm ${UNIT}; ln -s /dev/null ${UNIT}; systemctl daemon-reload`);

    const started = await box.atomic('run', 'c');
    const updated = await update();

    expect(started.stderr).toBe("cannot start 'c' (it is masked); use 'systemctl unmask c'\n");
    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(updated.stdout).toContain(`Will not replace ${UNIT} as it was manually modified.\n`);
    expect(await box.type(`readlink ${UNIT}`)).toBe('/dev/null\n');
  });

  it('is said before the service is stopped', async () => {
    await install();
    await box.atomic('run', 'c');
    await box.type(`rm ${UNIT}; ln -s /dev/null ${UNIT}; systemctl daemon-reload`);

    const updated = await update();

    expect(updated.exitCode).toBe(1);
    expect(updated.stderr).toBe(
      "'c' runs, but cannot be started again: its unit is masked; use 'systemctl unmask c'\n",
    );
    expect(await box.isActive('c')).toBe(true);
    expect(await box.type(`readlink ${CONTAINERS}/c`)).toBe(`${CONTAINERS}/c.0\n`);
  });
});
