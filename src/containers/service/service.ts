/** Starts the service of a container and checks that it stays up; stops it completely. */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { AtomicError, type ErrorDetails, ToolError, ToolMissingError } from '../../errors.ts';
import { note, warn } from '../../events.ts';
import { readLinkIfPresent } from '../../host/files/files.ts';
import { journalctl, journalOf, lastWordsOf } from '../../host/journal.ts';
import { type RuntimeRecord, runtimeRecord } from '../../host/runtime/record.ts';
import { deleteContainer } from '../../host/runtime/runtime.ts';
import { noManager } from '../../host/service-manager.ts';
import * as systemd from '../../host/systemd.ts';
import { waitForAll } from '../../wait-for-all.ts';
import type { Container } from '../deployments/container.ts';
import { isOwnServiceLoaded } from './host-service.ts';
import { withStopGrace } from './stop-grace.ts';

/** How long a service has to have run to count as started, in milliseconds: most that fail do so at once. */
const SETTLING_TIME = 1000;
const SETTLING_INTERVAL = 200;
/** Lines of the journal that are shown of a service that does not start. */
const JOURNAL_LINES = 10;
/** Characters of the last line that become part of an error, which is one line for people. */
const LAST_WORDS = 500;

/** A service does not start, or does not stay up. */
export class StartFailure extends AtomicError {
  /** The name of the container. */
  readonly container: string;

  constructor(container: string, message: string, details: ErrorDetails) {
    super(message, details);
    this.container = container;
  }
}

/** Whether the service of a container is up, or on its way there. */
export async function isServiceRunning(context: Context, { service }: Container): Promise<boolean> {
  return (await systemd.activityOf(context, [service])).active.length > 0;
}

/**
 * Starts the service.
 *
 * @throws StartFailure when systemd could not start it
 */
export async function startService(context: Context, container: Container): Promise<void> {
  const { name, service } = container;
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'start', name) });
  try {
    await systemd.start(context, service);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw await startFailure(context, container, await systemd.unitState(context, service), error);
  }
}

/**
 * Starts services and watches them for a moment, since `systemctl start` is content with a process that ends at once.
 *
 * @throws StartFailure when one does not start, or does not stay up; the end of its journal has been reported
 */
export async function startServicesSafely(context: Context, containers: readonly Container[]): Promise<void> {
  const begun = Date.now() / 1000;
  const safely = async (
    container: Container,
    step: (context: Context, container: Container) => Promise<void>,
  ) => {
    try {
      await step(context, container);
    } catch (error) {
      if (!context.signal.aborted) await reportJournal(context, container, begun);
      throw error;
    }
  };
  for (const container of containers) await safely(container, startService);
  await waitForAll(containers.map((container) => safely(container, watchService)));
}

/** systemd forgets the exit status of a service when it restarts it: one that was restarted is seen to fail again. */
async function watchService(context: Context, container: Container): Promise<void> {
  let restarted: systemd.UnitState | undefined;
  for (let waited = 0; waited < SETTLING_TIME; waited += SETTLING_INTERVAL) {
    // the service comes first: it is to be up soon
    await sleep(SETTLING_INTERVAL, undefined, { signal: context.signal });
    const state = await systemd.unitState(context, container.service);
    if (state.active === 'failed' || state.sub === 'auto-restart')
      throw await startFailure(context, container, state);
    if (state.restarts > 0) restarted = state;
  }
  if (restarted !== undefined) throw await startFailure(context, container, restarted);
}

async function reportJournal(context: Context, { name, service }: Container, since: number): Promise<void> {
  const lines = await journalOf(context, service, { since, lines: JOURNAL_LINES });
  for (const line of lines) warn(context, `${name}: ${line}`);
}

/** Whether an administrator has forbidden systemd to start the service. */
export function isMasked({ unit }: Container): boolean {
  return readLinkIfPresent(unit) === '/dev/null';
}

/** What the service said last, mostly the reason, is at the end of the line. */
async function startFailure(
  context: Context,
  container: Container,
  state: systemd.UnitState,
  cause?: unknown,
): Promise<StartFailure> {
  const { name } = container;
  if (isMasked(container)) {
    const hint = `use '${systemd.systemctlArgv(context, 'unmask', name).join(' ')}'`;
    return new StartFailure(name, `cannot start '${name}' (it is masked)`, { hint, cause });
  }
  const { active, result, exitStatus } = state;
  const what = `${active}, ${result}, exit status ${exitStatus}`;
  const lastWords = await bestEffort(lastWordsOf(context, state));
  const end = lastWords === undefined ? '' : `, which ends with: ${lastWords.slice(0, LAST_WORDS)}`;
  const hint = `see '${journalctl(context, name)}'${end}`;
  return new StartFailure(name, `cannot start '${name}' (${what})`, { hint, cause });
}

/**
 * Stops the service, whether there is one or not; a container that outlives it is killed and removed.
 *
 * @throws AtomicError when systemd could not stop it, or would stop a service of the host
 */
export async function stopService(context: Context, container: Container, runtime: string): Promise<void> {
  const { name, service } = container;
  // what may run is that of another host, whose /run is mounted here
  if (!context.hasManager) return note(context, `Nothing to stop: ${noManager(context, '').message}`);
  await requireOwnService(context, container);
  const record = runtimeRecord(context, runtime, name);
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'stop', name) });
  try {
    await withStopGrace(context, { container, runtime, record }, () => systemd.stop(context, service));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new AtomicError(`cannot stop '${name}': ${error.message}`, {
      hint: `see '${systemd.systemctlArgv(context, 'status', name).join(' ')}'`,
      cause: error,
    });
  }
  await removeLeftovers(context, { name, runtime, record });
}

/**
 * Makes sure that what systemd would stop is the container.
 *
 * @throws AtomicError when it is a service of the host
 */
export async function requireOwnService(context: Context, container: Container): Promise<void> {
  if (await isOwnServiceLoaded(context, container)) return;
  const { name } = container;
  throw new AtomicError(`cannot stop '${name}': systemd has loaded a service of the host by that name`, {
    hint: `see '${systemd.systemctlArgv(context, 'status', name).join(' ')}'`,
  });
}

/**
 * Removes what the runtime still has of a stopped container, and waits until its cgroup is gone, which may outlive it
 * for a moment, and would then take the processes of the next one along. As a rule there is nothing left, which its
 * record, if there was one, says without starting a program: others wait for the service to be up again.
 */
async function removeLeftovers(
  context: Context,
  { name, runtime, record }: { name: string; runtime: string; record: RuntimeRecord | undefined },
): Promise<void> {
  if (record === undefined || record.isPresent()) await deleteContainer(context, runtime, name);
  const scope = record === undefined ? `${basename(runtime)}-${name}.scope` : record.remainingScope();
  if (scope !== undefined) await bestEffort(systemd.stopIfLoaded(context, scope));
}

/**
 * Makes systemd forget how services fared: a process that had to be killed leaves its unit `failed`, though it was
 * stopped because the person said so; and one that kept failing leaves its starts counted, so that the next would be
 * refused. Of a unit that is not loaded there is nothing to forget.
 */
export async function forgetFailures(context: Context, containers: readonly Container[]): Promise<void> {
  if (containers.length === 0) return;
  await bestEffort(
    systemd.resetFailed(
      context,
      containers.map(({ service }) => service),
    ),
  );
}

/** Waits for something that may fail: then there is no result. */
async function bestEffort<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ToolError || error instanceof ToolMissingError) return undefined;
    throw error;
  }
}
