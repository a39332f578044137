import { type CommandUnknownOpts, Option } from 'commander';
import { notAvailable } from './cli.ts';

/** `atomic mount`: shows the files of an image or a container. */
export function addMount(parent: CommandUnknownOpts): void {
  parent
    .command('mount')
    .description('mount an image or a container on a folder')
    .argument('<image>', 'image or container')
    .argument('<mountpoint>', 'an empty folder')
    .option('-o, --options <OPTS>', 'mount options')
    .addOption(new Option('--live', 'not for system containers').conflicts(['shared', 'storage']))
    .addOption(new Option('--shared', 'mount with a shared SELinux context').conflicts(['live', 'storage']))
    .addOption(
      new Option('--storage <STORAGE>', 'where images are kept: ostree').conflicts(['live', 'shared']),
    )
    .action(notAvailable);
}
