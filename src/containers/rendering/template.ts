/** Renders `$NAME` templates: the syntax of Python's string.Template, with Handlebars. */
import Handlebars from 'handlebars';
import { AtomicError } from '../../errors.ts';

export interface Template {
  /** Where it came from, for messages. */
  readonly file: string;
  readonly text: string;
}

/** Variables by name. */
export type Values = Readonly<Record<string, string>>;

type Token = { readonly literal: string } | { readonly name: string };

/** https://docs.python.org/3/library/string.html#template-strings, the default pattern. */
const PLACEHOLDER =
  /\$(?:(?<escaped>\$)|(?<name>[_a-z][_a-z0-9]*)|\{(?<braced>[_a-z][_a-z0-9]*)\}|(?<invalid>))/gi;

/**
 * Fills in a template in one pass; values are pasted as they are.
 *
 * @throws AtomicError when a `$` begins no placeholder, or a variable has no value (all of them are named, the
 *   first in the wording of the Python tool)
 */
export function renderTemplate(template: Template, values: Values): string {
  requireValues([template], values);
  const body = tokensOf(template).map((token) =>
    'name' in token ? lookupNode(token.name) : contentNode(token.literal),
  );
  const program: hbs.AST.Program = { type: 'Program', body, blockParams: [], loc: NOWHERE };
  return Handlebars.compile(program, { noEscape: true, strict: true })({ values });
}

/** The names of the variables that a template uses, each once, in order. */
export function variablesOf(template: Template): readonly string[] {
  return [...new Set(tokensOf(template).flatMap((token) => ('name' in token ? [token.name] : [])))];
}

/**
 * Makes sure that every variable of every template has a value, before anything is rendered.
 *
 * @throws AtomicError that names the first, and all of them in its hint
 */
export function requireValues(templates: readonly Template[], values: Values): void {
  const missing = templates.flatMap((template) =>
    variablesOf(template)
      .filter((name) => !Object.hasOwn(values, name))
      .map((name) => ({ file: template.file, name })),
  );
  const [first] = missing;
  if (first === undefined) return;
  const names = [...new Set(missing.map(({ name }) => name))];
  throw new AtomicError(
    // compat: syscontainers.py:_write_template has two quotes on each side, and scripts look for them
    `The template file '${first.file}' still contains an unreplaced value for: ''${first.name}''`,
    { hint: `add ${names.map((name) => `--set=${name}=VALUE`).join(' ')}` },
  );
}

function tokensOf({ file, text }: Template): readonly Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const { escaped, name, braced, invalid } = match.groups ?? {};
    if (invalid !== undefined) throw invalidPlaceholder(file, text, match.index);
    tokens.push({ literal: text.slice(end, match.index) + (escaped ?? '') });
    if (escaped === undefined) tokens.push({ name: name ?? braced ?? '' });
    end = match.index + match[0].length;
  }
  return [...tokens, { literal: text.slice(end) }];
}

function invalidPlaceholder(file: string, text: string, index: number): AtomicError {
  const lines = text.slice(0, index + 1).split(/\r\n|\r|\n/);
  const where = `line ${lines.length}, col ${lines.at(-1)?.length}`;
  return new AtomicError(`Invalid placeholder in string: ${where}, in the template file '${file}'`, {
    hint: "write '$$' for a dollar sign",
  });
}

const NOWHERE: hbs.AST.SourceLocation = {
  source: '',
  start: { line: 1, column: 0 },
  end: { line: 1, column: 0 },
};

function contentNode(value: string): hbs.AST.ContentStatement {
  return { type: 'ContentStatement', value, original: {} as hbs.AST.StripFlags, loc: NOWHERE };
}

/** A path of two parts, so that a variable called `if` or `lookup` is never taken for a helper. */
function lookupNode(name: string): hbs.AST.MustacheStatement {
  const path: hbs.AST.PathExpression = {
    type: 'PathExpression',
    data: false,
    depth: 0,
    parts: ['values', name],
    original: `values.${name}`,
    loc: NOWHERE,
  };
  const strip = { open: false, close: false };
  return {
    type: 'MustacheStatement',
    path,
    params: [],
    // with a hash, be it empty, Handlebars takes the path for a helper
    hash: undefined as unknown as hbs.AST.Hash,
    escaped: false,
    strip,
    loc: NOWHERE,
  };
}
