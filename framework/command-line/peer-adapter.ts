// Calls on another member over mutual TLS, as the channel between members does, and hangs up without a word.
//
// With TLS 1.3 a server refuses a client's certificate only after the client's side of the handshake is done: a member that
// takes ours greets at once, so its first bytes are the answer.

import { connect, createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { memberNamed } from '@migratory/stack';
import { describeSystemError } from './failure.js';
import type { Finding } from './finding.js';

export interface PeerCall {
  readonly member: number;
  readonly host: string;
  readonly port: number;
  /** PEM texts. */
  readonly certificateAuthority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const PATIENCE_MS = 3000;

/** Never rejects. */
export function callOnPeer(call: PeerCall): Promise<Finding> {
  const check = `member ${call.member}`;
  const place = `${call.host}:${call.port}`;
  const { host, port, certificateAuthority: ca, certificate: cert, privateKey: key } = call;
  const secureContext = contextOf({ ca, cert, key, minVersion: 'TLSv1.3' });
  if (secureContext === undefined) {
    return Promise.resolve({
      kind: 'note',
      check,
      detail: `${place}: not asked`,
      remedy: 'first put our own keys right',
    });
  }
  return new Promise((resolve) => {
    const problem = (what: string, remedy: string): void =>
      settle({ kind: 'problem', check, detail: `${place}: ${what}`, remedy });
    let named: number | undefined;
    const socket = connect({
      host,
      port,
      secureContext,
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => {
        named = memberNamed(certificate.subjectaltname);
        return undefined;
      },
    });
    const settle = (finding: Finding): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(finding);
    };
    const timer = setTimeout(() => problem('no answer', `start it, or open the way to ${place}`), PATIENCE_MS);
    socket.once('data', () => {
      if (named === call.member) settle({ kind: 'ok', check, detail: `${place} answers, and takes our certificate` });
      else problem(`it is member ${named ?? '?'}`, 'put its own address into the list of members');
    });
    socket.once('end', () =>
      problem('it does not take our certificate', 'use certificates of one authority everywhere'),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isRefused = error.code?.startsWith('ERR_SSL') === true || error.code === 'ECONNRESET';
      if (isRefused) problem('it does not take our certificate', 'use certificates of one authority everywhere');
      else if (error.code?.startsWith('E') === true)
        problem(describeSystemError(error), `start it, or open the way to ${place}`);
      else problem(`its certificate: ${error.message}`, 'use certificates of one authority everywhere');
    });
  });
}

/** Undefined where the key is not that of the certificate, and the like. */
function contextOf(options: SecureContextOptions): SecureContext | undefined {
  try {
    return createSecureContext(options);
  } catch {
    return undefined;
  }
}
