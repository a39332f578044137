/** Makes manual pages of docs/atomic.1.md and the command tree: an overview, and one for each command or group. */
import type { CommandUnknownOpts } from 'commander';
import { programOf } from '../cli/words.ts';
import { shownChildren, shownCommands, shownOptions } from './command-tree.ts';
import { manPage, type PageFacts } from './man-page.ts';

/** A part of the reference, as far as the next heading. */
interface Section {
  readonly level: string;
  /** `atomic pull [OPTION]... IMAGE` for a command. */
  readonly heading: string;
  /** What is before the first item. */
  readonly prose: string;
  readonly items: ReadonlyMap<string, string>;
}

/**
 * Makes all pages of section 1.
 *
 * @param reference the text of docs/atomic.1.md; what it says of an option replaces what the help says of it
 * @returns the pages by the names of their files
 * @throws Error when the reference lacks a command, or describes a command or an option that there is not
 */
export function manPages(
  program: CommandUnknownOpts,
  reference: string,
  facts: PageFacts,
): ReadonlyMap<string, string> {
  const sections = sectionsOf(reference);
  const described = commandSections(program, sections);
  const pages = shownChildren(program).flatMap((command) => {
    const names = [command.name(), ...command.aliases()];
    const page = manPage(commandPage(command, described), facts);
    return names.map((name) => [`atomic-${name}.1`, page] as const);
  });
  const overview = sections.filter((section) => ![...described.values()].includes(section));
  return new Map([['atomic.1', manPage(overviewPage(program, overview), facts)], ...pages]);
}

function sectionsOf(reference: string): readonly Section[] {
  return reference.split(/^(?=#)/m).map((part) => {
    const [, level = '', heading = '', body = ''] = /^(#+) (.*)\n([\s\S]*)$/.exec(part) ?? [];
    const [prose = '', ...items] = body.split(/^- (?=`)/m);
    return { level, heading, prose: prose.trim(), items: new Map(items.map(itemOf)) };
  });
}

function itemOf(item: string): readonly [string, string] {
  const [, term = '', text = ''] = /^`([^`]+)`:\s+([\s\S]*)$/.exec(item) ?? [];
  return [term, text.trim()];
}

/** The sections that describe commands, by the words that these are called by. */
function commandSections(
  program: CommandUnknownOpts,
  sections: readonly Section[],
): ReadonlyMap<string, Section> {
  const names = new Set(shownCommands(program).map(programOf));
  const found = sections.filter(({ level, heading }) => level === '###' && heading.startsWith('atomic '));
  return new Map(
    found.map((section) => {
      const name = /^atomic(?: [a-z]+)+/.exec(section.heading)?.[0] ?? '';
      if (!names.has(name)) throw new Error(`there is no command '${name}'`);
      return [name, section];
    }),
  );
}

/**
 * What the reference says of a command. compat: `atomic info` is short for `atomic images info`, and has its section.
 *
 * @throws Error when it says nothing
 */
function sectionFor(command: CommandUnknownOpts, described: ReadonlyMap<string, Section>): Section {
  const name = programOf(command);
  const own = described.get(name);
  if (own !== undefined) return own;
  const long = ['images', 'containers']
    .map((group) => name.replace('atomic ', `atomic ${group} `))
    .find((each) => described.has(each));
  const section = described.get(long ?? '');
  if (long === undefined || section === undefined) throw new Error(`'${name}' is not described`);
  return {
    ...section,
    heading: section.heading.replace(long, name),
    prose: `The same as \`${long}\`. ${section.prose}`,
  };
}

const pageName = (command: CommandUnknownOpts) => programOf(command).replaceAll(' ', '-');

function commandPage(command: CommandUnknownOpts, described: ReadonlyMap<string, Section>): string {
  const sections = shownCommands(command).map((each) => {
    const section = sectionFor(each, described);
    return { ...section, options: completed(section, each) };
  });
  const body =
    command.commands.length > 0
      ? [
          '## COMMANDS',
          ...sections.flatMap(({ heading, prose, options }) => [`### ${heading}`, prose, options]),
        ]
      : sections.flatMap(({ prose, options }) => ['## DESCRIPTION', prose, '## OPTIONS', options]);
  const title = `${pageName(command)} - ${command.description()}`;
  const synopsis = sections.map(({ heading }) => synopsisOf(heading));
  return [`# ${pageName(command)} 1`, '## NAME', title, '## SYNOPSIS', ...synopsis, ...body, SEE_ALSO].join(
    '\n\n',
  );
}

const SEE_ALSO = `## SEE ALSO

atomic(1), which says what *NAME* and *IMAGE* can be, and describes files, variables and exit statuses; atomic.conf(5)`;

/** `atomic pull` is bold, what stands for something else italic. */
function synopsisOf(heading: string): string {
  return heading.replace(/^atomic(?: [a-z]+)+/, '`$&`').replaceAll(/[A-Z]{2,}/g, '*$&*');
}

/** All options of a command as items: as the section describes them, else as its help does. */
function completed({ heading, items }: Section, command: CommandUnknownOpts): string {
  const shown = new Map(
    shownOptions(command).map(({ flags, description }) => [
      flags.replaceAll(/[<>]/g, ''),
      sentence(description),
    ]),
  );
  for (const term of items.keys()) if (!shown.has(term)) throw new Error(`${heading} has no option ${term}`);
  return [...shown].map(([flags, help]) => `- \`${flags}\`: ${items.get(flags) ?? help}`).join('\n');
}

function sentence(help: string): string {
  return `${help.charAt(0).toUpperCase()}${help.slice(1)}${help.endsWith('.') ? '' : '.'}`;
}

function overviewPage(program: CommandUnknownOpts, sections: readonly Section[]): string {
  const commands = shownChildren(program).map(
    (command) => `- \`${pageName(command)}(1)\`: ${sentence(command.description())}`,
  );
  return sections
    .map((section) => {
      const { level, heading, prose, items } = section;
      const own = [...items].map(([term, text]) => `- \`${term}\`: ${text}`).join('\n');
      const list = heading === 'GLOBAL OPTIONS' ? completed(section, program) : own;
      return [`${level} ${heading}`, prose, list, heading === 'COMMANDS' ? commands.join('\n') : ''].join(
        '\n\n',
      );
    })
    .join('\n\n');
}
