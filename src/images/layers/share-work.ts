/** Shares the work of importing layers among pulls at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { claimLayers, removeLeftOverClaims } from '../store/claims.ts';
import { hasLayer } from '../store/images.ts';
import type { Layer } from './import.ts';
import type { PullProgress } from './progress.ts';

/** Milliseconds between two looks at what others have imported. */
const POLL_INTERVAL = 50;
/** Milliseconds after which it is worth telling. */
const SILENCE = 1000;

/**
 * Imports those layers that the repository lacks, first what nobody else is importing. Then waits for the others, and
 * imports what their pulls leave, be it that they fail, are killed or take more than a minute. Whoever waits has
 * claimed nothing, so that no two can wait for each other.
 *
 * @param work imports the layers that it gets; called at least once, since it also asks whether the image may be pulled
 * @param shownAs what the layers belong to, for messages
 * @throws Interrupted when a signal arrives while waiting; what `work` throws
 */
export async function shareWork(
  context: Context,
  layers: readonly Layer[],
  { shownAs, progress }: { shownAs: string; progress: PullProgress },
  work: (own: readonly Layer[]) => Promise<void>,
): Promise<void> {
  const isMissing = ({ hex }: Layer) => !hasLayer(context, hex);
  const workOnFree = async (missing: readonly Layer[], isFirst: boolean) => {
    using claims = claimLayers(
      context,
      missing.map(({ hex }) => hex),
    );
    // they may have come while they were claimed
    const own = missing.filter((layer) => claims.hexes.has(layer.hex) && isMissing(layer));
    if (isFirst || own.length > 0) await work(own);
  };
  removeLeftOverClaims(context);
  await workOnFree(layers.filter(isMissing), true);
  const tell = teller(context, `Waiting for another atomic command to import layers of ${shownAs}`);
  for (let missing = layers.filter(isMissing); missing.length > 0; missing = layers.filter(isMissing)) {
    await sleep(POLL_INTERVAL, undefined, { signal: context.signal }).catch(() => undefined);
    context.signal.throwIfAborted();
    tell();
    await workOnFree(missing, false);
  }
  for (const { hex } of layers) progress.stored(hex);
}

/** Tells, once, that something is waited for. */
function teller(context: Context, text: string): () => void {
  const begin = performance.now();
  let isTold = false;
  return () => {
    if (isTold || performance.now() - begin < SILENCE) return;
    context.report({ kind: 'waiting', text });
    isTold = true;
  };
}
