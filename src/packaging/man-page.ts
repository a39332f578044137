/** Renders Markdown as a manual page: of Markdown, what docs/atomic.1.md uses. */

/** What `.TH` says of a page besides its name and section. */
export interface PageFacts {
  /** Program and version, for the foot of the page. */
  readonly source: string;
  /** `2026-11-24`. */
  readonly date: string;
}

const MANUALS: Readonly<Record<string, string>> = { 1: 'User Commands', 5: 'File Formats' };

/**
 * Renders Markdown as man(7): `# NAME SECTION` first, then `##` and `###` headings, paragraphs, fenced code, and items
 * ``- `TERM`: text``. Code is bold, *emphasis* italic.
 *
 * @throws Error for a page that does not begin with its name and section, and for other list items
 */
export function manPage(markdown: string, { source, date }: PageFacts): string {
  const [, name, section, body] = /^# (\S+) (\d)\n([\s\S]*)$/.exec(markdown) ?? [];
  if (name === undefined || section === undefined || body === undefined)
    throw new Error('the page has to begin with # NAME SECTION');
  const manual = MANUALS[section] ?? '';
  const header = `.TH ${quoted(name.toUpperCase())} ${section} ${date} ${quoted(source)} ${quoted(manual)}`;
  const text = [header, ...blocksOf(body).map(rendered)].join('\n');
  // a heading begins a paragraph
  return `${text.replaceAll(/^(\.S[HS] .*\n)\.PP\n/gm, '$1')}\n`;
}

/** Paragraphs, headings, code, and each item of a list. */
function blocksOf(body: string): readonly string[] {
  const parts = body.split(/^(```[\s\S]*?^```)$/m);
  return parts
    .flatMap((part) => (part.startsWith('```') ? [part] : part.split(/\n\n+|\n(?=- )/)))
    .map((block) => block.trim())
    .filter((block) => block !== '');
}

function rendered(block: string): string {
  const [, heading, title] = /^(##|###) (.*)$/.exec(block) ?? [];
  if (title !== undefined) return `${heading === '##' ? '.SH' : '.SS'} ${quoted(title)}`;
  if (block.startsWith('```')) return `.PP\n.EX\n${escaped(block.split('\n').slice(1, -1).join('\n'))}\n.EE`;
  if (!block.startsWith('- ')) return `.PP\n${inline(block)}`;
  const [, term, text] = /^- `([^`]+)`:\s+([\s\S]*)$/.exec(block) ?? [];
  if (term === undefined || text === undefined)
    throw new Error(`not an item of the form - \`TERM\`: text: ${block}`);
  return `.TP\n\\fB${escaped(term)}\\fR\n${inline(text.replaceAll(/\n\s+/g, '\n'))}`;
}

function inline(text: string): string {
  return text
    .split(/(`[^`]+`|\*[^*]+\*)/)
    .map((part) => {
      if (part.startsWith('`')) return `\\fB${escaped(part.slice(1, -1))}\\fR`;
      if (/^\*.+\*$/s.test(part)) return `\\fI${escaped(part.slice(1, -1))}\\fR`;
      return escaped(part);
    })
    .join('');
}

/** Hyphens stay hyphens, and no line begins a request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}

function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`;
}
