/** Options of `atomic pull`. */
import type { CommandUnknownOpts } from 'commander';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { note } from '../events.ts';
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
        const storage = options.storage ?? (await defaultStorage(context, image));
        requireBackend(storage, image);
        const { pullImage } = await import('../images/pull.ts');
        const credentials = options.srcCreds ? { credentials: options.srcCreds } : {};
        await pullImage(context, { image, isUpgrade: true, ...credentials });
      }),
    );
}

/** compat: where Docker is the default, an image that says that it is a system container is kept by OSTree. */
async function defaultStorage(context: Context, image: string): Promise<string> {
  const { default_storage: storage } = context.config;
  if (storage === 'ostree') return storage;
  const { isSystemImage } = await import('../images/remote-labels.ts');
  if (!(await isSystemImage(context, image))) return storage;
  note(context, SWITCHING);
  return 'ostree';
}

const SWITCHING =
  "Note: Switching from the 'docker' backend to the 'ostree' backend based on the 'atomic.type' label in the image.  " +
  'You can use --storage to override this behaviour.';

function requireBackend(storage: string, image: string): void {
  if (storage === 'ostree') return;
  throw new AtomicError(
    `The storage backend '${storage}' is not available.  Try with an alternate storage with --storage if available.`,
    storage === 'docker' ? { hint: notDocker(`docker pull ${image}`) } : {},
  );
}
