// What a client of the transaction examples says: `alice bob 10` moves 10 from alice to bob.

import type { StageIo } from '@migratory/framework';
import type { Transfer } from './bank.js';

/** Undefined at the end of the client's stream. Throws for a line that is no order; the framework then asks @Failed. */
export async function readOrder(io: StageIo): Promise<Transfer | undefined> {
  const line = await io.readUntil('\n', { maxLength: 128 });
  if (line === undefined) return undefined;
  const [, from, to, amount] = /^(\w+) (\w+) (\d{1,9})$/.exec(new TextDecoder().decode(line)) ?? [];
  if (from === undefined || to === undefined) throw new Error('An order is two accounts and an amount: alice bob 10');
  return { from, to, amount: Number(amount) };
}
