// The script for fish: one \`complete\` for each command and option, on the condition that the words typed lead to it.

import type { CompletedCommand, CompletedOption, Values } from './completed-command.js';

export function fishScript(commands: readonly CompletedCommand[]): string {
  return `# Completions of migratory for fish: migratory completions fish > ~/.config/fish/completions/migratory.fish
function __migratory_is_at
  set -l at migratory
  set -l typed (commandline -opc)
  for word in $typed[2..-1]
    switch "$at $word"
      case ${commands
        .slice(1)
        .map(({ path }) => `'${path}'`)
        .join(' ')}
        set at "$at $word"
    end
  end
  test "$at" = "$argv[1]"
end
complete -c migratory -f
${commands.flatMap(commandLines).join('\n')}
`;
}

function commandLines({ path, commands, options, argument }: CompletedCommand): string[] {
  const start = `complete -c migratory -n '__migratory_is_at "${path}"'`;
  return [
    ...commands.map(({ name, description }) => `${start} -a ${name} -d ${quoted(description)}`),
    ...(argument === undefined || argument.kind === 'free' ? [] : [`${start} ${offer(argument)}`]),
    ...options.map((option) => `${start} ${optionPart(option)}`),
  ];
}

function optionPart({ flags, description, value }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const takes = value === undefined ? [] : [value.kind === 'files' ? '-r' : '-x', offer(value)];
  return [...names, ...takes, '-d', quoted(description)].filter((part) => part !== '').join(' ');
}

function offer(values: Values): string {
  switch (values.kind) {
    case 'choices':
      return `-a '${values.choices.join(' ')}'`;
    case 'files':
      return '-F';
    case 'folders':
      return "-a '(__fish_complete_directories)'";
    case 'free':
      return '';
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
