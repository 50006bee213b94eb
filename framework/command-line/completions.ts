// `migratory completions`: scripts for shells, generated from the command tree, so that they know all of it.
//
// A script is static: pressing Tab starts no process. It walks the words typed so far down the tree, then offers what may
// come next: values of the option before, options, commands, files.

import type { Argument, Command, Option } from 'commander';
import type { CompletedCommand, CompletedOption, Values } from './completed-command.js';
import { bashScript } from './completions-bash.js';
import { fishScript } from './completions-fish.js';
import { zshScript } from './completions-zsh.js';
import { STATUS } from './failure.js';
import type { CompletionShell } from './invocation.js';
import { allCommands, commandLine } from './program.js';
import type { Screen } from './screen.js';

const SCRIPTS: Readonly<Record<CompletionShell, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function printCompletions(screen: Screen, shell: CompletionShell): number {
  screen.text(SCRIPTS[shell](completedCommands()));
  return STATUS.ok;
}

function completedCommands(): CompletedCommand[] {
  const program = commandLine('', () => undefined);
  return allCommands(program).map((command) => ({
    path: pathOf(command),
    description: command.summary() || command.description(),
    commands: command.commands.map((below) => ({
      name: below.name(),
      description: below.summary() || below.description(),
    })),
    options: [...command.options.map(completedOption), HELP],
    argument: command.registeredArguments[0] && valuesOf(command.registeredArguments[0]),
  }));
}

const HELP: CompletedOption = { flags: ['--help', '-h'], description: 'this help', value: undefined };

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function completedOption(option: Option): CompletedOption {
  const flags = [option.long, option.short].filter((flag) => typeof flag === 'string');
  return { flags, description: option.description, value: option.required ? valuesOf(option) : undefined };
}

/** The placeholder in the help says what is meant. */
function valuesOf(taker: Option | Argument): Values {
  if (taker.argChoices !== undefined) return { kind: 'choices', choices: taker.argChoices };
  const placeholder = 'flags' in taker ? (/<(.+)>/.exec(taker.flags)?.[1] ?? '') : taker.name();
  if (placeholder === 'file') return { kind: 'files' };
  return placeholder === 'folder' ? { kind: 'folders' } : { kind: 'free' };
}
