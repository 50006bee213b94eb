// `migratory doctor`: whether this machine can run a member, and, with its description, whether that member can.

import type { MemberConfig } from '../member-config.js';
import { readConfig, readStackOptions } from './config-file.js';
import { credentialFindings } from './credential-findings.js';
import { describeCode, STATUS } from './failure.js';
import { showFindings, type Finding } from './finding.js';
import type { DoctorOptions } from './invocation.js';
import { lookAtMachine, tryTcpPort, tryUdpPort } from './machine-adapter.js';
import { machineFindings } from './machine-findings.js';
import { callOnPeer } from './peer-adapter.js';
import type { Screen } from './screen.js';

/** Resolves with the exit status: 1 where there is a problem. Rejects with `CommandFailed` where the description is none. */
export async function doctor(screen: Screen, options: DoctorOptions, now: Date): Promise<number> {
  const config = options.config === undefined ? undefined : readConfig(options.config);
  const findings = machineFindings(await lookAtMachine(config?.ip, options.port));
  if (config !== undefined) findings.push(...(await memberFindings(config, options.config ?? '', now)));
  const isWell = findings.every(({ kind }) => kind !== 'problem');
  if (options.json === true) screen.line(JSON.stringify({ ok: isWell, findings }, undefined, 2));
  else showFindings(screen, findings);
  return isWell ? STATUS.ok : STATUS.failed;
}

async function memberFindings(config: MemberConfig, file: string, now: Date): Promise<Finding[]> {
  const { membership } = await readStackOptions(config, file);
  if (membership === undefined) return [];
  const { id, tls, serviceKey } = membership;
  const own = config.members.find((member) => member.id === id);
  const others = config.members.filter((member) => member.id !== id);
  const calls = others.map(({ id: member, peer }) => callOnPeer({ member, ...peer, ...tls }));
  return [
    await ownUdpFinding(config),
    ...(own === undefined ? [] : [await ownPeerFinding(own.peer)]),
    ...credentialFindings({ id, serviceKey, ...tls }, now),
    ...(await Promise.all(calls)),
  ];
}

/** In use is how it should be while the member runs, so it is no problem by itself. */
async function ownUdpFinding({ ip, port }: MemberConfig): Promise<Finding> {
  const attempt = await tryUdpPort(ip, port);
  return portFinding('clients', `UDP ${ip}:${port}`, attempt.kind === 'done' ? undefined : attempt.code);
}

async function ownPeerFinding({ host, port }: { readonly host: string; readonly port: number }): Promise<Finding> {
  const attempt = await tryTcpPort(host, port);
  return portFinding('members', `TCP ${host}:${port}`, attempt.kind === 'done' ? undefined : attempt.code);
}

function portFinding(check: string, place: string, code: string | undefined): Finding {
  if (code === undefined) return { kind: 'ok', check, detail: `${place} is free` };
  if (code === 'EADDRINUSE') {
    const remedy = 'by this member, if it runs; otherwise stop the other program';
    return { kind: 'note', check, detail: `${place} is in use`, remedy };
  }
  return {
    kind: 'problem',
    check,
    detail: `${place} can't be had (${describeCode(code)})`,
    remedy: 'look at ip and port',
  };
}
