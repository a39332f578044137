/** `atomic images help`: shows the help of an image, or of the image of a container. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError, orUndefined, ToolMissingError } from '../errors.ts';
import { warn } from '../events.ts';
import { renderManual } from '../host/groff.ts';
import { page } from '../host/pager.ts';
import { openImageTree } from '../images/layers/image-tree.ts';
import { findImage, type LocalImage } from '../images/store/images.ts';
import { labelOf, labelsOf } from '../images/store/labels.ts';
import { requireImage } from '../images/store/lookup.ts';
import { containerOf, installedPath } from './deployments/container.ts';
import { readDeployment } from './deployments/deployment.ts';
import { isContainerName } from './deployments/name.ts';
import { readInside } from './rendering/exports.ts';

/** Where help can be found: in files of a root, and in the labels of an image. */
interface HelpSource {
  /** The text of a file of the root, `undefined` when there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Absent when a container's image is gone. */
  readonly image: LocalImage | undefined;
}

/**
 * Finds the help of a container, or else of an image: its manual page, its README, or what its label says. The
 * command of the label is only shown: nobody has looked at what it would do to this host.
 *
 * @throws AtomicError when there is no container or image of that name, or no help
 */
export async function readHelp(context: Context, name: string): Promise<string> {
  const subject = containerSource(context, name) ?? imageSource(context, name);
  const manual = await subject.readText('help.1');
  if (manual !== undefined) return await rendered(context, manual);
  const text = (await subject.readText('README.md')) ?? labelText(context, subject.image);
  if (text === undefined) throw new AtomicError(`There is no help for ${name}.`);
  return text;
}

/**
 * Shows a text on the terminal, screen by screen.
 *
 * @returns whether it could be shown so
 */
export async function showOnScreen(context: Context, text: string): Promise<boolean> {
  return await page(context, text);
}

function containerSource(context: Context, text: string): HelpSource | undefined {
  if (!isContainerName(text)) return undefined;
  const path = installedPath(containerOf(context, text));
  if (path === undefined) return undefined;
  return {
    readText: async (file) => await readInside(join(path, 'rootfs'), file),
    image: orUndefined(() => findImage(context, readDeployment(text, path).info.image)),
  };
}

function imageSource(context: Context, text: string): HelpSource {
  const image = requireImage(context, text);
  return { ...openImageTree(context, image), image };
}

async function rendered(context: Context, manual: string): Promise<string> {
  try {
    return await renderManual(context, manual);
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    warn(context, `${error.message}; this is the source of the manual page`);
    return manual;
  }
}

function labelText(context: Context, image: LocalImage | undefined): string | undefined {
  const command = image && labelOf(labelsOf(context, image), 'HELP');
  return command && `The image has a command for help, which was not run:\n${command}`;
}
