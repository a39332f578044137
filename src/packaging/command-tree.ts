/** The command tree for what is made of it at build: manual pages and completions. */
import { Readable } from 'node:stream';
import type { CommandUnknownOpts, Option } from 'commander';
import type { Cli } from '../cli/cli.ts';
import { createProgram } from '../cli/program.ts';

const nothing = () => undefined;

/** Surroundings for a program that is looked at, and never run. */
const NOWHERE: Cli = {
  output: {
    line: nothing,
    write: nothing,
    warn: nothing,
    stdoutIsTty: false,
    columns: () => 80,
  },
  input: () => Readable.from([]),
  surroundings: {
    env: {},
    user: { uid: 0, gid: 0, home: '/root', isRoot: true },
    cwd: () => '/',
    program: 'atomic',
    signal: new AbortController().signal,
    ignoresSignals: false,
  },
  stdinIsTty: false,
};

/** The root of the command tree. */
export function commandTree(argv?: readonly string[]): CommandUnknownOpts {
  return createProgram(NOWHERE, argv);
}

/** The commands and groups directly below a group that its help shows. */
export function shownChildren(group: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  const shown = group.createHelp().visibleCommands(group);
  return group.commands.filter((child) => shown.includes(child));
}

/** The commands below a group that help shows, without the groups. */
export function shownCommands(command: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  return command.commands.length === 0 ? [command] : shownChildren(command).flatMap(shownCommands);
}

/** The options that the help of a command shows, `--help` with them. */
export function shownOptions(command: CommandUnknownOpts): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}
