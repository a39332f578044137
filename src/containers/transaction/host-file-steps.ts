/** The steps of a change of deployments that are about host files: they lie ready before the stop, and are swapped after. */
import { type AtomicError, orUndefined } from '../../errors.ts';
import { warn } from '../../events.ts';
import * as systemd from '../../host/systemd.ts';
import type { Container } from '../deployments/container.ts';
import { readDeployment } from '../deployments/deployment.ts';
import { undoHostFiles } from '../placement/settle.ts';
import { stageOnHost } from '../placement/stage-on-host.ts';
import { readSwap, swapHostFiles } from '../placement/swap.ts';
import { announce } from '../units/files.ts';
import { haveUnits, reloadForHostFiles } from '../units/reload.ts';
import type { Change, Progress, Step } from './steps.ts';

/** The host files of the new deployment lie beside their places, on disk; and the old ones have second names there. */
export function copyStep(container: Container, { from, to }: Change, progress: Progress): Step {
  return {
    point: 'switch.copied',
    run: async (context) => {
      progress.changesUnits = haveUnits(container.name, [from, to]);
      const next = readDeployment(container.name, to);
      const warned = (error: AtomicError) => warn(context, error.line);
      const read = (path: string) => orUndefined(() => readDeployment(container.name, path), warned) ?? [];
      const installed = from === undefined ? [] : [from].flatMap(read);
      const request = { to: next, destination: to, installed };
      await stageOnHost(context, container, request);
      progress.swap = readSwap(context, container);
    },
    undo: async (context) => {
      await undoHostFiles(context, container);
      await reloadForHostFiles(context, container.name, [from, to]);
    },
  };
}

/** The host has the files of the new deployment, by nothing but new names. The {@link copyStep} undoes it. */
export function hostFilesStep(container: Container, progress: Progress): Step {
  return {
    point: 'switch.host-files',
    run: async (context) => {
      await swapHostFiles(context, container, progress.swap);
      if (progress.changesUnits) await systemd.daemonReload(context);
      const isSaid = !progress.changesUnits || progress.lines.some(([, verb]) => verb === 'daemon-reload');
      announce(context, isSaid ? progress.lines : [['systemctl', 'daemon-reload'], ...progress.lines]);
    },
  };
}
