// What a script asks for and this runner can't do, with the place in the script that asks for it.
//
// Wrong syntax is of this kind too: a script in a dialect that we do not know is no proof against our TCP.

/** Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export class NotExpressible extends Error {
  override readonly name = 'NotExpressible';
  readonly line: number;
  readonly column: number;

  constructor(place: Place, reason: string) {
    super(`line ${place.line}, column ${place.column}: ${reason}`);
    this.line = place.line;
    this.column = place.column;
  }
}
