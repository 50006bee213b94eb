// The services of the simulated world, by name.

import { audit } from './audit.js';
import { calculator } from './calculator.js';
import { chat } from './chat.js';
import type { ServiceName } from './dialogue.js';
import type { Nature } from './nature.js';
import { files } from './files.js';
import { orders } from './orders.js';
import { tickets } from './tickets.js';

export const NATURES: Readonly<Record<ServiceName, Nature>> = {
  files,
  calculator,
  chat,
  tickets,
  audit,
  orders,
};
