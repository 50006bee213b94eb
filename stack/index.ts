// The public surface of @migratory/stack: what a program that speaks Migratory TCP needs, and what a test of it needs.

export { createNodeStack, type MemberEntry, type NodeMembership, type NodeStackOptions } from './node-stack.js';
export { Stack, type ConnectOptions, type ListenOptions, type Listener, type StackOptions } from './socket/stack.js';
export { MigratoryConnection } from './socket/connection.js';
export type { Departure, MigratoryConnectionEvents, MoveOutcome } from './socket/connection-events.js';
export { relay, type Resettable } from './socket/relay.js';
export { ConnectionFailed, ReplayDiverged, StackClosed, StreamDestroyed, WrongRole } from './socket/errors.js';
export type {
  Clock,
  Driver,
  DriverCapabilities,
  DriverReceiver,
  Entropy,
  PeerChannel,
  PeerReceiver,
  Timer,
} from './drivers/driver.js';
export { BindFailed } from './drivers/binding.js';
export { UdpDriver, type UdpDriverOptions } from './drivers/udp.js';
export {
  DRIVER_FLAGS,
  driverOptionsOf,
  type DriverChoice,
  type DriverFlagValues,
  type DriverOptions,
} from './drivers/driver-choice.js';
export { CaptureDriver, CaptureFailed } from './drivers/capture.js';
export type { TunCounters, TunDriver } from './drivers/tun.js';
export { openTunDriver, type TunDriverOptions } from './drivers/tun-open.js';
export { TunUnavailable, type TunFailureCode } from './drivers/tun-errors.js';
export {
  MemoryDriver,
  MemoryNetwork,
  PERFECT_CONDITIONS,
  type Datagram,
  type NetworkConditions,
  type Verdict,
} from './drivers/memory.js';
export { MemoryPeers, type MemoryPeersOptions } from './drivers/memory-peers.js';
export { SeededEntropy, VirtualClock } from './drivers/virtual-clock.js';
export { SystemClock, SystemEntropy } from './drivers/system.js';
export type { PeerEndpoint } from './drivers/peer-channel.js';
export { memberNamed } from './drivers/peer-identity.js';
export { PeerCredentialsInvalid, PeerListenFailed, type PeerEvent } from './drivers/peer-events.js';
export { InvalidKey, serviceIdentity, servicePublicKey, type ServiceIdentity } from './migration/keys.js';
export { StateTooLarge } from './migration/connection.js';
export { leaveSilentMember, stay, type Advice, type Measurements, type Policy } from './migration/policy.js';
export type { CloseReason, MoveReport, Trouble } from './migration/record.js';
export type { LockKind, OutputMode } from './migration/synchronisation.js';
export type { MigrationLimits } from './migration/config.js';
export type { HostLimits } from './host/config.js';
export type { HostCounters } from './host/counters.js';
export type { TcpConfig } from './tcp/config.js';
export { formatSegment } from './wire/format.js';
export type { IpFamily } from './wire/ip/packet.js';
export type { NetworkReport } from './wire/network-report.js';
export type { Segment } from './wire/segment.js';
export { formatAddress, parseAddress, type Address } from './wire/address.js';
export type { ConnectionId, MemberId } from './wire/migrate-options.js';
export type { RefusalReason } from './wire/refusal-reason.js';
