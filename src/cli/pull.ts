/** Options of `atomic pull`. */
import type { CommandUnknownOpts } from 'commander';
import { AtomicError } from '../errors.ts';
import { type Cli, perform } from './cli.ts';
import { IMAGE_HELP, notDocker } from './storage.ts';

/** `atomic pull`: fetches an image, or its newer version. */
export function addPull(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('pull')
    .description('download an image, or its newer version')
    .argument('<image>', IMAGE_HELP)
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('--src-creds <USER[:PASSWORD]>', 'credentials for the registry')
    .option('-t, --type <TYPE>', 'for docker only; ignored')
    .action((image, options, self) =>
      perform(cli, self, async (context) => {
        requireBackend(options.storage ?? context.config.default_storage, image);
        const { pullImage } = await import('../images/pull.ts');
        const credentials = options.srcCreds ? { credentials: options.srcCreds } : {};
        await pullImage(context, { image, isUpgrade: true, ...credentials });
      }),
    );
}

function requireBackend(storage: string, image: string): void {
  if (storage === 'ostree') return;
  throw new AtomicError(
    `The storage backend '${storage}' is not available.  Try with an alternate storage with --storage if available.`,
    storage === 'docker' ? { hint: notDocker(`docker pull ${image}`) } : {},
  );
}
