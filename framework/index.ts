// @migratory/framework: services whose connections move from one server to another.
//
// Declare (`@Service`, `@Stage`, `@Snapshot`, `@Moved`, or `defineService`), compile into a plan, host on a stack.

export { createApplication } from './application.js';
export type {
  Application,
  ApplicationOptions,
  ApplicationState,
  DrainOptions,
  DrainOutcome,
  ListeningStack,
  ServiceBinding,
  ServiceLifecycle,
} from './application.js';
export { compile } from './compiler.js';
export { Delegate, Failed, Moved, Service, Snapshot, Stage, Upgrade } from './decorators.js';
export type { DelegateOptions, ServiceOptions, SnapshotOptions, StageOptions } from './decorators.js';
export { defineService, type ServiceForm } from './define-service.js';
export type {
  Departure,
  FieldConstructor,
  ServiceClass,
  ServiceDefinition,
  ServiceSource,
  SnapshotContent,
  StageSettings,
  UpgradeFunction,
} from './definition.js';
export { CompileFailed, formatDiagnostic } from './diagnostics.js';
export type { Diagnostic, DiagnosticKind } from './diagnostics.js';
export {
  ConnectionLost,
  ConnectionMoved,
  DelimiterNotFound,
  EffectOutOfPlace,
  FieldNotSnapshotted,
  FrameworkError,
  InputLogOverflowed,
  InvalidOption,
  NotATransition,
  NotClosable,
  OutputTooLong,
  OverlappingRead,
  ReplayDiverged,
  ServiceStopping,
  SnapshotInvalid,
  SnapshotMismatch,
  SnapshotNotSerialisable,
  SnapshotTooLarge,
  StageOver,
  StageTimedOut,
  UnexpectedEnd,
  UnknownStage,
  WriteAfterEnd,
} from './errors.js';
export type { FrameworkErrorCode, SnapshotMismatchReason } from './errors.js';
export { explain } from './explain.js';
export { stageDiagram, stageGraph } from './explain-diagrams.js';
export { DEFAULT_SERVICE_LIMITS, type ServiceLimits } from './limits.js';
export type { FieldType, PlannedDelegate, PlannedField, PlannedStage, StagePlan, Successors } from './plan.js';
export { startMember } from './member.js';
export type { Member, MemberOptions, MemberStack } from './member.js';
export type { ServiceCounters } from './runtime/counters.js';
export { ConnectionContext, type ConnectionFacts } from './runtime/handler.js';
export { formatReport } from './runtime/report.js';
export type { Failure, Movement, Report, ReportContext, Reporter } from './runtime/report.js';
export type { ConnectionState, StageConnection } from './runtime/stage-connection.js';
export type { ReadOptions, ReadUntilOptions, SnapshotPoint, StageIo } from './stage-io.js';
export { done, next } from './transition.js';
export type { Done, Next, NextStage, StageName, StageTransition, Transition } from './transition.js';

// So that an application needs no other package for its wiring and its types.
export { Container, inject, injectable } from 'inversify';
export type { Address } from '@migratory/stack';
