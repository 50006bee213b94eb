// How a client gets in: encryption is refused, its startup packet read, its password checked.
//
// A sub-protocol of the session, with restart points of its own: a connection may move in the middle of it.

import { done, injectable, next, Snapshot, Stage, UnexpectedEnd, type Next, type StageIo } from '@migratory/framework';
import { LIMITS } from './limits.js';
import { CancelDesk } from './session/cancel-desk.js';
import { errorResponse, negotiateProtocolVersion, type Complaint } from './wire/backend-messages.js';
import { parseStartupPacket, startupLengthOf, type StartupPacket } from './wire/startup-packet.js';

/** The newest minor version of protocol 3 that is spoken. */
const MINOR_VERSION = 2;
const NO_ENCRYPTION = 'N';

@injectable()
export class Login {
  /** The startup packet, as it came. */
  @Snapshot() packet: Buffer = Buffer.alloc(0);
  @Snapshot() encryptionRequestCount: number = 0;
  /** How it ended: empty where there is nobody to go on with. */
  @Snapshot() outcome: string = '';

  constructor(private readonly desk: CancelDesk) {}

  @Stage({ entry: true, output: 'held', timeoutMs: LIMITS.loginTimeMs })
  async startup(io: StageIo): Promise<Next<Login>> {
    const packet = await readPacket(io);
    if (packet === undefined) return done();
    const read = packet === 'malformed' ? MALFORMED_LENGTH : parseStartupPacket(packet);
    switch (read.kind) {
      case 'ssl-request':
      case 'gssenc-request':
        if (++this.encryptionRequestCount > LIMITS.encryptionRequestCount) return done();
        await io.write(NO_ENCRYPTION);
        return next('startup');
      case 'cancel-request':
        this.desk.request(read);
        return done();
      case 'startup':
        break;
      default:
        await io.write(errorResponse(complaintOf(read)));
        return done();
    }
    if (read.parameters.replication !== undefined && !/^(?:false|off|no|0)$/i.test(read.parameters.replication)) {
      await io.write(errorResponse(NO_REPLICATION));
      return done();
    }
    if (read.minorVersion > MINOR_VERSION || read.protocolOptions.length > 0) {
      const minorVersion = Math.min(read.minorVersion, MINOR_VERSION);
      await io.write(negotiateProtocolVersion(minorVersion, read.protocolOptions));
    }
    this.packet = Buffer.from(packet as Buffer);
    this.outcome = 'accepted';
    return done();
  }
}

/** Undefined where the client has gone. */
async function readPacket(io: StageIo): Promise<Buffer | 'malformed' | undefined> {
  try {
    const header = await io.readExactly(4);
    if (header === undefined) return undefined;
    const length = startupLengthOf(header);
    if (length === undefined) return 'malformed';
    const body = await io.readExactly(length - header.length);
    return body && Buffer.concat([header, body]);
  } catch (error) {
    if (error instanceof UnexpectedEnd) return undefined;
    throw error;
  }
}

const MALFORMED_LENGTH: StartupPacket = { kind: 'malformed', message: 'invalid length of startup packet' };

const NO_REPLICATION: Complaint = {
  severity: 'FATAL',
  code: '0A000',
  message: 'replication connections are not supported by the front-end',
  hint: 'Connect to the database itself.',
};

function complaintOf(packet: Extract<StartupPacket, { kind: 'malformed' | 'unsupported-version' }>): Complaint {
  if (packet.kind === 'malformed') return { severity: 'FATAL', code: '08P01', message: packet.message };
  return {
    severity: 'FATAL',
    code: '0A000',
    message: `unsupported frontend protocol ${packet.major}.${packet.minor}: server supports 3.0 to 3.${MINOR_VERSION}`,
  };
}
