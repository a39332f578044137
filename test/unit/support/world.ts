/**
 * A host for the transaction: real files below a directory, and a systemd and a runtime of a few lines that say what
 * they were told.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, containerOf } from '../../../src/containers/deployments/container.ts';
import { parseContainerName } from '../../../src/containers/deployments/name.ts';
import type { Context } from '../../../src/context.ts';
import { ToolError } from '../../../src/errors.ts';
import type { Processes, ToolCall, ToolOutput } from '../../../src/host/process.ts';
import { contextFor } from './context.ts';

/** What a deployment of the tests is made of; without `unit` it has no service. */
export interface Made {
  /** Makes its unit, its tmpfiles.d file and its host file differ from those of others. */
  readonly mark: string;
  readonly isService?: boolean;
  /** Lines of its tmpfiles.d file besides the one that tells them apart. */
  readonly tmpfiles?: string;
  readonly remote?: string;
}

export interface World {
  readonly root: string;
  readonly context: Context;
  /** The commands that changed something, and the renames that were seen between them, in order. */
  readonly operations: readonly string[];
  /** What has been reported, as lines. */
  readonly lines: readonly string[];
  /** The services that run, and the unit text with which they were started. */
  readonly running: Map<string, string>;
  /** Commands that fail, by their beginning, and how often. */
  readonly failing: Map<string, number>;
  container(name: string): Container;
  /** Makes a deployment in a directory; its host file is `ROOT/host/FILE`. */
  deploy(container: Container, path: string, made: Made): void;
  /** Makes the host agree with a deployment: what an install without faults leaves. */
  activate(container: Container, path: string, isRunning?: boolean): void;
  /** Everything about a container that a person could see. */
  stateOf(container: Container): Record<string, unknown>;
  /** A context in which a step fails, or never ends. */
  faulty(point: string, kind: string): Context;
}

const hostFile = (root: string) => join(root, 'host/file');

/** Makes a host below an empty directory. */
export function createWorld(root: string): World {
  const base = contextFor({ checkouts: join(root, 'ck') });
  const operations: string[] = [];
  const lines: string[] = [];
  const running = new Map<string, string>();
  const failing = new Map<string, number>();
  const paths = {
    ...base.paths,
    units: join(root, 'units'),
    tmpfiles: join(root, 'tmpfiles'),
    locks: join(root, 'locks'),
    preinstalled: join(root, 'usr'),
  };
  for (const path of [paths.checkouts, paths.units, paths.tmpfiles, join(root, 'host')])
    mkdirSync(path, { recursive: true });
  const simulated = simulation(
    { units: paths.units, checkouts: paths.checkouts, operations, running, failing },
    base.processes,
  );
  const context: Context = {
    ...base,
    paths,
    processes: simulated,
    report: (event) =>
      lines.push('argv' in event ? event.argv.join(' ') : 'text' in event ? event.text : event.path),
  };
  return {
    root,
    context,
    operations,
    lines,
    running,
    failing,
    container: (name) => containerOf(context, parseContainerName(name)),
    deploy: (container, path, made) => deploy(root, container, path, made),
    activate: (container, path, isRunning = false) => {
      symlinkSync(path, container.link);
      copy(join(path, `${container.name}.service`), container.unit);
      copy(join(path, `tmpfiles-${container.name}.conf`), container.tmpfiles);
      copy(join(path, 'hostfs', hostFile(root)), hostFile(root));
      if (isRunning) running.set(container.service, readFileSync(container.unit, 'utf8'));
    },
    stateOf: (container) => ({
      link: linkIfPresent(container.link),
      unit: textIfPresent(container.unit),
      tmpfiles: textIfPresent(container.tmpfiles),
      file: textIfPresent(hostFile(root)),
      runs: running.get(container.service),
      among: readdirSync(paths.checkouts).sort(),
    }),
    faulty: (point, kind) => ({ ...context, env: { ...context.env, ATOMIC_TEST_FAULT: `${point}:${kind}` } }),
  };
}

function deploy(root: string, { name }: Container, path: string, made: Made): void {
  const { mark, isService = true, tmpfiles = '', remote } = made;
  mkdirSync(join(path, 'hostfs', root, 'host'), { recursive: true });
  if (remote === undefined) mkdirSync(join(path, 'rootfs/usr'), { recursive: true });
  else symlinkSync(join(remote, 'rootfs'), join(path, 'rootfs'));
  writeFileSync(join(path, 'hostfs', hostFile(root)), `file ${mark}\n`);
  writeFileSync(join(path, 'config.json'), JSON.stringify({ root: { path: 'rootfs', readonly: true } }));
  if (isService) writeFileSync(join(path, `${name}.service`), unitOf(mark));
  writeFileSync(join(path, `tmpfiles-${name}.conf`), `# ${mark}\n${tmpfiles}`);
  const info = {
    image: 'image',
    revision: mark,
    values: {},
    'has-container-service': isService,
    'installed-files': [hostFile(root)],
    'installed-files-checksum': { [hostFile(root)]: sha256(`file ${mark}\n`) },
    'installed-files-links': {},
    'created-folders': [],
    remote: remote ?? null,
    runtime: '/usr/bin/runc',
  };
  writeFileSync(join(path, 'info'), JSON.stringify(info));
}

export const unitOf = (mark: string) =>
  `[Service]\nExecStart=run ${mark}\n\n[Install]\nWantedBy=multi-user.target\n`;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function copy(from: string, to: string): void {
  const text = textIfPresent(from);
  if (text !== undefined) writeFileSync(to, text);
}

function textIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function linkIfPresent(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

interface Simulation {
  readonly units: string;
  readonly checkouts: string;
  readonly operations: string[];
  readonly running: Map<string, string>;
  readonly failing: Map<string, number>;
}

/** Programs that only touch files are real ones; systemctl, systemd-tmpfiles and the runtime are told apart here. */
function simulation(world: Simulation, real: Processes): Processes {
  const simulated: Processes = {
    ...real,
    run: async (call) =>
      ['rm', 'flock', 'sync', 'cp'].includes(call.tool) ? await real.run(call) : answer(world, call),
    shielded: () => simulated,
  };
  return simulated;
}

const done = (stdout = '', exitCode = 0): ToolOutput => ({ stdout, stderr: '', exitCode });

function answer(world: Simulation, call: ToolCall): ToolOutput {
  const words = [call.tool.replace(/^.*\//, ''), ...call.args.filter((word) => word !== '--')];
  const line = words.join(' ');
  const asks =
    /^(systemctl (show|is-enabled|reset-failed|stop runc-)|runc (state|delete|kill)|journalctl)/.test(line);
  if (!asks) world.operations.push(line);
  const left = [...world.failing].find(([beginning]) => line.startsWith(beginning));
  if (left !== undefined && left[1] > 0) {
    world.failing.set(left[0], left[1] - 1);
    throw new ToolError([call.tool], { exitCode: 5, signal: undefined, stderr: 'no luck today' }, 5);
  }
  if (words[0] === 'systemctl') return systemctl(world, words.slice(1));
  if (line.startsWith('runc state') && runsFrom(world, call.args[1] ?? '') !== undefined)
    return done(JSON.stringify({ status: 'running', pid: 0, bundle: runsFrom(world, call.args[1] ?? '') }));
  if (line.startsWith('runc state'))
    throw new ToolError([call.tool], { exitCode: 1, signal: undefined, stderr: '' }, 1);
  return done();
}

/** The slot of the container whose unit its service was started with. */
function runsFrom({ running, checkouts }: Simulation, name: string): string | undefined {
  const text = running.get(`${name}.service`);
  const slots = [0, 1].map((slot) => join(checkouts, `${name}.${slot}`));
  return text === undefined
    ? undefined
    : slots.find((slot) => textIfPresent(join(slot, `${name}.service`)) === text);
}

function systemctl({ running, units }: Simulation, [verb = '', ...words]: readonly string[]): ToolOutput {
  const services = words.filter((word) => !word.startsWith('-'));
  if (verb === 'show') {
    const state = (unit: string) => (running.has(unit) ? 'active' : 'inactive');
    return done(
      services.map((unit) => `Id=${unit}\nActiveState=${state(unit)}\nSubState=running\n`).join('\n'),
    );
  }
  if (verb === 'start')
    for (const unit of services)
      if (!running.has(unit)) running.set(unit, readFileSync(join(units, unit), 'utf8'));
  if (verb === 'stop' || verb === 'disable') for (const unit of services) running.delete(unit);
  return done();
}
