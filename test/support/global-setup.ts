/** Before all tests in boxes: the fixture images, in a registry that all of them share. */
import type { TestProject } from 'vitest/node';
import { buildImages } from './build-images.ts';
import { sweepLeftovers } from './leftovers.ts';
import { pushFixtures, type Registry, startRegistry } from './registry.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `127.0.0.1:PORT` of the registry with the fixtures. */
    registry: string;
  }
}

/** Both projects with boxes call this; each has its own copy of this module, in one process. */
const shared = globalThis as { fixtures?: Promise<Registry> | undefined };

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.fixtures ??= startFixtures();
  const registry = await shared.fixtures;
  project.provide('registry', registry.address);
  return async () => {
    if (shared.fixtures === undefined) return;
    shared.fixtures = undefined;
    await registry[Symbol.asyncDispose]();
  };
}

async function startFixtures(): Promise<Registry> {
  await sweepLeftovers();
  await buildImages();
  const registry = await startRegistry();
  await pushFixtures(registry);
  return registry;
}
