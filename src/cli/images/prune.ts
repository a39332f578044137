import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';

/** `atomic images prune`. */
export function addImagesPrune(parent: CommandUnknownOpts): void {
  parent.command('prune').description('delete layers that no image uses').action(notAvailable);
}
