// What one statement does to the transaction that it stands in.

import type { Statement } from './split.js';

export type TransactionEffect =
  | 'none'
  | 'begins'
  /** COMMIT or END, and no next transaction behind it. */
  | 'commits'
  /** AND CHAIN, the commands of two-phase commit, or what the server is going to refuse. */
  | 'commits-otherwise'
  | 'rolls-back'
  | 'rolls-back-and-chains';

export function transactionEffect({ leadingWords, tokenCount }: Statement): TransactionEffect {
  const [first = '', second = '', third = ''] = leadingWords;
  switch (first) {
    case 'begin':
      return 'begins';
    case 'start':
      return second === 'transaction' ? 'begins' : 'none';
    case 'prepare':
      return second === 'transaction' && third === '' ? 'commits-otherwise' : 'none'; // else it is a statement's name
    case 'commit':
    case 'end':
      return isPlainEnd(leadingWords, tokenCount) ? 'commits' : 'commits-otherwise';
    case 'rollback':
    case 'abort':
      if (second === 'prepared') return 'commits-otherwise';
      if (second === 'to' || (isNoise(second) && third === 'to')) return 'none';
      return isPlainEnd(leadingWords, tokenCount) ? 'rolls-back' : 'rolls-back-and-chains';
    default:
      return 'none';
  }
}

/** Nothing but [WORK | TRANSACTION] [AND NO CHAIN] behind the first word. */
function isPlainEnd(leadingWords: readonly string[], tokenCount: number): boolean {
  if (leadingWords.length !== tokenCount) return false;
  const rest = leadingWords.slice(isNoise(leadingWords[1] ?? '') ? 2 : 1).join(' ');
  return rest === '' || rest === 'and no chain';
}

function isNoise(word: string): boolean {
  return word === 'work' || word === 'transaction';
}
