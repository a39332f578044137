import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from '../../src/config.ts';
import { AtomicError } from '../../src/errors.ts';
import { useDirectory } from './support/directory.ts';
import { mutated, randomFrom } from './support/noise.ts';

const DEFAULTS = { default_storage: 'ostree' };

/** As a distribution ships it, with what belongs to other parts of the Python tool. */
const SHIPPED = `# Atomic CLI configuration file
default_storage: docker
default_scanner:
default_docker: docker
registry_confdir: /etc/containers/registries.d
discover_sigstores: true
#ostree_repository: /ostree/repo
checkout_path: /srv/containers
RUNTIME: /usr/bin/crun
`;

describe('parseConfig', () => {
  it.each([
    { name: 'an empty file', text: '', want: {} },
    { name: 'blanks', text: ' \n\n', want: {} },
    { name: 'comments only', text: '# runtime: /x\n', want: {} },
    {
      name: 'all keys',
      text: 'default_storage: docker\nostree_repository: /r\ncheckout_path: /c\nruntime: /x\nhttp_proxy: h\nhttps_proxy: s\nno_proxy: "n,m"\n',
      want: {
        default_storage: 'docker',
        ostree_repository: '/r',
        checkout_path: '/c',
        runtime: '/x',
        http_proxy: 'h',
        https_proxy: 's',
        no_proxy: 'n,m',
      },
    },
    { name: 'keys in upper case', text: 'RUNTIME: /x\nDEFAULT_STORAGE: ostree\n', want: { runtime: '/x' } },
    { name: 'keys in mixed case as unknown ones', text: 'Runtime: 7\n', want: { Runtime: 7 } },
    {
      name: 'keys without value as not set',
      text: 'runtime:\nhttp_proxy: ~\ndefault_storage:\ncheckout_path: ""\n',
      want: {},
    },
    {
      name: 'unknown keys, whatever they hold',
      text: 'default_signer: [a, {b: 1}]\n',
      want: { default_signer: ['a', { b: 1 }] },
    },
    { name: 'a bare name of a runtime', text: 'runtime: crun\n', want: { runtime: 'crun' } },
    { name: 'a map in braces', text: '{runtime: /x}', want: { runtime: '/x' } },
    { name: 'YAML 1.1', text: 'discover_sigstores: yes\n', want: { discover_sigstores: true } },
    { name: 'a file with a byte order mark', text: '\ufeffruntime: /x', want: { runtime: '/x' } },
    {
      name: 'the last of a key that is there twice, as PyYAML does',
      text: 'runtime: /x\nruntime: /y\n',
      want: { runtime: '/y' },
    },
    {
      name: 'the file that is shipped',
      text: SHIPPED,
      want: {
        default_storage: 'docker',
        default_scanner: null,
        default_docker: 'docker',
        registry_confdir: '/etc/containers/registries.d',
        discover_sigstores: true,
        checkout_path: '/srv/containers',
        runtime: '/usr/bin/crun',
      },
    },
  ])('reads $name', async ({ text, want }) => {
    expect(await parseConfig('/f', text)).toEqual({ ...DEFAULTS, ...want });
  });

  it.each([
    { name: 'a list', text: '- a\n', message: '/f: the file: ' },
    { name: 'a word', text: 'runtime\n', message: '/f: the file: ' },
    {
      name: 'another storage',
      text: 'default_storage: overlay\n',
      message: "/f: default_storage: expected 'ostree' or 'docker'",
    },
    {
      name: 'another spelling of a storage',
      text: 'default_storage: OSTree\n',
      message: "/f: default_storage: expected 'ostree' or 'docker'",
    },
    {
      name: 'a relative repository',
      text: 'ostree_repository: repo\n',
      message: '/f: ostree_repository: expected an absolute path',
    },
    {
      name: 'a relative checkout',
      text: 'checkout_path: ./c\n',
      message: '/f: checkout_path: expected an absolute path',
    },
    {
      name: 'a relative runtime',
      text: 'RUNTIME: ./runc\n',
      message: '/f: runtime: expected an absolute path or the name of a program',
    },
    { name: 'a number', text: 'no_proxy: 0755\n', message: '/f: no_proxy: expected text' },
    { name: 'a truth value', text: 'https_proxy: no\n', message: '/f: https_proxy: expected text' },
    { name: 'a list for a text', text: 'http_proxy: [a]\n', message: '/f: http_proxy: expected text' },
    { name: 'a file that ends too early', text: 'runtime: [\n', message: '/f: not valid YAML: ' },
    { name: 'tabs before a key', text: '\truntime: /x\n', message: '/f: not valid YAML: ' },
    { name: 'two documents', text: 'runtime: /x\n---\nruntime: /y\n', message: '/f: not valid YAML: ' },
    { name: 'aliases that would fill the memory', text: billionLaughs(), message: '/f: not valid YAML: ' },
  ])('refuses $name in one line that names the file', async ({ text, message }) => {
    const error = await failureOf(parseConfig('/f', text));

    expect(error.message.startsWith(message), error.message).toBe(true);
    expect(error.message).not.toContain('\n');
  });

  it('leaves standard error alone when the parser has doubts', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);

    expect(await parseConfig('/f', 'default_signer: !key me\n? [a]\n: b\n')).toMatchObject({
      default_signer: 'me',
    });
    await setImmediate();

    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('survives mutations', async () => {
    const random = randomFrom(2);
    const verdicts = new Set<string>();

    for (let round = 0; round < 1000; round++) {
      const text = mutated(Buffer.from(SHIPPED.slice(SHIPPED.indexOf('\n') + 1)), random).toString();
      try {
        await parseConfig('/f', text);
        verdicts.add('read');
      } catch (error) {
        expect(error, JSON.stringify(text)).toBeInstanceOf(AtomicError);
        verdicts.add('refused');
      }
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });
});

describe('readConfig', () => {
  const folder = useDirectory();

  it('reads the file that ATOMIC_CONF names', async () => {
    const file = join(folder, 'atomic.conf');
    await writeFile(file, 'runtime: /usr/bin/crun\n');

    expect(await readConfig({ ATOMIC_CONF: file })).toEqual({ ...DEFAULTS, runtime: '/usr/bin/crun' });
  });

  it('names a file that it was told of and that is not there', async () => {
    const file = join(folder, 'none');

    expect(await failureOf(readConfig({ ATOMIC_CONF: file }))).toMatchObject({
      message: `${file} does not exist`,
      hint: 'unset or correct ATOMIC_CONF',
    });
  });

  it('names what is no file', async () => {
    const { message } = await failureOf(readConfig({ ATOMIC_CONF: folder }));

    expect(message.startsWith(`cannot read ${folder}: EISDIR`), message).toBe(true);
  });

  it.skipIf(existsSync('/etc/atomic.conf')).each([{}, { ATOMIC_CONF: '' }])(
    'has the defaults for %j on a host without configuration',
    async (env) => {
      expect(await readConfig(env)).toEqual(DEFAULTS);
    },
  );
});

async function failureOf(promise: Promise<unknown>): Promise<AtomicError> {
  const error = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AtomicError);
  return error as AtomicError;
}

/** Eight levels, each with eight times the one below. */
function billionLaughs(): string {
  const levels = Array.from({ length: 8 }, (_, level) => {
    const content = level === 0 ? 'x' : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array(8).fill(content).join(', ')}]`;
  });
  return levels.join('\n');
}
