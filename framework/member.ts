// A member: a stack on this machine and an application on it, in one call.
//
// For programs that import nothing but the framework. A program that needs the stack for more makes both parts.

import { createNodeStack, type NodeStackOptions } from '@migratory/stack';
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

/** A running member: its application, and the stack below it. */
export interface Member {
  readonly application: Application;
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
      drain: async (drainOptions) => {
        const outcome = await application.drain(drainOptions);
        await stack.close();
        return outcome;
      },
      stop: async () => {
        await application.stop();
        await stack.close();
      },
    };
  } catch (error) {
    await stack.close();
    throw error;
  }
}
