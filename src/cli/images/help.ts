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
        if (!cli.output.stdoutIsTty) cli.output.write(`\n${text}\n`);
        else if (!(await showOnScreen(context, text))) cli.output.write(`\n${printableText(text)}\n`);
      }),
    );
}
