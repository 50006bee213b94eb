// The front-end's own metrics, beside those of its member: what its sessions tell, and how many it has at the database.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { BackendPool } from './database/pool-adapter.js';
import type { SessionEvent, SessionLog } from './session/session-log.js';

const PREFIX = 'migratory_pg_';

/** Adds them to `registry`, and answers whom the sessions are to tell. */
export function sessionMetrics(registry: Registry, pool: Pick<BackendPool, 'size' | 'counters'>): SessionLog {
  const registers = [registry];
  const counters = {
    'logged-in': counter('logins_total', 'Clients that have logged in here.'),
    'login-refused': counter('logins_refused_total', 'Clients whose password was wrong, or whose name is not known.'),
    resumed: counter('transactions_resumed_total', 'Transactions that were run again, by outcome.', ['outcome']),
    pinned: counter('pinned_total', 'Sessions that could not move any more for the time being, by reason.', ['reason']),
    unpinned: counter('unpinned_total', 'Sessions that can move again.'),
    resolved: counter('commits_resolved_total', 'Commits whose session at the database was lost, by fate.', ['fate']),
    'hand-over-failed': counter('hand_overs_failed_total', 'Moves that may have cost notifications, by reason.', [
      'reason',
    ]),
    ended: counter('ended_total', 'Sessions that were ended with an error, by SQLSTATE.', ['code']),
    cancelled: counter('cancelled_total', 'Queries that were cancelled by their clients.'),
  } satisfies Record<SessionEvent['kind'], Counter>;
  gauge('backends', 'Sessions at the database.', () => pool.size.open);
  gauge('backends_idle', 'Those that nobody uses.', () => pool.size.idle);
  gauge('backends_opened', 'Sessions that were opened at the database since the start.', () => pool.counters.opened);
  gauge('backends_reused', 'How often one was used again.', () => pool.counters.reused);
  gauge('backends_refused', 'How often none was to be had.', () => pool.counters.refused);

  function counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({ name: PREFIX + name, help, labelNames: [...labelNames], registers });
  }

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: PREFIX + name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  return {
    record: (_cid, event) => {
      switch (event.kind) {
        case 'resumed':
          return counters.resumed.inc({ outcome: event.outcome });
        case 'pinned':
          for (const reason of event.pins) counters.pinned.inc({ reason });
          return;
        case 'resolved':
          return counters.resolved.inc({ fate: event.fate });
        case 'hand-over-failed':
          return counters['hand-over-failed'].inc({ reason: event.reason });
        case 'ended':
          return counters.ended.inc({ code: event.code });
        default:
          return counters[event.kind].inc();
      }
    },
  };
}
