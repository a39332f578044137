/** The interface between a pull and the sources of images. */
import { AtomicError } from '../../errors.ts';
import type { RawManifest } from '../../host/skopeo.ts';
import type { Layer } from '../layers/import.ts';
import type { PullProgress } from '../layers/progress.ts';
import type { Intake } from '../store/intake.ts';
import type { Manifest } from '../store/manifest.ts';

/** An image whose manifest has been read, and whose other parts can be had. */
export interface PullableImage {
  readonly raw: RawManifest;
  readonly manifest: Manifest;
  /** Its configuration, not verified yet. */
  config(): Promise<RawManifest>;
  /** Imports those of its layers that the repository lacks. */
  importLayers(layers: readonly Layer[], means: { intake: Intake; progress: PullProgress }): Promise<void>;
}

/**
 * Refuses a manifest that is no image's, or of Docker's first schema.
 *
 * @throws AtomicError
 */
export function requireLayers({ layers, config }: Manifest, shownAs: string): void {
  if (layers !== undefined && config !== undefined) return;
  throw new AtomicError(`cannot pull ${shownAs}: its manifest is neither Docker schema 2 nor OCI`);
}

/** Something is not what its digest says. */
export function mismatch(what: string, found: string, expected: string): AtomicError {
  return new AtomicError(`${what} has the digest ${found}, not ${expected}`);
}
