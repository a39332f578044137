import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { specText } from '../../../../src/containers/system-package/spec.ts';
import { tagsOf } from '../../../../src/containers/system-package/tags.ts';
import { anyText, holds, LIMIT, orOwnError } from '../../support/properties.ts';

const SPECIAL = '[!A-Za-z0-9._+@:,=^~-]';
const TAGS = tagsOf({ name: 'web', labels: {}, version: '0', imageId: 'f00d' });
const FILES = [
  { path: '/etc/web', kind: 'directory', mode: 0o40755 },
  { path: '/etc/web/web.conf', kind: 'file', mode: 0o100640 },
  { path: '/etc/web/link', kind: 'link', mode: 0o777 },
  { path: '/usr/bin/web', kind: 'file', mode: 0o104755 },
] as const;

const spec = (labels: Record<string, string>, entries: Parameters<typeof specText>[1] = FILES) =>
  specText(tagsOf({ name: 'web', labels, version: '0', imageId: 'f00d' }), entries);

describe('a spec file', () => {
  it('has a head, and one line for each path', () => {
    expect(spec({ 'atomic.url': 'https://example.org/%7Eweb', 'atomic.requires': 'bash,curl >= 7' })).toBe(
      `Name: atomic-container-web
Version: 0
Release: f00d
Summary: web
License: GPLv2
URL: https://example.org/%%7Eweb
BuildArch: noarch
AutoReqProv: no
Requires: bash
Requires: curl >= 7

%description
web

%files
%defattr(-,root,root,-)
%dir %attr(0755,root,root) /etc/web
%config(noreplace) %attr(0640,root,root) /etc/web/web.conf
/etc/web/link
%attr(4755,root,root) /usr/bin/web
`,
    );
  });

  it.each([
    '%{lua:os.execute("touch /tmp/x")}',
    '%(touch /tmp/x)',
    'text\n%post\ntouch /tmp/x',
    '\r\n%files\n/etc/shadow',
    '%%files',
    ' %if 1',
    'a \\\n%post',
    '\u2028%post',
  ])('takes %j in a label for text', (text) => {
    for (const label of ['atomic.summary', 'atomic.description', 'atomic.license', 'atomic.url']) {
      const lines = spec({ [label]: text }).split('\n');

      expect(lines.length).toBe(spec({ [label]: 'text' }).split('\n').length);
      const special = lines.filter(
        (line) => /^\s*%/.test(line) && !/^%(description|files|defattr|attr|dir|config)/.test(line),
      );
      expect(special).toEqual([]);
      expect(lines.filter((line) => /^%(description|files)/.test(line))).toEqual(['%description', '%files']);
      const values = lines.slice(0, lines.indexOf('%files'));
      expect(values.join('\n').replace('%description', '').replaceAll('%%', '')).not.toContain('%');
    }
  });

  it.each([
    ['/usr/bin/a b', '/usr/bin/a*b'],
    ['/usr/bin/%(id)', '/usr/bin/**id*'],
    ['/usr/bin/"*[x]{y,z}\\', '/usr/bin/***x**y,z**'],
    ['/usr/bin/é', '/usr/bin/**'],
  ])('names the file %s by a pattern without meaning', (path, pattern) => {
    const lines = spec({}, [{ path, kind: 'file', mode: 0o100755 }]).split('\n');

    expect(lines).toContain(`%attr(0755,root,root) ${pattern.replaceAll('*', SPECIAL)}`);
  });

  it.each([
    ['another mode', { kind: 'file', mode: 0o100700 }],
    ['another kind', { kind: 'directory', mode: 0o40755 }],
  ] as const)('is refused for a name that rpm cannot tell from one of %s', (_, other) => {
    const file = { path: '/opt/a b', kind: 'file', mode: 0o100755 } as const;
    const neighbour = { ...other, path: '/opt/a*b' };

    expect(() => spec({}, [file, neighbour])).toThrow(
      'cannot put "/opt/a*b" into a package: rpm cannot tell it from "/opt/a b"',
    );
    expect(() => specText(TAGS, [file], [file, neighbour])).toThrow('rpm cannot tell it');
    expect(spec({}, [file, { ...file, path: '/opt/a*b' }])).toContain('/opt/a');
    expect(spec({}, [file, { ...neighbour, path: '/opt/axb' }])).toContain('/opt/axb');
  });
});

describe('the patterns of a spec file', () => {
  it('match what has the same mode, and nothing else, or are refused', { timeout: LIMIT }, async () => {
    const name = anyText('ab*?[]{}!^-\\ "%').map((text) => text.replaceAll(/[/\0]/g, ''));
    const entry = fc.record({
      path: name.filter((text) => !['', '.', '..'].includes(text)).map((text) => `/opt/${text}`),
      kind: fc.constantFrom('file', 'directory', 'link'),
      mode: fc.constantFrom(0o755, 0o644),
    });
    await holds(fc.uniqueArray(entry, { selector: ({ path }) => path, maxLength: 6 }), async (entries) => {
      const text = await orOwnError(() => specText(TAGS, entries));
      if (text === undefined) return;
      const lines = text.split('\n').slice(-1 - entries.length, -1);
      for (const line of lines) {
        const [pattern = '', ...attributes] = line.split(' ').toReversed();
        const matched = entries.filter(({ path }) => asGlob(pattern).test(bytesOf(path)));
        expect(matched.length).toBeGreaterThan(0);
        for (const { kind, mode } of matched) expect(attributes.toReversed()).toEqual(wanted(kind, mode));
      }
    });
  });
});

/** glob(7), as far as the patterns of a spec file need it. */
function asGlob(pattern: string): RegExp {
  const parts = pattern.split(SPECIAL).map((part) => part.replaceAll(/[\^$.*+?()[\]{}|\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/A-Za-z0-9._+@:,=^~-]')}$`, 's');
}

const bytesOf = (path: string) => Buffer.from(path).toString('latin1');

function wanted(kind: string, mode: number): readonly string[] {
  if (kind === 'link') return [];
  return [...(kind === 'directory' ? ['%dir'] : []), `%attr(0${mode.toString(8)},root,root)`];
}
