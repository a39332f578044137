/** A host in a temporary directory, with containers on it whose deployments have host files. */
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Container, containerOf } from '../../../../src/containers/deployments/container.ts';
import {
  type Deployment,
  readDeployment,
  renderInfo,
} from '../../../../src/containers/deployments/deployment.ts';
import { parseContainerName } from '../../../../src/containers/deployments/name.ts';
import { planHostFiles } from '../../../../src/containers/host-files/plan.ts';
import { readMirror } from '../../../../src/containers/host-files/read.ts';
import { hostFilesMirror } from '../../../../src/containers/host-files/stage.ts';
import { removeHostFiles } from '../../../../src/containers/placement/remove.ts';
import { settleHostFiles } from '../../../../src/containers/placement/settle.ts';
import { stageOnHost } from '../../../../src/containers/placement/stage-on-host.ts';
import { swapHostFiles } from '../../../../src/containers/placement/swap.ts';
import type { Context } from '../../../../src/context.ts';
import type { ProgressEvent } from '../../../../src/events.ts';
import type { Processes } from '../../../../src/host/process.ts';
import { contextFor } from '../../support/context.ts';

/** Paths with their content: `-> text` for a link, `''` after a final slash for an empty directory. */
export type Tree = Readonly<Record<string, string>>;

export interface World {
  readonly context: Context;
  readonly events: ProgressEvent[];
  /** The lines about host files since the last call. */
  readonly lines: () => readonly string[];
  /** The host without what containers keep for themselves. */
  readonly host: () => Tree;
  readonly put: (tree: Tree) => void;
  readonly path: (path: string) => string;
}

/** Makes a world in an empty directory. */
export function worldIn(directory: string): World {
  const checkouts = join(directory, 'containers');
  const root = join(directory, 'host');
  const base = contextFor({ checkouts });
  const events: ProgressEvent[] = [];
  for (const path of [checkouts, root]) mkdirSync(path, { recursive: true });
  const paths = {
    ...base.paths,
    root,
    locks: join(directory, 'locks'),
    preinstalled: join(directory, 'none'),
  };
  return {
    context: {
      ...base,
      paths,
      processes: onlyCopying(base.processes),
      report: (event) => events.push(event),
    },
    events,
    lines: () => events.splice(0).map(lineOf),
    host: () => treeIn(root),
    put: (tree) => write(root, tree),
    path: (path) => join(root, path),
  };
}

/** Programs take most of the time: of all that are run, only cp(1) has an effect here, which Node can have, too. */
function onlyCopying(processes: Processes): Processes {
  const run: Processes['run'] = ({ tool, args }) => {
    const target = args.find((arg) => arg.startsWith('--target-directory='))?.split('=')[1] ?? '';
    const sources = tool === 'cp' ? args.slice(args.indexOf('--') + 1) : [];
    for (const source of sources)
      cpSync(source, join(target, basename(source)), {
        verbatimSymlinks: true,
        errorOnExist: true,
        force: false,
      });
    return Promise.resolve({ stdout: '', stderr: '', exitCode: 0 });
  };
  return { ...processes, run, shielded: () => onlyCopying(processes.shielded()) };
}

function lineOf(event: ProgressEvent): string {
  if (event.kind === 'created-file') return `Created file ${event.path}`;
  return 'text' in event ? event.text : event.kind;
}

export function containerIn({ context }: World, name: string): Container {
  return containerOf(context, parseContainerName(name));
}

/** Prepares a deployment that brings `tree`, as `current` is the active one: planned, recorded, nothing on the host. */
export async function prepare(
  { context }: World,
  container: Container,
  { slot = 0, tree, current }: { slot?: 0 | 1; tree: Tree; current?: Deployment },
): Promise<Deployment> {
  const path = container.slots[slot];
  rmSync(path, { recursive: true, force: true });
  const mirror = hostFilesMirror(path);
  mkdirSync(mirror, { recursive: true });
  write(mirror, tree);
  const files = readMirror(mirror);
  const recorded = await planHostFiles(context, { container, files, mirror, current });
  writeFileSync(join(path, 'info'), renderInfo({ image: 'test', ...recorded }));
  return readDeployment(container.name, path);
}

/** Makes a prepared deployment the active one, as a transaction would. */
export async function switchTo(
  { context }: World,
  container: Container,
  { to, from }: { to: Deployment; from?: Deployment | undefined },
): Promise<Deployment> {
  const installed = from === undefined ? [] : [from];
  await stageOnHost(context, container, { to, destination: to.path, installed });
  pointTo(container, to);
  await swapHostFiles(context, container);
  await settleHostFiles(context, container);
  return readDeployment(container.name, to.path);
}

export function pointTo(container: Container, to: Deployment | undefined): void {
  rmSync(container.link, { force: true });
  if (to !== undefined) symlinkSync(to.path, container.link);
}

/** Prepares a deployment and makes it the active one. */
export async function install(world: World, name: string, tree: Tree): Promise<Deployment> {
  const container = containerIn(world, name);
  return await switchTo(world, container, { to: await prepare(world, container, { tree }) });
}

export async function update(
  world: World,
  from: Deployment,
  { tree, slot = 1 }: { tree: Tree; slot?: 0 | 1 },
): Promise<Deployment> {
  const container = containerIn(world, from.name);
  const to = await prepare(world, container, { slot, tree, current: from });
  return await switchTo(world, container, { to, from });
}

export async function uninstall(world: World, active: Deployment): Promise<void> {
  const container = containerIn(world, active.name);
  pointTo(container, undefined);
  await removeHostFiles(world.context, container, [active]);
  for (const path of container.slots) rmSync(path, { recursive: true, force: true });
}

function write(root: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    const place = join(root, path);
    rmSync(place.replace(/\/$/, ''), { recursive: true, force: true });
    mkdirSync(path.endsWith('/') ? place : dirname(place), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), place);
    else if (!path.endsWith('/')) writeFileSync(place, content);
  }
}

function treeIn(root: string, path = '/'): Tree {
  const entries = readdirSync(join(root, path)).sort();
  if (entries.length === 0 && path !== '/') return { [`${path}/`]: '' };
  return Object.assign({}, ...entries.map((name) => entryAt(root, join(path, name))));
}

function entryAt(root: string, path: string): Tree {
  const place = join(root, path);
  const stat = lstatSync(place);
  if (stat.isDirectory()) return treeIn(root, path);
  return { [path]: stat.isSymbolicLink() ? `-> ${readlinkSync(place)}` : readFileSync(place, 'utf8') };
}
