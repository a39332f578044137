/** What the labels of an image say of its package; whatever they hold, it is text for rpm and nothing more. */
import { AtomicError } from '../../errors.ts';

/** The head of a package. */
export interface PackageTags {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly summary: string;
  readonly license: string;
  readonly url: string | undefined;
  readonly description: string;
  /** Each `NAME` or `NAME OPERATOR VERSION`. */
  readonly requires: readonly string[];
  readonly provides: readonly string[];
  readonly conflicts: readonly string[];
}

export interface TagSources {
  /** Of the container. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** For an image without the label. */
  readonly version: string;
  readonly imageId: string;
}

/** The name of the package of a container; rpm has no `@` in names, and containers no `+`. */
export function packageNameOf(name: string): string {
  return `atomic-container-${name.replaceAll('@', '+')}`;
}

/** The name of the package's file in a deployment, and of the one that is built to be carried elsewhere. */
export function packageFileOf(name: string): string {
  return `atomic-container-${name}.rpm`;
}

/**
 * Reads the `atomic.…` labels that describe a package.
 *
 * @throws AtomicError for a requirement that is none
 */
export function tagsOf({ name, labels, version, imageId }: TagSources): PackageTags {
  const lowered = new Map(Object.entries(labels).map(([key, value]) => [key.toLowerCase(), value]));
  const text = (key: string) => onOneLine(lowered.get(`atomic.${key}`) ?? '');
  const list = (key: string) => dependencies(`atomic.${key}`, text(key));
  const summary = text('summary') || name;
  return {
    name: packageNameOf(name),
    version: versionText(text('version')) || version,
    release: versionText(text('release') || imageId) || '1',
    summary,
    license: text('license') || 'GPLv2',
    url: text('url').replaceAll(/\s/g, '') || undefined,
    description: text('description') || summary,
    requires: list('requires'),
    provides: list('provides'),
    conflicts: list('conflicts'),
  };
}

/** A line of a spec file is one with what follows it if there is a line break, a backslash or an open brace in it. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\\]/gu, ' ').trim();
}

/** rpm-version(7): letters, digits and these. */
function versionText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._+~^]/g, '_');
}

const DEPENDENCY =
  /^(?<name>[A-Za-z0-9_/][A-Za-z0-9_./:()+~-]*)(?:\s*(?<operator><=|>=|==|=|<|>)\s*(?<version>[A-Za-z0-9._+~^:-]+))?$/;

function dependencies(label: string, list: string): readonly string[] {
  const entries = list.split(',').map((entry) => entry.trim());
  return entries.filter(Boolean).map((entry) => {
    const { name, operator, version } = DEPENDENCY.exec(entry)?.groups ?? {};
    if (name === undefined)
      throw new AtomicError(`the label ${label} of the image is not valid: '${entry}' is no package`, {
        hint: 'expected NAME or NAME >= VERSION, with commas in between',
      });
    return operator === undefined ? name : `${name} ${operator === '==' ? '=' : operator} ${version}`;
  });
}
