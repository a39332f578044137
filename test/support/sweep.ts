/** Removes what tests that were killed have left on the host. */
import { sweepLeftovers } from './leftovers.ts';

await sweepLeftovers();
