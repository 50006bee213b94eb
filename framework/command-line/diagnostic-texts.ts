// What each diagnostic of `compile` is about: when it comes, beyond the remedy that the catalogue has.

import type { DiagnosticKind } from '../index.js';

export const CAUSES: Readonly<Record<DiagnosticKind, string>> = {
  'not-a-service': 'The class that was given has no @Service: it may be another class of the module, or a base class.',
  'invalid-name': 'The name of a service goes with every connection and into logs, so it is short and plain.',
  'invalid-version':
    'Members compare versions before a connection moves. Numbers count up as the meaning of fields or stages changes.',
  'no-stages': 'A service without a stage has nothing to run when a client connects.',
  'no-entry': 'There are stages, but none of them says that new connections begin there.',
  'several-entries': 'More than one stage says that new connections begin there; a base class counts too.',
  'unknown-entry': 'What is named as the entry is none of the stages: it may be misspelt, or was renamed.',
  'duplicate-stage': 'A method has two @Stage decorators, perhaps with different options.',
  'duplicate-snapshot': 'A field has two @Snapshot decorators, perhaps with different options.',
  'field-type-unknown':
    'Nothing says what a snapshot field holds. The compiler writes nothing for inferred types, unions and interfaces, and ' +
    'nothing at all without emitDecoratorMetadata; other tools that strip types never do.',
  'field-type-cannot-travel':
    'A snapshot field holds what exists in one process only: a socket, a function, a promise, an instance of a class.',
  'misplaced-decorator':
    'A decorator is on something that it can not be for: a static member, an accessor, a #private name.',
  'several-moved': 'More than one method would be called when the connection has left, in an order that nobody stated.',
  'conflicting-decorators': 'One method has two roles: it would run for a client that is no longer here.',
  'initial-values-failed': 'The function that gives the initial values of the fields threw, or returned no object.',
  'duplicate-service':
    'Two services of one application have the same name, so their connections could not be told apart.',
  'duplicate-port': 'Two services of one application would listen on the same port.',
  'dependencies-unresolved':
    'One handler is built and thrown away before any port is opened, and that failed: the container lacks a binding, or ' +
    'the constructor threw.',
  'unknown-stage':
    'The code of a stage goes on to, or records, a stage that is not there: it may be misspelt, or was renamed.',
  'unreachable-stage': 'No stage goes on to it, as far as the code says, and it is not where connections begin.',
  'several-failed': 'More than one method would answer the client after a failure, in an order that nobody stated.',
  'conflicting-failed': 'The @Failed method has another role too: it would be told of failures of its own.',
  'invalid-stage-settings': 'An option of @Stage, or of settings in defineService, has a value that means nothing.',
  'invalid-validator':
    'What guards a field is no schema: perhaps a function, or the schema of an older version of a library.',
  'invalid-upgrade': 'A way from an older version to this one is missing, declared twice, or not a static method.',
  'not-a-delegate': 'A field with @Delegate has no class with stages as its written type.',
  'delegate-cycle': 'A delegate contains itself, directly or through others, so a snapshot would have no end.',
  'delegate-hook':
    'A delegate declares what only a service can have, since it is called once for the whole connection.',
  'conflicting-names': 'One name stands for two things: next(...) or a snapshot could not tell which is meant.',
  'dotted-name': 'A name of a stage or field has a dot in it, which is how a snapshot names what is inside a delegate.',
  'standard-decorators':
    "The class was compiled with ECMAScript's decorators, not with those of experimentalDecorators that carry types.",
};
