import { join } from 'node:path';
import { inject } from 'vitest';
import { LAYOUTS } from './build-images.ts';
import { pushLayout } from './registry.ts';

/** Makes a fixture the image that the registry of the tests has under `name`, whatever it had before. */
export async function publish(fixture: string, name: string): Promise<void> {
  await pushLayout({ address: inject('registry') }, join(LAYOUTS, fixture), name);
}
