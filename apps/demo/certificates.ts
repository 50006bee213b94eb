// Certificates for the demo and the tests, made on the spot and valid for a day; a real cluster brings certificates of its own.
//
// Nothing is written to a disk that outlives the demo.

import { makeCluster as makeClusterAt, type Cluster } from '@migratory/framework/certificates';

export { makeServiceKey, type Cluster, type ServiceKey } from '@migratory/framework/certificates';

const VALIDITY_DAYS = 1;

/** An authority of its own, and a certificate with its key for each member id. */
export function makeCluster(memberIds: Iterable<number>): Promise<Cluster> {
  return makeClusterAt(memberIds, { now: new Date(), days: VALIDITY_DAYS });
}
