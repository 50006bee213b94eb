// What the download does when nobody says otherwise, and how the programs of any demo run.

/** The members of the service, by id. */
export const MEMBER_IDS = [1, 2] as const;

/** How often the connection moves: evenly over the download's bytes. */
export const MOVE_COUNT = 6;

/** A download of random bytes has to see at least so many moves. */
export const MIN_MOVE_COUNT = 4;

export const RANDOM_FILE_LENGTH = 256 * 1024 * 1024;

/** Below this length a download is over before anybody could watch it move: its bytes are read in so many seconds. */
export const SHORT_FILE_LENGTH = 96 * 1024 * 1024;
export const SHORT_FILE_DURATION_S = 6;

/** Below this one, it leaves the servers at once, however slowly it is read: buffers on the way hold all of it. */
export const TINY_FILE_LENGTH = 1024 * 1024;

/** Buffers on the way show a stall to curl a little later: gaps that begin so soon after a move count as its own. */
export const MOVE_ECHO_MS = 50;

/**
 * How node runs our programs. With a small young generation the buffers of received datagrams are freed by quick collections;
 * otherwise their sheer volume sets off full ones, whose pauses show as stalls.
 */
export const NODE_OPTIONS = ['--max-semi-space-size=4'] as const;

/** How long a program may take to get ready, and to stop, before it is given up. */
export const PROGRAM_START_MS = 15_000;
export const PROGRAM_STOP_MS = 2_000;

export const FRAME_INTERVAL_MS = 60;
