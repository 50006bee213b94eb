// How a client gets in: encryption is refused, its startup packet read, its password checked.
//
// A sub-protocol of the session, with restart points of its own: a connection may move in the middle of it.

import { done, injectable, next, Snapshot, Stage, UnexpectedEnd, type Next, type StageIo } from '@migratory/framework';
import { LoginPolicy } from './authentication/login-policy.js';
import { beginExchange, finishExchange, type Exchange, type Outcome } from './authentication/scram-exchange.js';
import type { Malformed } from './authentication/scram-message.js';
import { LIMITS } from './limits.js';
import { SessionServices } from './session/session-services.js';
import {
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
  errorResponse,
  negotiateProtocolVersion,
  type Complaint,
} from './wire/backend-messages.js';
import { readSaslInitial } from './wire/frontend-messages.js';
import { FRONTEND, HEADER_LENGTH } from './wire/message.js';
import { parseStartupPacket, startupLengthOf, type StartupPacket } from './wire/startup-packet.js';

/** The newest minor version of protocol 3 that is spoken. */
const MINOR_VERSION = 2;
const NO_ENCRYPTION = 'N';
const MECHANISM = 'SCRAM-SHA-256';

@injectable()
export class Login {
  /** The startup packet, as it came. */
  @Snapshot() packet: Buffer = Buffer.alloc(0);
  @Snapshot() encryptionRequestCount: number = 0;
  /** How it ended: empty where there is nobody to go on with. */
  @Snapshot() outcome: string = '';

  /** Between the two messages of the client. */
  @Snapshot({ type: Object }) exchange: Exchange | null = null;

  constructor(
    private readonly services: SessionServices,
    private readonly policy: LoginPolicy,
  ) {}

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
        this.services.desk.request(read);
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
    if (this.policy.users === undefined) {
      this.outcome = 'accepted';
      return done();
    }
    await io.write(authenticationSasl([MECHANISM]));
    return next('initial');
  }

  /** SASLInitialResponse. */
  @Stage({ output: 'held', timeoutMs: LIMITS.loginTimeMs })
  async initial(io: StageIo): Promise<Next<Login>> {
    const response = await readSaslResponse(io);
    if (response === undefined) return done();
    const initial = response === 'malformed' ? undefined : readSaslInitial(response);
    if (initial?.mechanism !== MECHANISM) {
      await io.write(errorResponse(initial === undefined ? NO_SASL_RESPONSE : OTHER_MECHANISM));
      return done();
    }
    const verifier = this.policy.users?.find(this.#user()).verifier;
    if (verifier === undefined) throw new TypeError('there is nobody who could log in by a password');
    const beginning = beginExchange(initial.data, verifier, this.policy.nonce());
    if (beginning.kind === 'malformed') {
      await io.write(errorResponse(violationOf(beginning)));
      return done();
    }
    this.exchange = beginning.exchange;
    await io.write(authenticationSaslContinue(beginning.message));
    return next('proof');
  }

  /** SASLResponse. */
  @Stage({ output: 'held', timeoutMs: LIMITS.loginTimeMs })
  async proof(io: StageIo): Promise<Next<Login>> {
    const response = await readSaslResponse(io);
    if (response === undefined || this.exchange === null) return done();
    const outcome: Outcome = response === 'malformed' ? { kind: 'refused' } : finishExchange(this.exchange, response);
    this.exchange = null; // its keys have done their part
    switch (outcome.kind) {
      case 'proven':
        await io.write(authenticationSaslFinal(outcome.message));
        this.outcome = 'accepted';
        return done();
      case 'refused':
        await io.write(errorResponse(refusalOf(this.#user())));
        this.services.log.record(io.cid, { kind: 'login-refused', code: '28P01' });
        return done();
      case 'malformed':
        await io.write(errorResponse(violationOf(outcome)));
        return done();
    }
  }

  #user(): string {
    const read = parseStartupPacket(this.packet);
    return read.kind === 'startup' ? read.user : '';
  }
}

/** The data of a password message; undefined where the client has gone. */
async function readSaslResponse(io: StageIo): Promise<Buffer | 'malformed' | undefined> {
  try {
    const header = await io.readExactly(HEADER_LENGTH);
    if (header === undefined) return undefined;
    const length = Buffer.from(header).readInt32BE(1) - 4;
    if (header[0] !== FRONTEND.password || length < 0 || length > LIMITS.smallMessageLength) return 'malformed';
    const body = await io.readExactly(length);
    return body && Buffer.from(body);
  } catch (error) {
    if (error instanceof UnexpectedEnd) return undefined;
    throw error;
  }
}

const NO_SASL_RESPONSE: Complaint = { severity: 'FATAL', code: '08P01', message: 'expected SASL response' };

const OTHER_MECHANISM: Complaint = {
  severity: 'FATAL',
  code: '08P01',
  message: 'client selected an invalid SASL authentication mechanism',
};

function violationOf({ sqlState, message, detail }: Malformed): Complaint {
  return { severity: 'FATAL', code: sqlState, message, ...(detail !== '' && { detail }) };
}

function refusalOf(user: string): Complaint {
  return { severity: 'FATAL', code: '28P01', message: `password authentication failed for user "${user}"` };
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

const MALFORMED_LENGTH: StartupPacket = {
  kind: 'malformed',
  code: '08P01',
  message: 'invalid length of startup packet',
};

const NO_REPLICATION: Complaint = {
  severity: 'FATAL',
  code: '0A000',
  message: 'replication connections are not supported by the front-end',
  hint: 'Connect to the database itself.',
};

function complaintOf(packet: Extract<StartupPacket, { kind: 'malformed' | 'unsupported-version' }>): Complaint {
  if (packet.kind === 'malformed') return { severity: 'FATAL', code: packet.code, message: packet.message };
  return {
    severity: 'FATAL',
    code: '0A000',
    message: `unsupported frontend protocol ${packet.major}.${packet.minor}: server supports 3.0 to 3.${MINOR_VERSION}`,
  };
}
