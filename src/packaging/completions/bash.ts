/** Writes the completion for bash. */
import type { CompletedCommand, Values } from './model.ts';

/**
 * The text of the file for bash-completion. bash splits words at `=` and `:`, which names of images and values contain:
 * the function splits the line itself, and takes from each answer what bash regards as other words.
 */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  return `# Completion of atomic for bash. Made of the command tree by 'make build'.

# What there is in a command: options, the commands of a group, and what the operand with this number is.
_atomic_command() { # PATH OPERAND
  options= children= kind=none
  case $1 in
${commands.map(commandCase).join('\n')}
  esac
}

# What the value of an option is; fails for an option without a value.
_atomic_value() { # PATH OPTION
  case "$1 $2" in
${commands.flatMap(valueCases).join('\n')}
    *) return 1 ;;
  esac
}

${FUNCTIONS}
`;
}

const FUNCTIONS = `_atomic_add() { # WORD...
  local word
  for word; do
    [[ $word == "$current"* ]] || continue
    [[ $word == *= ]] && compopt -o nospace
    word=$given$word
    COMPREPLY+=("\${word#"$hidden"}")
  done
}

_atomic() {
  local line=\${COMP_LINE:0:COMP_POINT} IFS=$' \\t\\n' path= number=0 option= current= given= hidden= kind options children
  local words word
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[-1]}
  for word in "\${words[@]:1:\${#words[@]}-2}"; do
    if [[ -n $option ]]; then
      option=
    elif [[ $word == -* ]]; then
      _atomic_value "$path" "$word" && option=$word
    else
      _atomic_command "$path" $number
      case " $children " in
        *" $word "*) path="\${path:+$path }$word" ;;
        *) number=$((number + 1)) ;;
      esac
    fi
  done
  # bash takes only what follows the last such character for the word that is completed
  hidden=\${current%"\${current##*["$COMP_WORDBREAKS"]}"}
  if [[ -z $option && $current == --*=* ]] && _atomic_value "$path" "\${current%%=*}"; then
    given=\${current%%=*}=
    current=\${current#*=}
  elif [[ -n $option ]]; then
    _atomic_value "$path" "$option"
  else
    _atomic_command "$path" $number
    if [[ $current == -* ]]; then
      kind="words $options"
    elif [[ -n $children ]]; then
      kind="words $children"
    fi
  fi
  COMPREPLY=()
  case $kind in
    none) ;;
    words\\ *) _atomic_add \${kind#words } ;;
    files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    directories) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *)
      mapfile -t words < <(atomic __complete "$kind" -- "\${words[@]:1}" 2>/dev/null </dev/null)
      _atomic_add "\${words[@]}"
      ;;
  esac
}

complete -F _atomic atomic`;

function commandCase({ path, options, operands, children }: CompletedCommand): string {
  const names = options.flatMap((option) => option.names).join(' ');
  // what follows the name in `atomic run` belongs to another program
  const places = operands.map(({ name, values, isVariadic }, index) =>
    [
      isVariadic ? '*)' : `${index})`,
      ...(name === 'command' ? ['options=;'] : []),
      `kind=${kindOf(values)} ;;`,
    ].join(' '),
  );
  const lines = [`    '${path}')`, `      options='${names}'`];
  if (children.length > 0) lines.push(`      children='${children.map(({ name }) => name).join(' ')}'`);
  if (places.length > 0) lines.push(`      case $2 in ${places.join(' ')} esac`);
  return [...lines, '      ;;'].join('\n');
}

function valueCases({ path, options }: CompletedCommand): readonly string[] {
  return options.flatMap(({ names, value }) => {
    if (value === undefined) return [];
    return [`    ${names.map((name) => `'${path} ${name}'`).join(' | ')}) kind=${kindOf(value)} ;;`];
  });
}

function kindOf(values: Values): string {
  if (typeof values === 'string') return values;
  return values.length === 0 ? 'none' : `'words ${values.join(' ')}'`;
}
