/** Options of `atomic images help` and `atomic help`. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from '../cli.ts';
import { page } from '../output/pager.ts';
import type { Placement } from './placement.ts';

/** `atomic images help`, and `atomic help`. */
export function addImagesHelp(parent: CommandUnknownOpts, cli: Cli, { isShort }: Placement): void {
  parent
    .command('help', { hidden: isShort })
    .description('show the help that an image or a container brings')
    .argument('<image>', 'image or container')
    .action((name, _options, self) =>
      perform(cli, self, async (context) => {
        const { readHelp } = await import('../../containers/images-help.ts');
        await page(context, cli.output, await readHelp(context, name));
      }),
    );
}
