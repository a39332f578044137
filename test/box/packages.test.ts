/** Installs the packages that `make packages` makes, works with them, upgrades them and removes them. */
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import metadata from '../../package.json' with { type: 'json' };
import { PROJECT } from '../support/box.ts';
import { useStory } from '../support/story.ts';
import { CONTAINERS, eventually, useBox } from '../support/test-box.ts';

const box = useBox();
useStory();
/** The box sees what is in the project. */
const PACKAGES = join(PROJECT, '.cache/test-packages');
const NEXT = '1.22.99';

beforeAll(async () => {
  await rm(PACKAGES, { recursive: true, force: true });
  await makePackages(PROJECT);
  await makePackages(await nextSources());
  // the program under test of all other files
  await box.type('rm /usr/local/bin/atomic');
});

afterAll(async () => await rm(PACKAGES, { recursive: true, force: true }));

/** What `make packages` does after `make build`. */
async function makePackages(sources: string): Promise<void> {
  await execa(join(sources, 'src/packaging/build-packages'), [PACKAGES]);
}

/** The sources of another version, whose configuration has another default: then an upgrade has to decide. */
async function nextSources(): Promise<string> {
  const { version } = metadata;
  const archive = join(PACKAGES, `atomic-${version}.tar.gz`);
  const sources = join(PACKAGES, `next/atomic-${version}`);
  await mkdir(join(PACKAGES, 'next'));
  await execa('tar', ['-xzf', archive, '-C', join(PACKAGES, 'next')]);
  const description = join(sources, 'package.json');
  await writeFile(description, (await readFile(description, 'utf8')).replace(version, NEXT));
  await appendFile(join(sources, 'src/packaging/atomic.conf'), '#another_key:\n');
  return sources;
}

const onDebian = existsSync('/etc/debian_version');
/** rpm does not know the packages of a Debian host. */
const rpm = onDebian ? 'rpm --force-debian --nodeps' : 'rpm --nodeps';
/** Nor does dpkg know a Node.js that is no package; its triggers make an index of all manual pages, which takes 10 s. */
const dpkg = 'dpkg --force-depends --no-triggers';

const SYSTEM_PACKAGES = [
  {
    name: 'the RPM',
    file: (version: string) => `atomic-${version}-1*.noarch.rpm`,
    install: `${rpm} --upgrade`,
    remove: `${rpm} --erase atomic`,
    zsh: 'site-functions',
    query: 'rpm -q --queryformat "%{VERSION}\\n" atomic',
  },
  {
    name: 'the Debian package',
    file: (version: string) => `atomic_${version}-1_all.deb`,
    // to its question, the default is to keep what has been changed
    install: `${dpkg} --force-confdef --install`,
    remove: `${dpkg} --purge atomic`,
    zsh: 'vendor-completions',
    query: "dpkg-query --show --showformat='${Version}\\n' atomic | sed s/-1$//",
  },
];
const NPM_PACKAGE = {
  name: 'the npm package',
  file: (version: string) => `atomic-npm-${version}.tgz`,
  install: 'npm install --global --offline --no-audit --no-fund',
  remove: 'npm uninstall --global atomic',
  query: 'npm ls --global --depth=0 | sed -n "s/.* atomic@//p"',
};

describe('the manual pages', () => {
  it('are rendered without a warning', async () => {
    const warnings = await box.sh(
      `for page in ${PROJECT}/dist/share/man/*/*; do
         man --warnings --encoding=UTF-8 --local-file $page 2>&1 >/dev/null
         mandoc -T lint -W warning $page
       done`,
    );

    expect(warnings).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  });
});

describe.each([...SYSTEM_PACKAGES, NPM_PACKAGE])('$name', ({ file, install, remove, query }) => {
  const installVersion = async (version: string) => await box.type(`${install} ${PACKAGES}/${file(version)}`);

  it('is installed', async () => {
    await installVersion(metadata.version);

    expect(await box.type(query)).toBe(`${metadata.version}\n`);
    expect(await box.type('atomic --version')).toBe('1.22.1\n');
    expect(await box.type('man --where 1 atomic-install')).toMatch(/\/man1\/atomic-install\.1(?:\.gz)?\n/);
    expect(await box.type('man --where 5 atomic.conf')).toMatch(/\/man5\/atomic\.conf\.5(?:\.gz)?\n/);
  });

  it('installs, runs and lists a container', async () => {
    await box.type(`atomic install --system --name=hello ${box.image('hello-world')}`);
    await box.type('atomic run hello');

    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi World\n');
    expect(await box.type('atomic containers list')).toMatch(/ hello .* running /);
  });

  it('leaves the container alone when it is upgraded and removed, and then knows it again', async () => {
    const started = await box.type('systemctl show -p ActiveEnterTimestampMonotonic hello');

    await installVersion(NEXT);
    expect(await box.type(query)).toBe(`${NEXT}\n`);
    await box.type(remove);
    expect((await box.sh('command -v atomic; cat /usr/lib/atomic/bin/atomic')).stdout).toBe('');
    expect(await box.type(`readlink ${CONTAINERS}/hello; curl -sf localhost:8081`)).toBe(
      `${CONTAINERS}/hello.0\nHi World\n`,
    );
    await installVersion(metadata.version);

    expect(await box.type('atomic containers list')).toMatch(/ hello .* running /);
    expect(await box.type('systemctl show -p ActiveEnterTimestampMonotonic hello')).toBe(started);
  });

  it('is upgraded and removed while commands run, and these end as they would have', async () => {
    await box.type(
      `mkdir -p /run/systemd/system/hello.service.d && rm -f /run/*.status /run/stopping /run/go`,
    );
    await box.run(['tee', '/run/systemd/system/hello.service.d/slow.conf'], {
      input: `[Service]\nExecStopPost=/bin/sh -c 'touch /run/stopping; until [ -e /run/go ]; do sleep 0.1; done'\n`,
    });
    await box.type(`systemctl daemon-reload; mkdir -p /run/atomic/locks`);
    const commands = [
      box.sh('atomic containers update --set=RECEIVER=x hello'),
      // it waits for the lock, and has not loaded yet what it needs for a pull
      box.sh(
        `flock /run/atomic/locks/second.lock sh -c 'touch /run/locked; until [ -e /run/go ]; do sleep 0.1; done' &
         until [ -e /run/locked ]; do sleep 0.1; done
         atomic install --system --name=second ${box.image('hello-world-2')} 2>&1 | tee /run/install.said`,
      ),
    ];
    await eventually(box, '[ -e /run/stopping ] && grep -q Waiting /run/install.said');

    await installVersion(NEXT);
    await box.type(`${remove}; touch /run/go`);
    const [updated, installed] = await Promise.all(commands);

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed?.stdout).toContain('systemctl enable second\n');
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi x\n');
    await installVersion(metadata.version);
    expect(await box.type('atomic containers list --all --quiet')).toBe('hello\nsecond\n');
    await box.type(
      `rm -r /run/systemd/system/hello.service.d /run/locked; systemctl daemon-reload
       atomic uninstall second && atomic uninstall hello && ${remove}`,
    );
  });
});

describe.each(SYSTEM_PACKAGES)('$name', ({ file, install, remove, zsh }) => {
  const installVersion = async (version: string) => await box.type(`${install} ${PACKAGES}/${file(version)}`);

  it('brings a configuration, which is kept when somebody has changed it', async () => {
    await installVersion(metadata.version);
    const shipped = await box.file('/etc/atomic.conf');
    for (const key of ['default_storage', 'http_proxy', 'https_proxy', 'no_proxy', 'runtime'])
      expect(shipped).toMatch(new RegExp(`^#${key}:`, 'm'));

    await box.type("sed -i -E 's|^#?http_proxy[:=]{1}.*|http_proxy: http://proxy:3128|' /etc/atomic.conf");
    const changed = await box.file('/etc/atomic.conf');
    await installVersion(NEXT);

    expect(await box.file('/etc/atomic.conf')).toBe(changed);
  });

  it('has the licences of the libraries in it', async () => {
    const found = await box.type(
      'cat $(ls /usr/share/licenses/atomic*/THIRD-PARTY-LICENSES || ls /usr/share/doc/atomic/THIRD-PARTY-LICENSES)',
    );

    for (const library of ['commander', 'execa', 'handlebars', 'pino', 'yaml', 'zod'])
      expect(found).toMatch(new RegExp(`^${library} \\S+ \\(\\S+\\)$`, 'm'));
  });

  it('has the completions', async () => {
    const files = [
      'bash-completion/completions/atomic',
      'fish/vendor_completions.d/atomic.fish',
      `zsh/${zsh}/_atomic`,
    ];

    for (const path of files)
      expect(await box.file(`/usr/share/${path}`)).toContain('Completion of atomic for');
  });

  it('has the unit for the boot enabled, and the directory of the containers closed', async () => {
    await box.type('systemctl daemon-reload');

    expect(await box.type('systemctl show -p Wants basic.target')).toContain('atomic-recover.service');
    expect(await box.type('systemctl cat atomic-recover')).toContain(
      'ExecStart=/usr/bin/atomic containers recover\n',
    );
    expect(await box.type(`stat -c %a ${CONTAINERS}`)).toBe('700\n');
    await box.type(remove);
    expect((await box.sh('ls -d /usr/lib/atomic /usr/bin/atomic')).stdout).toBe('');
  });
});
