/** Writes the completion for fish. */
import type { CompletedCommand, CompletedOperand, CompletedOption, Values } from './model.ts';

/** The text of the file for a directory of `fish_complete_path`. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const paths = commands.map(({ path }) => path).filter((path) => path !== '');
  const valued = commands.flatMap(({ path, options }) =>
    options.flatMap(({ names, value }) =>
      value === undefined ? [] : names.map((name) => `${path} ${name}`),
    ),
  );
  return `# Completion of atomic for fish. Made of the command tree by 'make build'.

set -g __atomic_paths ${paths.map(quoted).join(' ')}
# options whose value is the next word
set -g __atomic_valued ${valued.map(quoted).join(' ')}

${FUNCTIONS}

complete -c atomic -f
${commands.flatMap(linesOf).join('\n')}
`;
}

const FUNCTIONS = `# Whether the words before the cursor lead to the command PATH, with as many operands as given, or at least as many.
function __atomic_at -a path least most
    set -l words (commandline -opc)
    set -l found ''
    set -l number 0
    set -l is_value 0
    for word in $words[2..]
        if test $is_value = 1
            set is_value 0
        else if string match -q -- '-*' $word
            contains -- "$found $word" $__atomic_valued; and set is_value 1
        else if contains -- (string trim "$found $word") $__atomic_paths
            set found (string trim "$found $word")
        else
            set number (math $number + 1)
        end
    end
    test "$found" = "$path"; and test $number -ge $least; and test $number -le $most
end

function __atomic_list -a kind
    atomic __complete $kind -- (commandline -opc)[2..] 2>/dev/null </dev/null
end`;

/** More operands than anybody types. */
const MANY = 9999;

function linesOf({ path, options, operands, children }: CompletedCommand): readonly string[] {
  const at = (least: number, most: number) =>
    `complete -c atomic -n "__atomic_at ${quoted(path)} ${least} ${most}"`;
  const ownWords = operands.findIndex(({ name }) => name === 'command');
  return [
    ...children.map(({ name, help }) => `${at(0, 0)} -a ${name} -d ${quoted(help)}`),
    ...options.map((option) => `${at(0, ownWords === 1 ? 0 : MANY)} ${optionArguments(option)}`),
    ...operands.flatMap((operand, index) => {
      const values = valueArguments(operand.values);
      return values === undefined ? [] : [`${at(index, lastOf(operand, index))} ${values}`];
    }),
  ];
}

const lastOf = ({ isVariadic }: CompletedOperand, index: number) => (isVariadic ? MANY : index);

function optionArguments({ names, help, value }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const values = value === undefined ? [] : [value === 'files' ? '-r' : '-x', valueArguments(value) ?? ''];
  return [...flags, ...values, '-d', quoted(help)].filter((part) => part !== '').join(' ');
}

function valueArguments(values: Values): string | undefined {
  if (values === 'files') return '-F';
  if (values === 'directories') return "-a '(__fish_complete_directories (commandline -ct))'";
  if (typeof values === 'string') return `-a '(__atomic_list ${values})'`;
  return values.length === 0 ? undefined : `-a ${quoted(values.join(' '))}`;
}

const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
