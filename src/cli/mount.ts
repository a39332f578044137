/** Options of `atomic mount`. */
import { type CommandUnknownOpts, Option } from 'commander';
import { AtomicError } from '../errors.ts';
import { type Cli, perform } from './cli.ts';
import { notDocker } from './storage.ts';

/** `atomic mount`: shows the files of an image or a container. */
export function addMount(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('mount')
    .description('mount an image or a container on a directory, read-only')
    .argument('<image>', 'container or image')
    .argument('<mountpoint>', 'a directory; for an image an empty one')
    .option('-o, --options <OPTS>', 'accepted for compatibility; ignored: mounts are always ro,nosuid,nodev')
    .addOption(new Option('--live', 'refused; not for system containers').conflicts(['shared', 'storage']))
    .addOption(new Option('--shared', 'accepted for compatibility; ignored').conflicts(['live', 'storage']))
    .addOption(
      new Option('--storage <STORAGE>', 'where images are kept: ostree').conflicts(['live', 'shared']),
    )
    .action((name, directory, { live, shared, storage }, self) =>
      perform(cli, self, async (context) => {
        if (live)
          throw new AtomicError('Containers and images managed through OSTree do not support --live.');
        if (storage !== undefined && storage !== 'ostree')
          throw new AtomicError(
            `${storage} is not a valid storage`,
            storage === 'docker' ? { hint: notDocker() } : {},
          );
        const { mountOn } = await import('../containers/mount.ts');
        // who says --shared cannot name the storage
        const prefersOurs = storage !== undefined || shared === true;
        await mountOn(context, { name, directory, prefersOurs });
      }),
    );
}
