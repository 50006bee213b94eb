// What a client does to a database, and what it says it saw: the same for every way that leads there.
//
// A case answers a transcript. Its transcripts over all ways have to be equal, so it writes down nothing that differs from
// one session of the same server to the next; where a program prints such a thing, `normalise.ts` says what becomes of it.

/** How clients get to the database, in the order in which the ways are tried. */
export const WAYS = ['straight', 'still', 'moving'] as const;
/** Straight to the server; through gateway and front-ends without a move; the same while all sessions move. */
export type Way = (typeof WAYS)[number];

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Target extends Place {
  readonly way: Way;
  readonly user: string;
  readonly database: string;
  /** Moves every session that can move now, once, and resolves when all have answered. Nothing happens on ways without moves. */
  move(): Promise<void>;
}

export interface ClientCase {
  readonly name: string;
  /** Answers what the client saw. Rejects where something is wrong whatever the other ways say. */
  run(target: Target): Promise<string>;
}

/** A program that is not part of this project. */
export interface NeededProgram {
  readonly command: string;
  /** Arguments with which it ends at once with status 0, where it can be used. */
  readonly probe: readonly string[];
  /** What to do where it is missing. */
  readonly remedy: string;
}

export interface ClientSuite {
  readonly name: string;
  readonly needs: readonly NeededProgram[];
  readonly cases: readonly ClientCase[];
}
