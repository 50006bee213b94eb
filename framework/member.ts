// A member: a stack on this machine and an application on it, in one call.
//
// For programs that import nothing but the framework. A program that needs the stack for more makes both parts.

import { createNodeStack, type HostCounters, type NodeStackOptions } from '@migratory/stack';
import {
  createApplication,
  type Application,
  type ApplicationOptions,
  type DrainOptions,
  type DrainOutcome,
} from './application.js';

/** What `startMember` takes. */
export interface MemberOptions extends Omit<ApplicationOptions, 'stack'> {
  /** Addresses, keys, certificates and the other members: what `createNodeStack` takes. */
  readonly stack: NodeStackOptions;
}

/** What a stack tells of itself, over all services; `Stack` of `@migratory/stack` has it. */
export interface MemberStack {
  /** What was dropped, refused and moved, by name. */
  readonly counters: Readonly<HostCounters>;
  /** Connections that have left, or have closed, and whose taker or client has not confirmed that it has all. */
  readonly unconfirmedCount: number;
}

/** A running member: its application, and the stack below it. */
export interface Member {
  readonly application: Application;
  /** To be looked at; closed together with the member. */
  readonly stack: MemberStack;
  /** Lets the connections go to the other members, or finish; then stops the application and closes the stack. */
  drain(options?: DrainOptions): Promise<DrainOutcome>;
  /** Stops the application, then closes the stack. */
  stop(): Promise<void>;
}

/** Resolves when all services accept connections. When it throws, nothing has been left open. */
export async function startMember({ stack: stackOptions, ...options }: MemberOptions): Promise<Member> {
  const stack = await createNodeStack(stackOptions);
  try {
    const application = createApplication({ ...options, stack });
    await application.start();
    return {
      application,
      stack,
      drain: async (drainOptions) => {
        try {
          return await application.drain(drainOptions);
        } finally {
          // Where a hook has ended the drain before its time the connections are still here.
          if (application.state === 'stopped') await stack.close();
        }
      },
      stop: () => application.stop().finally(() => stack.close()),
    };
  } catch (error) {
    await stack.close();
    throw error;
  }
}
