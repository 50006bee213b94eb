// What a service of the simulated world consists of: its stages at a site, and the dialogues that it can be asked to have.

import type { Container, ServiceSource } from '@migratory/framework';
import type { Draw } from '../draw.js';
import type { Dialogue } from './dialogue.js';
import type { Site } from './site.js';

export interface Nature {
  /** The service as one process of a member hosts it. */
  serve(site: Site): { readonly service: ServiceSource; readonly container?: Container };
  dialogue(draw: Draw, turnCount: number): Dialogue;
}
