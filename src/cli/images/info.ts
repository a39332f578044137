/** Options and output of `atomic images info` and `atomic info`. */
import type { CommandUnknownOpts } from 'commander';
import type { ImageInfo } from '../../containers/images-info.ts';
import { AtomicError } from '../../errors.ts';
import { type Cli, perform } from '../cli.ts';
import { inStorage, requireOstree } from '../storage.ts';

/** `atomic images info`, and `atomic info`. */
export function addImagesInfo(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('info')
    .description('show the labels and the variables of an image')
    .argument('<image>', 'name or id of the image')
    .option('--remote', 'ask the registry instead of the local store')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action((image, { remote, storage }, self) =>
      perform(cli, self, async (context) => {
        requireOstree(storage);
        if (remote && storage !== undefined)
          throw new AtomicError("The --remote option cannot be used with the 'ostree' storage option.");
        const { describeImage, describeRemoteImage } = await import('../../containers/images-info.ts');
        const info = remote
          ? await describeRemoteImage(context, image)
          : await inStorage(storage, async () => await describeImage(context, image));
        for (const line of linesOf(info)) cli.output.line(line);
      }),
    );
}

function linesOf({ name, labels, variables }: ImageInfo): readonly string[] {
  const lines = [`Image Name: ${name}`, ...sortedPairs(labels)];
  if (variables === undefined) return [...lines, ''];
  const { defaults, required } = variables;
  const withDefault = [
    'Template variables with default value, but overridable with --set:',
    ...sortedPairs(defaults),
  ];
  const unset = Object.fromEntries(required.map((variable) => [variable, '{DEF_VALUE}']));
  const without = [
    'Template variables that has no default value, and must be set with --set:',
    ...sortedPairs(unset),
  ];
  return [...lines, '', '', ...withDefault, ...(required.length > 0 ? ['', '', ...without] : []), ''];
}

/** compat: sorted by the whole line, in the order of code points. */
function sortedPairs(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values)
    .map(([key, value]) => `${key}: ${value}`)
    .sort();
}
