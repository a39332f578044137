import { describe, expect, it } from 'vitest';
import { applyFilters, parseFilters } from '../../../src/cli/output/filters.ts';
import { humanSize, json, localMinute, localTime } from '../../../src/cli/output/formats.ts';
import { printable, printableText } from '../../../src/cli/output/printable.ts';
import { progressTo } from '../../../src/cli/output/progress.ts';
import { renderTable } from '../../../src/cli/output/table.ts';

describe('humanSize', () => {
  it.each([
    { bytes: undefined, want: '' },
    { bytes: 0, want: '' },
    { bytes: 1, want: '1.0 B' },
    { bytes: 999, want: '999.0 B' },
    { bytes: 1000, want: '1.0 KB' },
    { bytes: 20480, want: '20.48 KB' },
    { bytes: 16_630_000, want: '16.63 MB' },
    { bytes: 1_976_000, want: '1.98 MB' },
    { bytes: 5_000_000_000, want: '5.0 GB' },
    { bytes: 16_600_000, want: '16.6 MB' },
  ])('writes $bytes as "$want"', ({ bytes, want }) => {
    expect(humanSize(bytes)).toBe(want);
  });
});

describe('times', () => {
  it('are local, with leading zeros', () => {
    const date = new Date(2026, 0, 2, 3, 4, 5);

    expect(localTime(date)).toBe('2026-01-02 03:04:05');
    expect(localMinute(date)).toBe('2026-01-02 03:04');
  });
});

describe('json', () => {
  it.each([
    { value: [], want: '[]' },
    { value: 'a\n\u001b[2J\u009b\u202e', want: '"a\\n\\u001b[2J\\u009b\\u202e"' },
    { value: [{ a: 1 }], want: '[\n    {\n        "a": 1\n    }\n]' },
  ])('writes $value', ({ value, want }) => {
    expect(json(value).join('\n')).toBe(want);
  });
});

describe('renderTable', () => {
  const columns = [
    { heading: '', width: 2 },
    { heading: 'LONGER', width: 4, isCut: true },
    { heading: 'B', width: 3 },
  ];

  it('cuts cells where told, never headings, and keeps trailing blanks', () => {
    expect(renderTable(columns, [['>', 'abcdef', 'abcdef']], true)).toEqual([
      '   LONGER B  ',
      '>  abcd abcdef',
    ]);
  });

  it('paints the text of a cell, not its blanks', () => {
    const cells = ['', 'a', { text: 'b', colour: 'green' as const }];

    expect(renderTable(columns, [cells], false)).toEqual(['   a    \u001b[1;32mb\u001b[0m  ']);
  });

  it('leaves the headings out', () => {
    expect(renderTable(columns, [['', 'a', 'b']], false)).toEqual(['   a    b  ']);
  });

  it('keeps a row in one line, and the terminal as it is, whatever an image holds', () => {
    const cells = ['>', 'a\nb\tc', '\u001b[2J\u009b\u007f'];

    expect(renderTable(columns, [cells], false)).toEqual(['>  a b   [2J  ']);
  });
});

describe('printable', () => {
  it.each([
    { text: 'Käse 日本 😀', want: 'Käse 日本 😀' },
    { text: 'a\nId: b\r\tc', want: 'a Id: b  c' },
    { text: '\u001b]0;title\u0007\u001b[2J\u009b1A\u007f', want: ' ]0;title  [2J 1A ' },
    { text: 'a\u202eb\u2066c\u2028d', want: 'a b c d' },
  ])('makes one harmless line of $text', ({ text, want }) => {
    expect(printable(text)).toBe(want);
  });
});

describe('printableText', () => {
  it.each([
    { text: 'a\n\tb\n', want: 'a\n\tb\n' },
    { text: '\u001b[1mNAME\u001b[0m', want: '\u001b[1mNAME\u001b[0m' },
    { text: 'a\u001b[2Jb\u001b]8;;x\u0007\rc\u001b[m', want: 'a [2Jb ]8;;x  c\u001b[m' },
  ])('keeps lines and renditions of $text, and nothing else', ({ text, want }) => {
    expect(printableText(text)).toBe(want);
  });
});

describe('filters', () => {
  const searchable = {
    name: (row: { name: string }) => [row.name],
    any: (row: { name: string }) => [row.name, 'Ostree'],
  };
  const rows = [{ name: 'Alpha' }, { name: 'beta' }];
  const matches = (...texts: string[]) => applyFilters(rows, parseFilters(texts, searchable), searchable);

  it.each([
    { texts: [], want: ['Alpha', 'beta'] },
    { texts: ['name=alp'], want: ['Alpha'] },
    { texts: ['name=A'], want: ['Alpha', 'beta'] },
    { texts: ['name=a', 'name=B'], want: ['beta'] },
    { texts: ['any=OSTREE'], want: ['Alpha', 'beta'] },
    { texts: ['name=x'], want: [] },
    { texts: ['name='], want: ['Alpha', 'beta'] },
  ])('match $texts', ({ texts, want }) => {
    expect(matches(...texts).map(({ name }) => name)).toEqual(want);
  });

  it.each([
    { text: 'name', message: 'The filter name is not formatted correctly.  It should be VAR=VALUE' },
    { text: 'name=a=b', message: 'The filter name=a=b is not formatted correctly.  It should be VAR=VALUE' },
    { text: 'toString=a', message: "The filter toString is not valid.  Please choose from ['name', 'any']" },
  ])('refuse $text', ({ text, message }) => {
    expect(() => matches(text)).toThrow(message);
  });
});

describe('progressTo', () => {
  const lines = () => {
    const out: string[] = [];
    const err: string[] = [];
    const output = {
      line: (text: string) => out.push(text),
      warn: (text: string) => err.push(text),
      write: () => undefined,
      stdoutIsTty: false,
      columns: () => 80,
    };
    const report = progressTo(output);
    report({ kind: 'extracting', path: '/a' });
    report({ kind: 'created-file', path: '/b' });
    report({ kind: 'command', argv: ['systemctl', 'start', 'x'] });
    report({ kind: 'note', text: 'note' });
    report({ kind: 'warning', text: 'warning' });
    report({ kind: 'waiting', text: 'waiting' });
    return { out, err };
  };

  it('writes progress to standard output and warnings to standard error', () => {
    expect(lines()).toEqual({
      out: ['Extracting to /a', 'Created file /b', 'systemctl start x', 'note'],
      err: ['warning', 'waiting'],
    });
  });

  const drawn = (columns: number, stdoutIsTty = true) => {
    let said = '';
    const write = (text: string | Uint8Array) => {
      said += text;
    };
    const line = (text: string) => write(`${text}\n`);
    const output = { line, write, warn: line, stdoutIsTty, columns: () => columns };
    const report = progressTo(output);
    report({ kind: 'progress', share: 0.5, text: '1 of 2 layers stored' });
    report({ kind: 'note', text: 'note' });
    report({ kind: 'progress', share: 1, text: 'x' });
    report({ kind: 'progress', share: undefined, text: '' });
    report({ kind: 'note', text: 'end' });
    return said.replaceAll('\r\u001b[K', '<');
  };

  it('draws a bar on a terminal, below all lines, and leaves nothing of it', () => {
    expect(drawn(40)).toBe(
      '<[====     ]  50 %  1 of 2 layers stored<note\n<[============================] 100 %  x<end\n',
    );
  });

  it.each([1, 5, 20, 39, 80])('leaves a column free of %i', (columns) => {
    for (const text of drawn(columns).split(/[<\n]/))
      if (text !== 'note') expect(text.length).toBeLessThan(Math.max(columns, 4));
  });

  it('draws nothing elsewhere', () => {
    expect(drawn(80, false)).toBe('note\nend\n');
  });
});
