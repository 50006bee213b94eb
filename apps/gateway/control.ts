// The control socket's language: one command a line, and for each answer one line of JSON.
//
// Every command's answers end with {"kind":"done"} or {"kind":"error"}, so that a program knows when to go on.

import type { Duplex } from 'node:stream';
import type { ConnectionId, MemberId, MoveOutcome } from '@migratory/stack';
import type { CrossingState } from './crossing.js';

export type MoveAnswer = { readonly cid: ConnectionId | null } & MoveOutcome;

/** What can be asked of a gateway. */
export interface Controllable {
  readonly connections: readonly CrossingState[];
  /** Moves one connection, or all of them where no cid is given; each outcome as it comes. */
  move(cid: ConnectionId | undefined, to: MemberId | undefined, answer: (outcome: MoveAnswer) => void): Promise<number>;
}

type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | { readonly kind: 'move'; readonly cid: ConnectionId | undefined; readonly to: MemberId | undefined }
  | { readonly kind: 'unknown'; readonly problem: string };

type Answer = (line: object) => void;

const HELP = [
  'list: the connections, one line each',
  'move [CID|all] [MEMBER]: moves one connection or all of them, to the member with that number or to the next',
  'help: these lines',
];
const MAX_MEMBER = 0xffff;

/** Total: what is no command says why. */
function parseCommand(line: string): Command {
  const [word = '', ...words] = line.trim().split(/\s+/);
  if (word === 'help' || word === 'list') return { kind: word };
  if (word !== 'move') return { kind: 'unknown', problem: "no such command; try 'help'" };
  const [which = 'all', member, ...rest] = words;
  if (which !== 'all' && !/^[0-9a-f]{16}$/.test(which)) {
    return { kind: 'unknown', problem: "a connection is 'all' or 16 hexadecimal digits; 'list' shows them" };
  }
  const to = member === undefined ? undefined : Number(member);
  if (rest.length > 0 || (to !== undefined && !(Number.isInteger(to) && to > 0 && to <= MAX_MEMBER))) {
    return { kind: 'unknown', problem: 'a member is one number from 1 to 65535' };
  }
  return { kind: 'move', cid: which === 'all' ? undefined : which, to };
}

/** Serves one user of the control socket until it ends; what it sends too long is refused, and ends it. */
export async function serveControl(user: Duplex, gateway: Controllable, lineLength: number): Promise<void> {
  const answer: Answer = (line) => {
    if (!user.destroyed) user.write(`${JSON.stringify(line)}\n`);
  };
  let rest = '';
  try {
    // Reading to the end must not close the direction in which the answers go.
    for await (const chunk of user.iterator({ destroyOnReturn: false })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if ([rest, ...lines].some((line) => Buffer.byteLength(line) > lineLength)) {
        answer({ kind: 'error', problem: `a line has at most ${lineLength} bytes` });
        rest = '';
        break;
      }
      for (const line of lines) await obey(line, gateway, answer);
    }
    if (rest !== '') await obey(rest, gateway, answer);
    user.end();
  } catch {
    // The user went away in the middle of a line or an answer: there is nobody to tell.
    user.destroy();
  }
}

async function obey(line: string, gateway: Controllable, answer: Answer): Promise<void> {
  if (line.trim() === '') return;
  const command = parseCommand(line);
  switch (command.kind) {
    case 'unknown':
      return answer({ kind: 'error', problem: command.problem });
    case 'help':
      for (const text of HELP) answer({ kind: 'help', text });
      return answer({ kind: 'done', count: HELP.length });
    case 'list':
      for (const connection of gateway.connections) answer({ kind: 'connection', ...connection });
      return answer({ kind: 'done', count: gateway.connections.length });
    case 'move': {
      const count = await gateway.move(command.cid, command.to, (outcome) => answer(flatten(outcome)));
      if (count === 0 && command.cid !== undefined) return answer({ kind: 'error', problem: 'no such connection' });
      return answer({ kind: 'done', count });
    }
  }
}

/** The report's members beside the others: one flat object is easier to read, for programs and people. */
function flatten(outcome: MoveAnswer): object {
  if (outcome.kind !== 'moved' && outcome.kind !== 'stayed') return outcome;
  const { kind, cid, report } = outcome;
  return { kind, cid, ...report, stallMs: Number(report.stallMs.toFixed(2)) };
}
