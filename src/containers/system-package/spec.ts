/** The text of a spec file: rpm's language has macros that run programs, and nothing of an image becomes one. */
import type { PackageTags } from './tags.ts';

/** A path that a package brings. */
export interface PackagedEntry {
  /** Absolute, as on the host. */
  readonly path: string;
  readonly kind: 'file' | 'link' | 'directory';
  /** Permissions; those of a link do not count. */
  readonly mode: number;
}

/**
 * The spec file of a package whose files are there already. All belong to root, those in /etc are configuration that
 * stays when somebody has changed it.
 */
export function specText(tags: PackageTags, entries: readonly PackagedEntry[]): string {
  const { name, version, release, summary, license, url, requires, provides, conflicts } = tags;
  const head = [
    ['Name', name],
    ['Version', version],
    ['Release', release],
    ['Summary', summary],
    ['License', license],
    ...(url === undefined ? [] : [['URL', url]]),
    ['BuildArch', 'noarch'],
    ['AutoReqProv', 'no'],
    ...requires.map((one) => ['Requires', one]),
    ...provides.map((one) => ['Provides', one]),
    ...conflicts.map((one) => ['Conflicts', one]),
  ];
  const lines = [
    ...head.map(([tag, value = '']) => `${tag}: ${literal(value)}`),
    ...['', '%description', literal(tags.description), ''],
    ...['%files', '%defattr(-,root,root,-)'],
    ...entries.map(fileLine),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Text in which rpm finds no macro. Sections and conditions are looked for at the beginning of a line, and only after
 * `%%` has become `%`: no text begins with one.
 */
function literal(text: string): string {
  return text.replace(/^[\s%]+/, '').replaceAll('%', '%%') || '-';
}

function fileLine({ path, kind, mode }: PackagedEntry): string {
  const attributes = kind === 'link' ? [] : [`%attr(${octal(mode)},root,root)`];
  const flags = {
    directory: ['%dir'],
    file: path.startsWith('/etc/') ? ['%config(noreplace)'] : [],
    link: [],
  };
  return [...flags[kind], ...attributes, pattern(path)].join(' ');
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, '0');

/**
 * A pattern that matches a path: every byte that could mean anything to rpm is any byte. It may match a neighbour as
 * well, which is in the package, too.
 */
function pattern(path: string): string {
  return [...Buffer.from(path)]
    .map((byte) => String.fromCharCode(byte))
    .map((character) => (/[A-Za-z0-9/._+@:,=^~-]/.test(character) ? character : '?'))
    .join('');
}
