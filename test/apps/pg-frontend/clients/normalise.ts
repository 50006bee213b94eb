// What differs between two sessions of the same server and says nothing about the way between: replaced in transcripts.
//
// Few rules, each for one kind of text that a program prints; everything else has to be equal to the last byte.

interface Rule {
  readonly pattern: RegExp;
  readonly replacement: string;
}

const RULES: readonly Rule[] = [
  // A front-end's sessions have process ids of their own, and a moved session's backend is another process.
  { pattern: /(server process with PID) \d+/g, replacement: '$1 <process>' },
  { pattern: /\b(Process) \d+( waits for)/g, replacement: '$1 <process>$2' },
  { pattern: /(blocked by process) \d+/g, replacement: '$1 <process>' },
  // psql names the server that it is connected to.
  { pattern: /\bport "?\d+"?/g, replacement: 'port <port>' },
  // Numbers of relations and large objects go up from one database to the next.
  {
    pattern: /\b(relation with OID|large object|lo_import|lo_unlink|pg_toast_|pg_temp_|pg_toast_temp_) ?\d+/g,
    replacement: '$1 <oid>',
  },
];

export function normalise(transcript: string): string {
  return RULES.reduce((text, { pattern, replacement }) => text.replace(pattern, replacement), transcript);
}
