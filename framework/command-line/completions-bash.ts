// The script for bash, from version 3.2 on: a function that `complete` calls.

import type { CompletedCommand, Values } from './completed-command.js';

export function bashScript(commands: readonly CompletedCommand[]): string {
  return `# Completions of migratory for bash: source <(migratory completions bash)
_migratory() {
  local at=migratory cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} i
  # --option=value comes as three words.
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${commands
        .slice(1)
        .map(({ path }) => `'${path}'`)
        .join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at $prev" in
${commands.flatMap(optionCases).join('\n')}
  esac
  case "$at" in
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _migratory migratory
`;
}

function optionCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ flags, value }) =>
    value === undefined
      ? []
      : [`    ${flags.map((flag) => `'${path} ${flag}'`).join(' | ')}) ${offer(value)}return ;;`],
  );
}

function commandCase({ path, commands, options, argument }: CompletedCommand): string {
  const flags = options.flatMap((option) => option.flags).join(' ');
  const names = commands.map(({ name }) => name).join(' ');
  const words = names === '' ? '' : `COMPREPLY=($(compgen -W '${names}' -- "$cur")); `;
  const other = argument === undefined ? words : offer(argument);
  return `    '${path}') if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '${flags}' -- "$cur")); else ${other}:; fi ;;`;
}

/** Ends with "; ", or is empty where there is nothing to offer. */
function offer(values: Values): string {
  switch (values.kind) {
    case 'choices':
      return `COMPREPLY=($(compgen -W '${values.choices.join(' ')}' -- "$cur")); `;
    case 'files':
      return files('-f');
    case 'folders':
      return files('-d');
    case 'free':
      return '';
  }
}

/** Names may have spaces in them; older versions have no \`compopt\` and add a space behind a folder. */
function files(kind: '-f' | '-d'): string {
  return `local IFS=$'\\n'; compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen ${kind} -- "$cur")); `;
}
