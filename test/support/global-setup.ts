/** Before all tests in boxes: the fixture images, in a registry that all of them share. */
import type { TestProject } from 'vitest/node';
import { sweepBoxes } from './box.ts';
import { buildImages } from './build-images.ts';
import { sweepDisks } from './disk.ts';
import { pushFixtures, startRegistry } from './registry.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `127.0.0.1:PORT` of the registry with the fixtures. */
    registry: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweepBoxes();
  await sweepDisks();
  await buildImages();
  const registry = await startRegistry();
  await pushFixtures(registry);
  project.provide('registry', registry.address);
  return async () => await registry[Symbol.asyncDispose]();
}
