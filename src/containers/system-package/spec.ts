/** The text of a spec file: rpm's language has macros that run programs, and nothing of an image becomes one. */
import { AtomicError } from '../../errors.ts';
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
 *
 * @param entries what the package brings
 * @param all what is there, be it no part of the package
 * @throws AtomicError for a name that rpm could not tell from that of another file
 */
export function specText(
  tags: PackageTags,
  entries: readonly PackagedEntry[],
  all: readonly PackagedEntry[] = entries,
): string {
  requireDistinct(entries, all);
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

function fileLine(entry: PackagedEntry): string {
  return [...attributesOf(entry), pattern(entry.path)].join(' ');
}

function attributesOf({ path, kind, mode }: PackagedEntry): readonly string[] {
  const attributes = kind === 'link' ? [] : [`%attr(${octal(mode)},root,root)`];
  const flags = {
    directory: ['%dir'],
    file: path.startsWith('/etc/') ? ['%config(noreplace)'] : [],
    link: [],
  };
  return [...flags[kind], ...attributes];
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, '0');

/** Characters that mean nothing to rpm. */
const PLAIN = 'A-Za-z0-9._+@:,=^~-';

/** A byte of a name that may mean something to rpm: glob(7) has no other way to write it that all versions of rpm know. */
const SPECIAL = `[!${PLAIN}]`;

const isPlain = new RegExp(`^[/${PLAIN}]$`);

/**
 * A pattern that matches a path: in the place of each byte that could mean anything to rpm, it matches any such byte.
 * What else it matches, {@link requireDistinct} knows.
 */
function pattern(path: string): string {
  return charactersOf(path)
    .map((character) => (isPlain.test(character) ? character : SPECIAL))
    .join('');
}

/** One character for each byte, as rpm looks at names in the C locale. */
const charactersOf = (path: string) => [...Buffer.from(path)].map((byte) => String.fromCharCode(byte));

/** A pattern that matched another path as well would give that its mode, or take it into the package. */
function requireDistinct(entries: readonly PackagedEntry[], all: readonly PackagedEntry[]): void {
  const packaged = new Set(entries.map(({ path }) => path));
  const meaning = (entry: PackagedEntry) =>
    packaged.has(entry.path) ? attributesOf(entry).join(' ') : 'not packaged';
  const known = new Map<string, PackagedEntry>();
  for (const entry of all) {
    const other = known.get(pattern(entry.path));
    if (other !== undefined && meaning(other) !== meaning(entry))
      throw new AtomicError(
        `cannot put ${JSON.stringify(entry.path)} into a package: rpm cannot tell it from ${JSON.stringify(other.path)}`,
        { hint: 'install with --system-package=no' },
      );
    known.set(pattern(entry.path), entry);
  }
}
