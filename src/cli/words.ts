/** Takes the words of a command line apart as Python's argparse does, so that commander finds what old scripts mean. */
import type { CommandUnknownOpts, Option } from 'commander';
import { UsageError } from '../errors.ts';

/** The words a command is called by: `atomic images list`. */
export function programOf(command: CommandUnknownOpts): string {
  return command.parent === null ? command.name() : `${programOf(command.parent)} ${command.name()}`;
}

/** The command of a group that is called by this word, or by its alias. */
export function childOf(group: CommandUnknownOpts, word: string): CommandUnknownOpts | undefined {
  return group.commands.find((command) => command.name() === word || command.aliases().includes(word));
}

const untouched = new WeakSet<object>();

/** Marks a command whose words after the first positional belong to somebody else, whatever they look like. */
export function withUntouchedRest<Marked extends CommandUnknownOpts>(command: Marked): Marked {
  untouched.add(command);
  command.passThroughOptions();
  return command;
}

/**
 * Brings the words into the form that commander understands: abbreviated long options are spelt out; an option and its
 * value in one word, and a command with its words in one, are taken apart; an empty word at the end is left out. What
 * belongs to another program stays as it is.
 *
 * @throws UsageError for an abbreviation that may mean several options
 */
export function separated(program: CommandUnknownOpts, argv: readonly string[]): readonly string[] {
  const words: string[] = [];
  const left = [...argv];
  let command = program;
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--') return [...words, word, ...left];
    if (word.startsWith('-') && word !== '-') {
      const { spelled, needsValue } = spellOut(command, word);
      const value = needsValue ? left.shift() : undefined;
      words.push(spelled, ...(value === undefined ? [] : [value]));
      continue;
    }
    const parts = partsOf(command, word);
    const next = childOf(command, parts[0] ?? word);
    if (next === undefined && untouched.has(command)) return [...words, word, ...left];
    if (next !== undefined) left.unshift(...parts.slice(1));
    else if (word === '' && left.length === 0) return words;
    words.push(next === undefined ? word : (parts[0] ?? word));
    command = next ?? command;
  }
  return words;
}

/** `images "delete NAME"` of scripts that quote too much. */
function partsOf(group: CommandUnknownOpts, word: string): readonly string[] {
  return group.commands.length === 0 ? [word] : word.split(/\s+/).filter((part) => part !== '');
}

interface Spelled {
  readonly spelled: string;
  /** Whether the next word is its value. */
  readonly needsValue: boolean;
}

function spellOut(command: CommandUnknownOpts, word: string): Spelled {
  return word.startsWith('--') ? spellOutLong(command, word) : spellOutShort(command, word);
}

/** `--name=VALUE`, `--name`, or `--name VALUE` in one word; the name may be abbreviated. */
function spellOutLong(command: CommandUnknownOpts, word: string): Spelled {
  const [, typed = word, separator = '', value = ''] = /^(--[\w-]+)(=|\s+)?(.*)$/s.exec(word) ?? [];
  const flag = unabbreviated(command, typed);
  const option = command.options.find(({ long }) => long === flag);
  if (separator === '') return { spelled: `${flag}${value}`, needsValue: option?.required === true };
  const isOneWord = separator === '=' || option?.required === true;
  return { spelled: isOneWord ? `${flag}=${value}` : word, needsValue: false };
}

function unabbreviated(command: CommandUnknownOpts, typed: string): string {
  const known = ['--help', ...command.options.map(({ long }) => long ?? '')];
  const matches = known.filter((long) => long.startsWith(typed));
  if (known.includes(typed) || matches.length === 0) return typed;
  if (matches.length > 1)
    throw new UsageError(programOf(command), `ambiguous option: ${typed} could match ${matches.join(', ')}`);
  return matches[0] as string;
}

/** `-n`, `-nVALUE`, `-n=VALUE`, `-n VALUE` in one word, or a bundle such as `-aqf`, of which only the last takes a value. */
function spellOutShort(command: CommandUnknownOpts, word: string): Spelled {
  const letters = [...word].slice(1);
  const optionOf = (letter: string): Option | undefined =>
    command.options.find(({ short }) => short === `-${letter}`);
  const at = letters.findIndex((letter) => optionOf(letter)?.required !== false);
  const isValued = optionOf(letters[at] ?? '')?.required === true;
  if (!isValued) return { spelled: word, needsValue: false };
  const [before, after] = [letters.slice(0, at + 1).join(''), letters.slice(at + 1).join('')];
  const value = (before.length === 1 ? after.replace(/^=/, '') : after).trimStart();
  return { spelled: `-${before}${value}`, needsValue: value === '' };
}
