/** Options of `atomic images version` and `atomic version`. */
import type { CommandUnknownOpts } from 'commander';
import type { ImageVersion } from '../../images/version.ts';
import { type Cli, perform } from '../cli.ts';
import { renderTable } from '../output/table.ts';
import { inStorage, requireOstree } from '../storage.ts';

/** `atomic images version`, and `atomic version`. */
export function addImagesVersion(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('version')
    .description('show the version of an image')
    .argument('<image>', 'name or id of the image')
    .option('-r, --recurse', 'accepted for compatibility; ignored')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action((image, { storage }, self) =>
      perform(cli, self, async (context) => {
        requireOstree(storage);
        const { versionOfImage } = await import('../../images/version.ts');
        const found = await inStorage(storage, () => versionOfImage(context, image));
        for (const line of linesOf(found)) cli.output.line(line);
      }),
    );
}

function linesOf({ name = '<none>', version, id }: ImageVersion): readonly string[] {
  const columns = [
    { heading: 'IMAGE NAME', width: Math.max(12, name.length + 9) },
    { heading: 'VERSION', width: Math.max(9, version.length) },
    { heading: 'IMAGE ID', width: 10 },
  ];
  return [...renderTable(columns, [[name, version, id.slice(0, 12)]], true), ''];
}
