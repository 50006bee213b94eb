// What the code of a stage says about where it goes: the transitions that it returns, the restart points that it records.
//
// Sound, not clever: any shape of code that is not known makes the answer partial, and nobody concludes from a partial
// answer that something does not happen. The names that were read are in the code in any case.

import { ClassCode, locateLone, NO_CODE, type Code, type Located } from './code.js';
import type { ClassSource } from './class-source.js';
import type { Extent } from './literals.js';
import { RecordReader } from './recorded.js';
import { ReturnReader } from './returned.js';

export interface StageCode {
  readonly returned: { readonly stages: readonly string[]; readonly ends: boolean; readonly extent: Extent };
  readonly recorded: { readonly stages: readonly string[]; readonly extent: Extent };
}

/** The methods `stages` of a class, of which `sources` are the texts, most derived first. */
export function readClass(sources: readonly ClassSource[], stages: readonly string[]): ReadonlyMap<string, StageCode> {
  const code = new ClassCode(sources);
  return new Map(stages.map((name) => [name, readStage(code, code.stage(name), 0)]));
}

/** A function `(session, io) => ...`. */
export function readFunction(text: string): StageCode {
  return readStage(NO_CODE, locateLone(text), 1);
}

function readStage(code: Code, stage: Located | undefined, ioAt: number): StageCode {
  const returned = new ReturnReader(code);
  const recorded = new RecordReader(code);
  returned.readFunction(stage);
  recorded.readFunction(stage, ioAt);
  return {
    returned: { stages: [...returned.stages], ends: returned.ends, extent: returned.extent },
    recorded: { stages: [...recorded.stages], extent: recorded.extent },
  };
}
