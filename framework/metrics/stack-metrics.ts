// The metrics of a member's stack, over all its services: one for each of its counters. A counter without one does not
// compile.

import type { MemberStack } from '../member.js';
import { counter, gauge, type Metric } from './metric.js';

export const STACK_METRICS: Readonly<Record<keyof MemberStack['counters'], Metric>> = {
  segmentsReceived: counter('segments_received', 'TCP segments that came.'),
  segmentsSent: counter('segments_sent', 'TCP segments that were sent.'),
  resetsSent: counter('resets_sent', 'Resets for segments that belong to no connection.'),
  formerPathDrops: counter('former_path_drops', 'Segments on the former path of a connection that has moved.'),
  cookiesSent: counter('cookies_sent', 'SYNs answered with a cookie because halfOpenCount was reached.'),
  cookiesReturned: counter('cookies_returned', 'Connections of clients that returned a SYN cookie.'),
  halfOpenDrops: counter(
    'half_open_drops',
    'Returned SYN cookies, and SYNs that none can answer, dropped because halfOpenCount was reached.',
  ),
  connectionLimitDrops: counter('connection_limit_drops', 'SYNs dropped because connectionCount was reached.'),
  forgedConnectionIdDrops: counter('forged_connection_id_drops', 'Requests to move a connection with an id of nobody.'),
  badProofDrops: counter('bad_proof_drops', "Requests to move a connection without proof of the connection's key."),
  requestRateDrops: counter('request_rate_drops', 'Requests to move dropped because requestCount was reached.'),
  takenPathDrops: counter('taken_path_drops', 'Requests to move from an address that another connection has.'),
  requestsRefused: counter(
    'requests_refused',
    'Requests to move that were refused, here or by the member that had the connection.',
  ),
  imagesGiven: counter('images_given', 'Images of connections given to other members.'),
  imagesInstalled: counter('images_installed', 'Images of connections installed here.'),
  imagesReturned: counter(
    'images_returned',
    'Images of connections that came and could not be installed: they went back.',
  ),
  imagesOutlived: counter('images_outlived', 'Kept images that became void: their receiver was proved to have them.'),
  strayAnswers: counter('stray_answers', "Members' messages that answer nothing that is still asked."),
};

export const UNCONFIRMED_METRIC = gauge(
  'unconfirmed_connections',
  'Connections that have left or closed, and whose taker or client has not confirmed that it has all.',
);
