/** Options of `atomic images help` and `atomic help`. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from '../cli.ts';
import { printableText } from '../output/printable.ts';
import type { Placement } from './placement.ts';

/** `atomic images help`, and `atomic help`. */
export function addImagesHelp(parent: CommandUnknownOpts, cli: Cli, { isShort }: Placement): void {
  parent
    .command('help', { hidden: isShort })
    .description('show the help that an image or a container brings')
    .argument('<image>', 'image or container')
    .action((name, _options, self) =>
      perform(cli, self, async (context) => {
        const { readHelp, showOnScreen } = await import('../../containers/images-help.ts');
        const text = await readHelp(context, name);
        // what an image says is not made for terminals, even if it is shown on one later
        const isShown = cli.output.stdoutIsTty && (await showOnScreen(context, text));
        if (!isShown) cli.output.write(`\n${printableText(text)}\n`);
      }),
    );
}
