import { describe, expect, it } from 'vitest';
import { renderTemplate, requireValues, variablesOf } from '../../../../src/containers/rendering/template.ts';

const render = (text: string, values: Record<string, string>) => renderTemplate({ file: '/F', text }, values);

describe('renderTemplate', () => {
  it.each([
    { name: 'plain text', text: 'no variables\n', want: 'no variables\n' },
    { name: 'a name', text: 'a $X b', want: 'a 1 b' },
    { name: 'a name in braces', text: 'a${X}b', want: 'a1b' },
    { name: 'an escaped dollar', text: '$$X costs $$$X', want: '$X costs $1' },
    { name: 'the longest name', text: '$Xx', want: '2' },
    { name: 'a name before a letter that is not ASCII', text: '$X\u00e9', want: '1\u00e9' },
    { name: 'a backslash', text: '\\$X', want: '\\1' },
    {
      name: 'what Handlebars would take for its own',
      text: '{{X}} {{ .Names }} {{#if}} $X',
      want: '{{X}} {{ .Names }} {{#if}} 1',
    },
    { name: 'names of helpers', text: '$if $lookup $each $this $log', want: 'a b c d e' },
    { name: 'HTML', text: '$HTML', want: '<&">' },
    { name: 'a value that looks like a variable', text: '$DOLLAR', want: '$X' },
    { name: 'an empty value', text: '[$EMPTY]', want: '[]' },
    { name: 'names of object properties', text: '$constructor', want: 'own' },
  ])('renders $name', ({ text, want }) => {
    const helpers = { if: 'a', lookup: 'b', each: 'c', this: 'd', log: 'e' };
    const values = { X: '1', Xx: '2', HTML: '<&">', DOLLAR: '$X', EMPTY: '', constructor: 'own', ...helpers };

    expect(render(text, values)).toBe(want);
  });

  it('names the first missing variable in the words that scripts know, and all of them in the hint', () => {
    expect(() => render('$A $B $C', { B: '' })).toThrow(
      expect.objectContaining({
        message: "The template file '/F' still contains an unreplaced value for: ''A''",
        hint: 'add --set=A=VALUE --set=C=VALUE',
      }),
    );
  });

  it('takes no property of all objects for a value', () => {
    expect(() => render('$toString', {})).toThrow("unreplaced value for: ''toString''");
  });

  it.each([
    { text: 'x\n  $', where: 'line 2, col 3' },
    { text: '$1', where: 'line 1, col 1' },
    { text: 'ab${a-b}', where: 'line 1, col 3' },
    { text: '${', where: 'line 1, col 1' },
    { text: '$ ', where: 'line 1, col 1' },
    { text: 'a\r\nb$\u00e9', where: 'line 2, col 2' },
  ])('refuses $text at $where', ({ text, where }) => {
    expect(() => render(text, {})).toThrow(`Invalid placeholder in string: ${where}`);
  });
});

describe('variablesOf', () => {
  it('lists each variable once, in order', () => {
    expect(variablesOf({ file: '', text: '$B ${A} $$C $B' })).toEqual(['B', 'A']);
  });
});

describe('requireValues', () => {
  it('looks at all templates before the first is rendered', () => {
    const templates = [
      { file: '/one', text: '$A' },
      { file: '/two', text: '$B' },
    ];

    expect(() => requireValues(templates, { A: '1' })).toThrow(
      "'/two' still contains an unreplaced value for: ''B''",
    );
    expect(() => requireValues(templates, { A: '1', B: '2' })).not.toThrow();
  });
});
