/** Writes the completion for zsh. */
import type { CompletedCommand, CompletedOperand, CompletedOption, Values } from './model.ts';

/** The text of the function `_atomic`, for a directory of `fpath`. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef atomic
# Completion of atomic for zsh. Made of the command tree by 'make build'.

_atomic_list() { # what _arguments hands on to compadd, and KIND
  local -a found suffix
  [[ $@[-1] == variables ]] && suffix=(-S '')
  found=(\${(f)"$(atomic __complete $@[-1] -- $words 2>/dev/null </dev/null)"})
  compadd "$@[1,-2]" "$suffix[@]" -a found
}

_atomic_at() { # PATH
  local -a commands
  case $1 in
${commands.map(caseOf).join('\n')}
  esac
}

_atomic_group() { # PATH: completes one of \`commands\`, and what follows it
  if (( CURRENT == 1 )); then
    _describe command commands
  elif (( \${commands[(I)$words[1]:*]} )); then
    _atomic_at "\${1:+$1 }$words[1]"
  fi
}

_atomic() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _atomic_at ''
}

_atomic "$@"
`;
}

function caseOf({ path, options, operands, children }: CompletedCommand): string {
  const specifications = options.flatMap(optionSpecifications);
  if (children.length === 0)
    return caseLines(path, [argumentsOf([...specifications, ...operands.map(operandSpecification)])]);
  const described = children.map(({ name, help }) => quoted(`${name}:${help}`));
  return caseLines(path, [
    `commands=(${described.join(' ')})`,
    argumentsOf([...specifications, quoted(`*:: :{_atomic_group "${path}"}`)]),
  ]);
}

function caseLines(path: string, lines: readonly string[]): string {
  return [`    '${path}')`, ...lines.map((line) => `      ${line}`), '      ;;'].join('\n');
}

const argumentsOf = (specifications: readonly string[]) =>
  `_arguments -S ${specifications.join(' \\\n        ')}`;

function optionSpecifications({ names, help, value, isRepeatable }: CompletedOption): readonly string[] {
  const others = isRepeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  return names.map((name) => {
    const flag = value !== undefined && name.startsWith('--') ? `${name}=` : name;
    const action = value === undefined ? '' : `:value:${actionOf(value)}`;
    return quoted(`${others}${flag}[${help.replaceAll(/[[\]:]/g, '\\$&')}]${action}`);
  });
}

/** What follows the name in \`atomic run\` belongs to another program. */
function operandSpecification({ name, values, isVariadic }: CompletedOperand): string {
  if (name === 'command') return quoted('*:: :_normal');
  return quoted(`${isVariadic ? '*' : ''}:${name}:${actionOf(values)}`);
}

function actionOf(values: Values): string {
  if (values === 'files') return '_files';
  if (values === 'directories') return '_directories';
  if (typeof values === 'string') return `_atomic_list ${values}`;
  if (values.some((word) => word.endsWith('='))) return ` compadd -S "" - ${values.join(' ')}`;
  return values.length === 0 ? ' ' : `(${values.join(' ')})`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
