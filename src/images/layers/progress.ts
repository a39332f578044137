/** Tells how far a pull has come: a layer is done when it is stored, not when it has been downloaded. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { note } from '../../events.ts';
import { entriesIfPresent } from '../../host/files/files.ts';
import type { Layer } from './import.ts';

/** What skopeo says when it has copied everything: for us, most of the work is still to come. */
const CLOSING = /^(Writing manifest|Storing signatures)/;

/** How skopeo calls a blob that is still incomplete, in an OCI layout. */
const INCOMPLETE = /^oci-put-blob/;

/** Milliseconds between two reports. */
const INTERVAL = 200;

/** How far one layer has come, from 0 to 1. */
interface State {
  readonly size: number;
  hasArrived: boolean;
  isStored: boolean;
  imported: () => number;
}

export class PullProgress implements Disposable {
  readonly #context: Context;
  readonly #held: string[] = [];
  readonly #layers = new Map<string, State>();
  #folder = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Passes on a line of skopeo, or holds it back until everything is stored. */
  line(text: string): void {
    if (!CLOSING.test(text)) note(this.#context, text);
    // it is heard again when something has to be copied that another command did not bring
    else if (!this.#held.includes(text)) this.#held.push(text);
  }

  /** Begins to report, over and over. */
  watch(layers: readonly Layer[], folder: string): void {
    for (const { hex, size = 0 } of layers)
      this.#layers.set(hex, { size, hasArrived: false, isStored: false, imported: () => 0 });
    this.#folder = folder;
    this.#timer = setInterval(() => this.#report(), INTERVAL);
  }

  arrived(hex: string): void {
    const layer = this.#layers.get(hex);
    if (layer !== undefined) layer.hasArrived = true;
  }

  /** @param share tells how much of the layer has been read, from 0 to 1 */
  importing(hex: string, share: () => number): void {
    const layer = this.#layers.get(hex);
    if (layer !== undefined) layer.imported = share;
  }

  stored(hex: string): void {
    const layer = this.#layers.get(hex);
    if (layer !== undefined) layer.isStored = true;
  }

  /** Everything is on disk. */
  finish(): void {
    this[Symbol.dispose]();
    for (const line of this.#held.splice(0)) note(this.#context, line);
  }

  [Symbol.dispose](): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#context.report({ kind: 'progress', share: undefined, text: '' });
  }

  #report(): void {
    const layers = [...this.#layers.values()];
    const stored = layers.filter(({ isStored }) => isStored).length;
    const text = `${stored} of ${layers.length} layers stored`;
    this.#context.report({ kind: 'progress', share: this.share(), text });
  }

  /** Downloading is half of the work, importing the other half; only what is stored is done. */
  share(): number {
    const layers = [...this.#layers.values()];
    const all = layers.reduce((sum, { size }) => sum + 2 * size, 0);
    const done = layers.reduce((sum, layer) => sum + layer.size * doneOf(layer), bytesComing(this.#folder));
    return all === 0 ? 0 : Math.min(1, done / all);
  }
}

/** Of the two halves, how much is done. What has been read has still to be written to the disk. */
function doneOf({ isStored, hasArrived, imported }: State): number {
  if (isStored) return 2;
  return hasArrived ? 1 + 0.9 * imported() : 0;
}

function bytesComing(folder: string): number {
  const names = entriesIfPresent(folder).map(({ name }) => name);
  const sizes = names
    .filter((name) => INCOMPLETE.test(name))
    .map((name) => lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}
