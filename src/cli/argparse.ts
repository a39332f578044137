/** Makes commander behave like Python's argparse, on which old scripts rely. */
import { Command, CommanderError, type CommandUnknownOpts } from 'commander';
import { UsageError } from '../errors.ts';
import { childOf, programOf, separated } from './words.ts';

/**
 * Parses and runs a command line.
 *
 * @param argv the words after the program's name
 * @returns the exit status that the command gave; 0 when it gave none
 * @throws UsageError for a wrong command line, and whatever the command throws
 */
export async function runCommandLine(program: CommandUnknownOpts, argv: readonly string[]): Promise<number> {
  translateErrors(program);
  const words = separated(program, argv);
  requireVerb(program, words);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    // help and version have been printed
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
  return statuses.get(program) ?? 0;
}

const statuses = new WeakMap<object, number>();

/** Makes `status` the exit status of the command line that `command` is part of; commander hands none on. */
export function endWith(command: CommandUnknownOpts, status: number): void {
  if (command.parent === null) statuses.set(command, status);
  else endWith(command.parent, status);
}

function translateErrors(command: CommandUnknownOpts): void {
  command.exitOverride((error) => {
    throw error.exitCode === 0 ? error : usageErrorOf(command, error);
  });
  for (const child of command.commands) translateErrors(child);
}

/** compat: argparse reports leftovers in the name of the whole program, other errors in that of the command. */
function usageErrorOf(command: CommandUnknownOpts, { code, message }: CommanderError): UsageError {
  const text = message.replace(/^error: /, '');
  const quoted = [...text.matchAll(/'([^']*)'/g)].map(([, inner]) => inner ?? '');
  switch (code) {
    case 'commander.unknownOption':
      return new UsageError('atomic', `unrecognized arguments: ${quoted[0]}`);
    case 'commander.excessArguments':
      return new UsageError('atomic', `unrecognized arguments: ${leftovers(command).join(' ')}`);
    case 'commander.missingArgument':
      return new UsageError(
        programOf(command),
        `the following arguments are required: ${positionals(command)}`,
      );
    case 'commander.conflictingOption':
      return new UsageError(programOf(command), conflict(quoted));
    case 'commander.optionMissingArgument':
      return new UsageError(programOf(command), `argument ${spellings(quoted[0])}: expected one argument`);
    default:
      return new UsageError(programOf(command), text);
  }
}

function leftovers(command: CommandUnknownOpts): readonly string[] {
  return command.args.slice(command.registeredArguments.length);
}

/** compat: the rest of a line counts as required, too, in argparse's message. */
function positionals(command: CommandUnknownOpts): string {
  return command.registeredArguments.map((argument) => argument.name()).join(', ');
}

function conflict([one, other]: readonly string[]): string {
  return `argument ${spellings(one)}: not allowed with argument ${spellings(other)}`;
}

/** `-q, --quiet` is `--quiet/-q` to argparse. */
function spellings(flags = ''): string {
  const words = flags.split(/[ ,]+/).filter((word) => word.startsWith('-'));
  return words.reverse().join('/');
}

/** A group needs a verb, and one that it has. */
function requireVerb(program: CommandUnknownOpts, argv: readonly string[]): void {
  let group = program;
  for (const word of argv) {
    if (word === '-h' || word === '--help' || (group === program && ['-v', '--version'].includes(word)))
      return;
    if (word.startsWith('-')) continue;
    const next = childOf(group, word);
    if (next === undefined)
      throw new UsageError(programOf(group), invalidChoice(group, word), suggestionFor(group, word));
    if (next.commands.length === 0) return;
    group = next;
  }
  throw new UsageError(['atomic', ...argv].join(' '), 'too few arguments');
}

function invalidChoice(group: CommandUnknownOpts, word: string): string {
  // short spellings of the program itself are hidden, and can be typed; what only shells ask for is not
  const all = group.commands.map((command) => command.name()).filter((name) => !name.startsWith('_'));
  const names = group.parent === null ? all : shownNames(group);
  const choices = names.map((name) => `'${name}'`).join(', ');
  return `invalid choice: '${word}' (choose from ${choices})`;
}

/** The commands of a group that its help shows. */
function shownNames(group: CommandUnknownOpts): readonly string[] {
  return group
    .createHelp()
    .visibleCommands(group)
    .map((command) => command.name());
}

/** A line with the command that was probably meant: what commander finds similar among those that the help shows. */
function suggestionFor(group: CommandUnknownOpts, word: string): string | undefined {
  const shown = rootCommand(group.name(), () => undefined)
    .exitOverride()
    .showSuggestionAfterError(true);
  for (const name of shownNames(group)) shown.command(name);
  try {
    shown.parse([word], { from: 'user' });
  } catch (error) {
    return /Did you mean .*\?/.exec((error as Error).message)?.[0];
  }
  return undefined;
}

/** The root of a command tree with the settings that this file relies on. */
export function rootCommand(name: string, write: (text: string) => void): Command {
  return new Command(name)
    .helpCommand(false)
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .showSuggestionAfterError(false)
    .allowExcessArguments(false)
    .configureOutput({ writeOut: write, writeErr: () => undefined });
}
