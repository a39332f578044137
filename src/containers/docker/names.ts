/** Names of containers and images that Docker also has, or that only Docker has. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { type Engine, findEngine } from '../../host/docker.ts';
import { exists } from '../../host/files/files.ts';
import { containerOf, preinstalledPath } from '../deployments/container.ts';
import { isContainerName } from '../deployments/name.ts';

/**
 * Does some work on a container; when that fails because only Docker has a container of that name, the error says so.
 *
 * @param command what to type instead
 * @throws AtomicError as `work` does
 */
export async function orPointToDocker<Result>(
  context: Context,
  { name, command }: { name: string; command: string },
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AtomicError) || isOurs(context, name)) throw error;
    if (!(await engineHas(context, async (engine) => await engine.hasContainer(name)))) throw error;
    throw new AtomicError(`'${name}' is a container of Docker's, which this program does not manage`, {
      hint: `use '${command}'`,
      cause: error,
    });
  }
}

/** Do not ask Docker about names that no container can have. */
function isOurs(context: Context, name: string): boolean {
  if (!isContainerName(name)) return true;
  const container = containerOf(context, name);
  const { link, slots, unit } = container;
  return [link, ...slots, unit].some(exists) || preinstalledPath(container) !== undefined;
}

/** Whether Docker has an image of that name, too. */
export async function hasDockerImage(context: Context, name: string): Promise<boolean> {
  return await engineHas(context, async (engine) => await engine.hasImage(name));
}

/** An engine that does not answer has nothing. */
async function engineHas(context: Context, question: (engine: Engine) => Promise<boolean>): Promise<boolean> {
  try {
    const engine = await findEngine(context);
    return engine !== undefined && (await question(engine));
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    context.log.debug({ error: error.message }, 'the engine does not answer');
    return false;
  }
}
