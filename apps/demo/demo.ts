// The story: two servers, a gateway, a curl, and a connection that moves while the bytes come.

import { fileURLToPath } from 'node:url';
import { FRAME_INTERVAL_MS, MEMBER_IDS, MIN_MOVE_COUNT, MOVE_COUNT, MOVE_ECHO_MS } from './config.js';
import { SHORT_FILE_DURATION_S, SHORT_FILE_LENGTH, TINY_FILE_LENGTH } from './config.js';
import { checkCurl, Download } from './download.js';
import { GatewayControl, type Answer } from './gateway-control.js';
import { ImageLengths } from './image-lengths.js';
import type { Interval } from './interval.js';
import { hashFile, makeRandomFile, offerGivenFile, type OfferedFile } from './offered-file.js';
import type { Programs } from './programs.js';
import { progressLine } from './progress.js';
import { showVerdict, type MoveRow } from './verdict.js';
import type { Screen } from './screen.js';
import { introduce, startService, type RunningService } from './service.js';
import { formatLength, formatMs, type Stretch } from './text.js';

/** One attempt to move, as it went. */
interface Move {
  readonly atLength: number;
  readonly askedMs: number;
  readonly endedMs: number;
  readonly answer: Answer;
}

/** Resolves with whether all is as it should be. Rejects with `UsageError` or `DemoFailed`. */
export async function runDemo(programs: Programs, screen: Screen, path: string | undefined): Promise<boolean> {
  await checkCurl(programs);
  screen.line();
  screen.line(screen.paint('strong', 'One download, two servers, one TCP connection that moves between them.'));
  screen.line();
  const file = path === undefined ? await makeRandomFile(programs.folder) : offerGivenFile(programs.folder, path);
  const images = new ImageLengths();
  const [sentHash, service] = await Promise.all([hashFile(file), serveFile(programs, file, images)]);
  introduce(screen, service.participants);
  const { download, moves } = await downloadWhileMoving(programs, screen, service, file);
  const receivedHash = await download.finished;
  return showVerdict(screen, {
    file,
    sentHash,
    receivedHash,
    receivedLength: download.receivedLength,
    elapsedMs: download.elapsedMs,
    minMoveCount: file.kind === 'random' ? MIN_MOVE_COUNT : 0,
    wantedMoveCount: MOVE_COUNT,
    longestOtherGapMs: download.longestGapOutside(intervalsOf(moves)),
    moves: rowsOf(moves, download, images),
  });
}

function serveFile(programs: Programs, { root }: OfferedFile, images: ImageLengths): Promise<RunningService> {
  return startService(programs, {
    program: fileURLToPath(new URL('../../http-file-server/dist/main.js', import.meta.url)),
    options: ['--root', root],
    log: (line) => images.note(line),
  });
}

async function downloadWhileMoving(
  programs: Programs,
  screen: Screen,
  service: RunningService,
  file: OfferedFile,
): Promise<{ readonly download: Download; readonly moves: readonly Move[] }> {
  const isPaced = file.length >= TINY_FILE_LENGTH && file.length < SHORT_FILE_LENGTH;
  const paceLength = isPaced ? Math.ceil(file.length / SHORT_FILE_DURATION_S) : undefined;
  const url = `http://${service.gateway}/${encodeURIComponent(file.name)}`;
  screen.line();
  screen.line(screen.paint('faint', `$ curl ${url}`));
  if (paceLength !== undefined) {
    const pace = `${formatLength(paceLength)}/s`;
    screen.line(screen.paint('faint', `a small file: its bytes are read at ${pace}, so that there is time to move`));
  }
  screen.line();
  const control = await GatewayControl.open(service.controlPath);
  const download = new Download(programs, url, paceLength);
  const stretches: Stretch[] = [{ fromLength: 0, member: MEMBER_IDS[0] }];
  const draw = (): void => {
    const { receivedLength, elapsedMs } = download;
    screen.live(progressLine(screen, { receivedLength, totalLength: file.length, elapsedMs, stretches }));
  };
  const frames = setInterval(draw, FRAME_INTERVAL_MS);
  try {
    const moves = await moveAlong(download, control, file.length, ({ answer, atLength }) => {
      stretches.push({ fromLength: download.receivedLength, member: Number(answer.to ?? 0) });
      if (!screen.isTerminal) screen.line(moveLine(answer, atLength));
    });
    await download.finished;
    draw();
    return { download, moves };
  } finally {
    clearInterval(frames);
    control.close();
    screen.settle();
  }
}

/** Moves at even distances, one after the other, for as long as the service has something left to send. */
async function moveAlong(
  download: Download,
  control: GatewayControl,
  totalLength: number,
  moved: (move: Move) => void,
): Promise<Move[]> {
  const moves: Move[] = [];
  for (let index = 1; index <= MOVE_COUNT; index++) {
    await download.reached((totalLength * index) / (MOVE_COUNT + 1));
    const [connection] = await control.ask('list');
    // What has left the service already cannot move any more: buffers on the way may hold the rest of a small file.
    if (connection === undefined || Number(connection.toClientLength) >= totalLength) break;
    const askedMs = performance.now();
    const atLength = download.receivedLength;
    const [answer] = await control.ask(`move ${String(connection.cid)}`);
    if (answer === undefined) break;
    const move = { atLength, askedMs, endedMs: performance.now(), answer };
    moves.push(move);
    if (answer.kind === 'moved') moved(move);
  }
  return moves;
}

function moveLine(answer: Answer, atLength: number): string {
  const way = `moved from member ${String(answer.from)} to member ${String(answer.to)}`;
  return `${formatLength(atLength).padStart(9)}  ${way}, handshake ${formatMs(Number(answer.stallMs))}`;
}

/** A move's own time: until the next one is asked for, or its echo has died away. */
function intervalsOf(moves: readonly Move[]): Interval[] {
  return moves.map(({ askedMs, endedMs }, index) => ({
    fromMs: askedMs,
    untilMs: Math.min(endedMs + MOVE_ECHO_MS, moves[index + 1]?.askedMs ?? Infinity),
  }));
}

function rowsOf(moves: readonly Move[], download: Download, images: ImageLengths): MoveRow[] {
  const intervals = intervalsOf(moves);
  return moves.map(({ answer, atLength }, index) => {
    const interval = intervals[index];
    const stallMs = interval === undefined ? 0 : download.longestGap(interval);
    if (answer.kind !== 'moved') return { kind: 'failed', atLength, stallMs, because: becauseOf(answer) };
    return {
      kind: 'moved',
      from: Number(answer.from),
      to: Number(answer.to),
      atLength,
      stallMs,
      imageLength: images.of(String(answer.cid), Number(answer.epoch)),
    };
  });
}

function becauseOf(answer: Answer): string {
  const refusals = Array.isArray(answer.refusals) ? (answer.refusals as { reason?: unknown }[]) : [];
  const reasons = refusals.map(({ reason }) => String(reason)).join(', ');
  return reasons === '' ? String(answer.cause ?? answer.reason ?? answer.kind) : reasons;
}
