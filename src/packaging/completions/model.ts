/** What the completions of all shells are made of: the commands, with what stands in each place of a command line. */
import type { Argument, CommandUnknownOpts, Option } from 'commander';
import { programOf } from '../../cli/words.ts';
import { shownChildren, shownOptions } from '../command-tree.ts';

/** What a value is: one of some words, files, or something that `atomic __complete` lists. */
export type Values = readonly string[] | 'files' | 'directories' | Listed;
/** The kinds that `atomic __complete` knows. */
export type Listed = 'containers' | 'images' | 'names' | 'variables';

export interface CompletedOption {
  /** `-n` and `--name`. */
  readonly names: readonly string[];
  readonly help: string;
  /** Absent for an option without a value. */
  readonly value?: Values;
  readonly isRepeatable: boolean;
}

export interface CompletedOperand {
  readonly name: string;
  readonly values: Values;
  readonly isVariadic: boolean;
}

export interface CompletedCommand {
  /** The words after `atomic`, `containers list`; empty for `atomic` itself. */
  readonly path: string;
  readonly help: string;
  readonly options: readonly CompletedOption[];
  readonly operands: readonly CompletedOperand[];
  /** The commands of a group, by their last word. */
  readonly children: readonly { readonly name: string; readonly help: string }[];
}

const NOTHING: Values = [];
const CONTAINER_FILTERS = 'container image command created state runtime backend'.split(' ');
const IMAGE_FILTERS = 'repo repository tag id image created size type is_dangling'.split(' ');
const filters = (names: readonly string[]) => names.map((name) => `${name}=`);

/** By the name of the option, and of its command where it matters. */
const OPTION_VALUES: Readonly<Record<string, Values>> = {
  '--container': 'containers',
  '--name': NOTHING,
  '--options': NOTHING,
  '--rebase': 'images',
  '--rootfs': 'directories',
  '--runtime': 'files',
  '--set': 'variables',
  '--src-creds': NOTHING,
  '--storage': ['ostree'],
  '--system-package': ['auto', 'build', 'no', 'yes'],
  '--type': NOTHING,
  'containers list --filter': filters(CONTAINER_FILTERS),
  'images list --filter': filters(IMAGE_FILTERS),
};

/** By the name of the operand, and of its command where that says it better. */
const OPERAND_VALUES: Readonly<Record<string, Values>> = {
  args: NOTHING,
  command: 'files',
  container: 'containers',
  containers: 'containers',
  image: 'images',
  images: 'images',
  mountpoint: 'directories',
  src: 'images',
  target: NOTHING,
  'help image': 'names',
  'images help image': 'names',
  'mount image': 'names',
  'run image': 'names',
  'stop image': 'containers',
  'uninstall image': 'containers',
  'update image': 'names',
};

/**
 * Lists `atomic`, its commands and groups, and the commands of the groups.
 *
 * @throws Error for an option or operand of which it is not known what its values are
 */
export function completedCommands(program: CommandUnknownOpts): readonly CompletedCommand[] {
  return [completed(program), ...shownChildren(program).flatMap(completedCommands)];
}

function completed(command: CommandUnknownOpts): CompletedCommand {
  const path = programOf(command).split(' ').slice(1).join(' ');
  return {
    path,
    help: command.description(),
    options: shownOptions(command).map((option) => optionOf(path, option)),
    operands: command.registeredArguments.map((argument) => operandOf(path, argument)),
    children: shownChildren(command).map((child) => ({ name: child.name(), help: child.description() })),
  };
}

function optionOf(path: string, option: Option): CompletedOption {
  const { short, long, description, defaultValue } = option;
  const names = [short, long].filter((name) => name !== undefined);
  const isRepeatable = Array.isArray(defaultValue);
  if (!option.required) return { names, help: description, isRepeatable };
  return { names, help: description, isRepeatable, value: known(OPTION_VALUES, path, long ?? '') };
}

function operandOf(path: string, argument: Argument): CompletedOperand {
  const name = argument.name();
  return { name, values: known(OPERAND_VALUES, path, name), isVariadic: argument.variadic };
}

function known(table: Readonly<Record<string, Values>>, path: string, name: string): Values {
  const values = table[`${path} ${name}`] ?? table[name];
  if (values === undefined) throw new Error(`what are the values of '${name}' in 'atomic ${path}'?`);
  return values;
}
