// The script for zsh: to be sourced, or put into a folder of $fpath as _migratory.

import type { CompletedCommand, CompletedOption, Values } from './completed-command.js';

export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef migratory
# Completions of migratory for zsh: migratory completions zsh > "\${fpath[1]}/_migratory"
_migratory() {
  local at=migratory previous=\${words[CURRENT-1]} word
  local -a offered
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${commands
        .slice(1)
        .map(({ path }) => `'${path}'`)
        .join(' | ')}) at="$at $word" ;;
    esac
  done
  case "$at $previous" in
${commands.flatMap(optionCases).join('\n')}
  esac
  case "$at" in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ \${funcstack[1]} == _migratory ]]; then _migratory "$@"; else compdef _migratory migratory; fi
`;
}

function optionCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ flags, value }) =>
    value === undefined
      ? []
      : [`    ${flags.map((flag) => `'${path} ${flag}'`).join(' | ')}) ${offer(value)}; return ;;`],
  );
}

function commandCase({ path, commands, options, argument }: CompletedCommand): string {
  const names = commands.map(({ name, description }) => described(name, description)).join(' ');
  const other = argument === undefined ? describe('command', names) : offer(argument);
  const flags = describe('option', options.map(describedOption).join(' '));
  return `    '${path}') if [[ $PREFIX == -* ]]; then ${flags}; else ${other}; fi ;;`;
}

function offer(values: Values): string {
  switch (values.kind) {
    case 'choices':
      return `compadd -- ${values.choices.join(' ')}`;
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'free':
      return "_message 'a value'";
  }
}

function describe(what: string, items: string): string {
  return `offered=(${items}); _describe '${what}' offered`;
}

function describedOption({ flags, description }: CompletedOption): string {
  return flags.map((flag) => described(flag, description)).join(' ');
}

/** A colon parts the word from what is said about it. */
function described(word: string, description: string): string {
  return `'${word}:${description.replace(/'/g, "'\\''").replace(/:/g, '\\:')}'`;
}
