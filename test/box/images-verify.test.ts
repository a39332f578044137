import { beforeAll, describe, expect, it } from 'vitest';
import { LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { useBox } from '../support/test-box.ts';

const box = useBox();
const REPO = '/var/lib/containers/atomic/.storage/ostree';
const image = () => box.image('many-layers');

/** The layers of the image, base first. */
async function layers(): Promise<readonly string[]> {
  const manifest = `ostree --repo=${REPO} cat $(ostree --repo=${REPO} refs | grep many-layers) manifest.json`;
  return (await box.sh(`${manifest} | jq -r '.layers[].digest' | cut -d: -f2`)).stdout.trim().split('\n');
}

/** The path of an object; `line` is that of `ostree ls -C`. */
const objectPath = async (ref: string, line: string, kind: string) => {
  const list = `ostree --repo=${REPO} ls -C ociimage/${ref} ${line} | head -1 | awk '{print $5}'`;
  const checksum = (await box.sh(list)).stdout.trim();
  return `${REPO}/objects/${checksum.slice(0, 2)}/${checksum.slice(2)}.${kind}`;
};

/** Does something to an object, verifies, and puts the object back. */
async function verifyWith(damage: string, path: string) {
  await box.sh(`cp -a ${path} /run/kept; f=${path}; ${damage}`);
  const verified = [
    await box.atomic('images', 'verify', image()),
    await box.atomic('images', 'verify', image()),
  ];
  await box.sh(`cp -a --remove-destination /run/kept ${path}; rm /run/kept`);
  return verified;
}

beforeAll(async () => {
  await box.atomic('pull', image());
});

describe('the verification', () => {
  it('writes nothing', async () => {
    await box.type('touch /run/before; sleep 0.01');

    const verified = await box.atomic('images', 'verify', '--all', '--storage=ostree');

    expect(verified.exitCode).toBe(0);
    const changed =
      'find /var/lib/containers /tmp /run/atomic -cnewer /run/before -not -path /tmp -not -name "*.lock"';
    expect(await box.type(changed)).toBe('');
  });

  it('works for an ordinary user, in a repository that others own', async () => {
    await box.type(`cp -a ${REPO} /srv/repo && chmod -R a+rX /srv/repo`);
    const asNobody =
      'setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nowhere ATOMIC_OSTREE_REPO=/srv/repo';

    const verified = await box.sh(`${asNobody} atomic images verify --all --storage=ostree`);
    await box.type('rm -r /srv/repo');

    expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
    expect(verified.stdout).toContain('(no changes detected)');
  });

  it('has nothing to do without a repository, and makes none', async () => {
    const nowhere = 'env ATOMIC_OSTREE_CHECKOUT_PATH=/var/lib/nowhere';

    const verified = await box.sh(
      `${nowhere} atomic images verify --all --storage=ostree; ls /var/lib/nowhere`,
    );

    expect(verified).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/^ls: cannot access [^\n]*\n$/),
    });
  });
});

describe('the content', () => {
  it('is reported layer by layer', async () => {
    const verified = await box.atomic('images', 'verify', image());

    const lines = verified.stdout.trimEnd().split('\n');
    expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
    expect(lines.slice(0, 10)).toEqual(
      (await layers()).flatMap((hex) => [`validation output for layer ${hex}:`, '(no changes detected)']),
    );
    expect(lines.slice(10).map((line) => line.replace(/[0-9a-f]{64}/, 'HEX'))).toEqual([
      'validation output for configuration HEX:',
      '(no changes detected)',
      'validation output for manifest HEX:',
      '(no changes detected)',
    ]);
    expect((await box.sh(`ls -A ${REPO}/tmp`)).stdout).not.toContain('verify');
  });

  it('is searched for files that were changed', async () => {
    const [, ours = '', changed = ''] = await layers();
    const path = await objectPath(ours, '/etc/kept', 'file');

    const verified = await verifyWith('echo changed > $f', path);

    for (const { exitCode, stdout } of verified) {
      expect(exitCode).toBe(1);
      expect(stdout).toContain(
        `validation output for layer ${ours}:\n/etc/kept: damaged\nvalidation output for layer ${changed}:\n(no ch`,
      );
    }
    expect((await box.sh(`ls ${REPO}/state`)).stdout).toBe('');
  });

  it('is searched for files whose mode was changed', async () => {
    const [, ours = ''] = await layers();

    const [verified] = await verifyWith('chmod 600 $f', await objectPath(ours, '/etc/kept', 'file'));

    expect(verified?.stdout).toContain('/etc/kept: damaged\n');
  });

  it('is searched for files that are gone', async () => {
    const [, ours = ''] = await layers();

    const [verified] = await verifyWith('rm $f', await objectPath(ours, '/etc/kept', 'file'));

    expect(verified).toMatchObject({ exitCode: 1 });
    expect(verified?.stdout).toContain(`validation output for layer ${ours}:\n/etc/kept: missing\n`);
  });

  it.each([
    ['echo garbage > $f', '/etc/ and all below: damaged'],
    ['rm $f', '/etc/ and all below: missing'],
  ])('is searched for folders after %s', async (damage, line) => {
    const [, ours = ''] = await layers();

    const [verified] = await verifyWith(damage, await objectPath(ours, '-d /etc', 'dirtree'));

    expect(verified).toMatchObject({ exitCode: 1, stderr: '' });
    expect(verified?.stdout).toContain(
      `validation output for layer ${ours}:\n${line}\nits files: not checked\n`,
    );
  });

  it('is searched for layers that are gone', async () => {
    const [, ours = ''] = await layers();

    const [verified] = await verifyWith('rm $f', `${REPO}/refs/heads/ociimage/${ours}`);

    expect(verified?.stdout).toContain(`validation output for layer ${ours}:\nall of it: missing\n`);
  });

  it('is left alone when nobody wants it checked', async () => {
    expect(await box.atomic('verify', '--no-validate', '--storage=ostree', image())).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('the comparison', () => {
  const cells = (...texts: readonly [string, string, string, string]) =>
    [texts[0].slice(0, 30).padEnd(30), texts[1].padEnd(20), texts[2].padEnd(20), texts[3]].join(' ');

  it('shows an image that is current only when asked', async () => {
    const [first = ''] = await layers();
    const id = (await box.atomic('images', 'list', '-q', '--no-trunc')).stdout.trim();
    const shown = await box.atomic('images', 'verify', '--no-validate', '-v', id.slice(0, 12));

    const lines = shown.stdout.split('\n');
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(lines.slice(0, 9)).toEqual([
      '',
      `${image()}:latest contains the following images:`,
      '',
      cells('NAME', 'LOCAL VERSION', 'REMOTE VERSION', 'DIFFERS'),
      cells(`${image()}:latest`, id.slice(0, 20), id.slice(0, 20), 'NO'),
      '',
      '',
      cells('layer 1', first.slice(0, 20), first.slice(0, 20), 'NO'),
      '',
    ]);
    expect(lines.filter((line) => line.startsWith('layer '))).toHaveLength(5);
  });

  it('is with the same tag, and layer by layer', async () => {
    await using registry = await startRegistry();
    await box.reach(registry.address);
    const name = `http:${registry.address}/moving:one`;
    await pushLayout(registry, `${LAYOUTS}/hello-world`, 'moving:one');
    await pushLayout(registry, `${LAYOUTS}/hello-world`, 'moving:latest');
    await box.atomic('pull', name);
    await pushLayout(registry, `${LAYOUTS}/needs-value`, 'moving:one');

    const differs = await box.atomic('images', 'verify', '--no-validate', name);
    await pushLayout(registry, `${LAYOUTS}/hello-world`, 'moving:one', { format: 'v2s2' });
    const converted = await box.atomic('images', 'verify', '--no-validate', name);
    await pushLayout(registry, `${LAYOUTS}/stubborn`, 'moving:one');
    const other = await box.atomic('images', 'verify', '--no-validate', name);

    const rows = differs.stdout.split('\n').filter((line) => line.startsWith('layer'));
    expect(differs.exitCode).toBe(1);
    expect(differs.stdout).toContain(
      `${cells(`${registry.address}/moving:one`, '1.0-1', '1.0-1', 'YES')}\n\n\n`,
    );
    expect(rows.map((line) => line.split(/ +/).at(-1))).toEqual(['NO', 'YES']);
    expect(converted).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(other.exitCode).toBe(1);
    await box.atomic('-y', 'images', 'delete', `${registry.address}/moving:one`);
  });

  it('that is impossible is said, and the content is checked all the same', async () => {
    await box.atomic('images', 'tag', image(), 'registry.example/gone');

    const verified = await box.atomic('images', 'verify', 'registry.example/gone');
    await box.atomic('-y', 'images', 'delete', 'registry.example/gone');

    expect(verified).toMatchObject({ exitCode: 1 });
    expect(verified.stderr).toMatch(/^cannot inspect registry\.example\/gone: /);
    expect(verified.stdout).toContain('(no changes detected)');
  });
});

describe('all images', () => {
  it('are verified, those that cannot be read named', async () => {
    await box.atomic('images', 'tag', image(), 'unqualified');

    const sound = await box.atomic('images', 'verify', '--all', '--storage=ostree');
    await box.sh(`echo ${'0'.repeat(64)} > ${REPO}/refs/heads/ociimage/lost_3Alatest`);
    const damaged = await box.atomic('verify', '--all', '--storage=ostree', '--no-validate');
    await box.atomic('-y', 'images', 'delete', 'lost', 'unqualified');

    expect(sound.exitCode).toBe(0);
    expect(sound.stderr).toBe(
      'Image unqualified:latest not fully qualified: it is not compared with a registry\n',
    );
    expect(sound.stdout.match(/^validation output for layer/gm)).toHaveLength(10);
    expect(damaged.exitCode).toBe(1);
    expect(damaged.stderr).toContain("Image 'lost:latest' is damaged: ");
  });
});
