/** Options of `atomic images tag`. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from '../cli.ts';
import { inStorage, requireOstree } from '../storage.ts';

/** `atomic images tag`. */
export function addImagesTag(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('tag')
    .description('give an image another name')
    .argument('<src>', 'name or id of the image')
    .argument('<target>', 'its additional name')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action((source, target, { storage }, self) =>
      perform(cli, self, async (context) => {
        requireOstree(storage);
        const { tagImage } = await import('../../images/tag.ts');
        const tag = async () => await tagImage(context, { source, target });
        await inStorage(storage, tag, (name) => `Cannot find image ${name}.`);
      }),
    );
}
