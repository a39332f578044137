import { describe, expect, it } from 'vitest';
import { specText } from '../../../../src/containers/system-package/spec.ts';
import { tagsOf } from '../../../../src/containers/system-package/tags.ts';

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
    ['/usr/bin/a b', '/usr/bin/a?b'],
    ['/usr/bin/%(id)', '/usr/bin/??id?'],
    ['/usr/bin/"*[x]{y,z}\\', '/usr/bin/???x??y,z??'],
    ['/usr/bin/é', '/usr/bin/??'],
  ])('names the file %s by a pattern without meaning', (path, pattern) => {
    const lines = spec({}, [{ path, kind: 'file', mode: 0o100755 }]).split('\n');

    expect(lines).toContain(`%attr(0755,root,root) ${pattern}`);
  });
});
