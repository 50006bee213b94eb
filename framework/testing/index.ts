// @migratory/framework/testing: is a service one that can move? For users of the framework, with whatever test runner.
//
// `migrateEverywhere` and `crashEverywhere` run a session without any network, moved or crashed after every effect of its
// handler, and throw a story where it shows. `connect` gives a client of the service on a whole stack in memory.

export { connect, TestClient } from './connect.js';
export type { ConnectOptions, MemberServices, ReadUntilLimit } from './connect.js';
export { crashEverywhere, migrateEverywhere } from './everywhere.js';
export type { CrashesTried, MovesTried } from './everywhere.js';
export type { Piece, RecordEffect, Scenario } from './scenario.js';
export type { Delivered, Difference, Disturbance, Effect, RehearsedEffect } from './effect.js';
export {
  ConnectionBroken,
  DivergedAfterCrash,
  DivergedAfterMove,
  MemberDied,
  MoveFailed,
  NotRepeatable,
  ScenarioFailed,
  SessionDoesNotEnd,
  StreamEnded,
  StreamTooLong,
  TestingError,
  WorldStandsStill,
} from './errors.js';
export type { Divergence, TestingErrorCode } from './errors.js';
