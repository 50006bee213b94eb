#!/usr/bin/env -S node --max-semi-space-size=1
// The command: options, logs, signals. One member of a service of PostgreSQL front-ends.

process.exitCode = 2;
