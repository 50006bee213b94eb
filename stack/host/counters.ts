// What a host has dropped and refused, and how its moves went: counted by name, for logs and metrics.

/** Counts since the start. */
export interface HostCounters {
  segmentsReceived: number;
  segmentsSent: number;
  resetsSent: number;
  formerPathDrops: number;
  /** SYNs that were answered without keeping anything, and the connections that came of it. */
  cookiesSent: number;
  cookiesReturned: number;
  halfOpenDrops: number;
  connectionLimitDrops: number;
  forgedConnectionIdDrops: number;
  badProofDrops: number;
  requestRateDrops: number;
  /** Requests from an address that another connection has. */
  takenPathDrops: number;
  requestsRefused: number;
  imagesGiven: number;
  imagesInstalled: number;
  imagesReturned: number;
  /** Kept images that became void, as a client proved that their receiver had them. */
  imagesOutlived: number;
  /** Peer messages that answered nothing that is still asked. */
  strayAnswers: number;
}

export function newCounters(): HostCounters {
  return {
    segmentsReceived: 0,
    segmentsSent: 0,
    resetsSent: 0,
    formerPathDrops: 0,
    cookiesSent: 0,
    cookiesReturned: 0,
    halfOpenDrops: 0,
    connectionLimitDrops: 0,
    forgedConnectionIdDrops: 0,
    badProofDrops: 0,
    requestRateDrops: 0,
    takenPathDrops: 0,
    requestsRefused: 0,
    imagesGiven: 0,
    imagesInstalled: 0,
    imagesReturned: 0,
    imagesOutlived: 0,
    strayAnswers: 0,
  };
}
