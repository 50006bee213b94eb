// Runs a script against our TCP: every statement at its time, every expectation against what came.
//
// Total: any text gives a verdict. What our TCP does wrong is a 'fail', an exception of it included.

import { patterned } from '../support/script.js';
import { Frame, type Outcome } from './call-frame.js';
import { carryOut } from './calls.js';
import { differences } from './expectation.js';
import { NotExpressible } from './not-expressible.js';
import { segmentNotation, timeNotation } from './notation.js';
import { Numbering } from './numbering.js';
import { takeOutgoing } from './outgoing.js';
import { packetOf } from './packet.js';
import { parseScript } from './parse.js';
import type { Call, ReportText, SegmentText, Statement } from './script.js';
import { settingsOf, type Settings } from './settings.js';
import { World } from './world.js';

export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'fail'; readonly line: number; readonly reason: string }
  | { readonly kind: 'not-expressible'; readonly reason: string };

/** What a script did not find as it should be. */
class Unmet extends Error {
  override readonly name = 'Unmet';
}

export function runScript(text: string): Verdict {
  let run: Run | undefined;
  try {
    const script = parseScript(text);
    run = new Run(settingsOf(script));
    for (const statement of script.statements) run.execute(statement);
    run.finish();
    return { kind: 'pass' };
  } catch (error) {
    if (error instanceof NotExpressible) return { kind: 'not-expressible', reason: error.message };
    if (error instanceof Unmet) return { kind: 'fail', line: run?.line ?? 1, reason: error.message };
    return { kind: 'fail', line: run?.line ?? 1, reason: `an exception: ${String(error)}` };
  }
}

interface PendingCall {
  readonly statement: Statement;
  readonly frame: Frame;
  readonly endsMs: number;
}

/** When a statement is due, tolerance not counted. */
interface Due {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Steps that one script may take: what goes on for longer makes no progress. */
const MAX_DEADLINE_COUNT = 100_000;

class Run {
  /** Of the statement that is being executed. */
  line = 1;
  readonly #settings: Settings;
  readonly #world: World;
  readonly #numbering = new Numbering();
  #pending: PendingCall | undefined;
  /** When the statement before was due, for those that count from there. */
  #lastMs = 0;
  #deadlineCount = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#world = new World(settings);
  }

  execute(statement: Statement): void {
    this.line = statement.place.line;
    const { action } = statement;
    if (action.kind === 'shell') return;
    const due = this.#due(statement);
    switch (action.kind) {
      case 'expect':
        this.#expect(action.segment, due, statement.when.kind);
        return;
      case 'inject':
        this.#advance(due.fromMs);
        this.#inject(statement, action.segment);
        break;
      case 'report':
        this.#advance(due.fromMs);
        this.#report(action.report);
        break;
      case 'call':
        this.#advance(due.fromMs);
        this.#begin(statement, action.call, due.fromMs);
        break;
    }
    this.#lastMs = due.fromMs;
    this.#resumePending();
  }

  /** What still waits has its time to end. */
  finish(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#advance(pending.endsMs + this.#settings.toleranceMs);
    if (this.#pending !== undefined) {
      this.line = pending.statement.place.line;
      throw new Unmet(`${pending.frame.call.name} has not returned by ${timeNotation(this.#world.subject.nowMs)}`);
    }
  }

  #due({ when }: Statement): Due {
    switch (when.kind) {
      case 'absolute':
        return { fromMs: when.atMs, untilMs: when.atMs };
      case 'relative':
        return { fromMs: this.#lastMs + when.afterMs, untilMs: this.#lastMs + when.afterMs };
      case 'absolute-range':
        return when;
      case 'relative-range':
        return { fromMs: this.#lastMs + when.fromMs, untilMs: this.#lastMs + when.untilMs };
      case 'any':
        return { fromMs: 0, untilMs: Infinity };
    }
  }

  /** Lets time pass, and our TCP do what is due in it. */
  #advance(untilMs: number): void {
    const { subject } = this.#world;
    while (subject.meetNextDeadline(untilMs) === 'met') {
      this.#countDeadline();
      this.#resumePending();
    }
    subject.passTo(untilMs);
  }

  #countDeadline(): void {
    if (++this.#deadlineCount > MAX_DEADLINE_COUNT) throw new Unmet(`${MAX_DEADLINE_COUNT} timers without an end`);
  }

  #inject(statement: Statement, segment: SegmentText): void {
    const { subject } = this.#world;
    if (segment.flags === 'S' && subject.isIdle) this.#numbering.restart();
    // The peer's payload is told by its place: its first byte after SYN is 0.
    const payload = patterned(this.#numbering.peerOffset(segment), segment.length);
    const packet = packetOf(this.#numbering.inbound(segment), payload);
    if (packet === 'options-too-long') throw new NotExpressible(statement.place, 'more than 40 bytes of options');
    subject.receive(packet, segment.marking);
  }

  #report(report: ReportText): void {
    if (report.kind === 'ignored') return;
    const sequence = this.#numbering.localToWire(report.sequence);
    const { subject } = this.#world;
    if (report.kind === 'unreachable') {
      subject.report({ kind: 'unreachable', hardness: report.hardness, sequence });
      return;
    }
    const segmentLength = report.mtu - (this.#settings.ipVersion === 6 ? 40 : 20);
    subject.report({ kind: 'packet-too-big', sequence, segmentLength });
  }

  #begin(statement: Statement, call: Call, startMs: number): void {
    if (call.name === 'connect') this.#numbering.restart();
    const frame = new Frame(this.#world, statement.place, call);
    const outcome = carryOut(frame);
    if (call.endsMs === undefined) {
      if (outcome.kind === 'waits') throw new Unmet(`${call.name} would wait here`);
      this.#judge(frame, outcome);
      return;
    }
    if (this.#pending !== undefined) {
      throw new NotExpressible(statement.place, 'a second call that waits beside the first');
    }
    const endsMs =
      statement.when.kind === 'absolute' ? call.endsMs : startMs - this.#relativeMs(statement) + call.endsMs;
    if (outcome.kind === 'waits') this.#pending = { statement, frame, endsMs };
    else this.#judgeAt(frame, outcome, endsMs);
  }

  #relativeMs({ when }: Statement): number {
    return when.kind === 'relative' ? when.afterMs : 0;
  }

  /** Something has happened: perhaps it is what the call waits for. */
  #resumePending(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const outcome = carryOut(pending.frame);
    if (outcome.kind === 'waits') return;
    this.#pending = undefined;
    const { line } = this;
    this.line = pending.statement.place.line;
    this.#judgeAt(pending.frame, outcome, pending.endsMs);
    this.line = line;
  }

  #judgeAt(frame: Frame, outcome: Outcome, endsMs: number): void {
    const { nowMs } = this.#world.subject;
    if (Math.abs(nowMs - endsMs) > this.#settings.toleranceMs) {
      throw new Unmet(`${frame.call.name} returned at ${timeNotation(nowMs)}, not at ${timeNotation(endsMs)}`);
    }
    this.#judge(frame, outcome);
  }

  #judge(frame: Frame, outcome: Outcome): void {
    const { call } = frame;
    const wanted = frame.wantedResult();
    if (outcome.kind === 'differs') throw new Unmet(`${call.name}: ${outcome.what}`);
    if (outcome.kind === 'waits') return;
    const [value, failure] = outcome.kind === 'returns' ? [outcome.value, undefined] : [-1, outcome.failure];
    const isAsWanted = (wanted === undefined || wanted === value) && (call.failure === failure || wanted === undefined);
    if (isAsWanted) return;
    const said = `${value}${failure === undefined ? '' : ` ${failure}`}`;
    throw new Unmet(
      `${call.name} returned ${said}, not ${wanted ?? ''}${call.failure === undefined ? '' : ` ${call.failure}`}`,
    );
  }

  #expect(expected: SegmentText, due: Due, kind: Statement['when']['kind']): void {
    const { toleranceMs } = this.#settings;
    const { subject } = this.#world;
    const wanted = segmentNotation(expected);
    while (subject.transmitted.length === 0 && subject.meetNextDeadline(due.untilMs + toleranceMs) === 'met') {
      this.#countDeadline();
      this.#resumePending();
    }
    const outgoing = takeOutgoing(subject.transmitted, expected, this.#numbering);
    if (outgoing === undefined) throw new Unmet(`expected ${wanted}, nothing came by ${timeNotation(due.untilMs)}`);
    const { atMs, segment, payload } = outgoing;
    const found = differences(expected, segment, toleranceMs);
    if (atMs < due.fromMs - toleranceMs || atMs > due.untilMs + toleranceMs) {
      found.push(`time ${timeNotation(atMs)}, not ${timeNotation(due.fromMs)}`);
    }
    const reach = this.#numbering.localOffset(segment);
    if (!Buffer.from(payload).equals(patterned(reach, payload.length))) found.push('bytes that were not written there');
    if (found.length > 0) {
      throw new Unmet(
        `expected ${wanted}, came ${segmentNotation(expected.marking === undefined ? { ...segment, marking: undefined } : segment)} at ${timeNotation(atMs)}: ${found.join('; ')}`,
      );
    }
    // What came within a range tells the time for those that count from it.
    this.#lastMs = kind === 'absolute' || kind === 'relative' ? due.fromMs : atMs;
  }
}
