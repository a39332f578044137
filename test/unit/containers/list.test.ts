import { describe, expect, it } from 'vitest';
import { containerRow } from '../../../src/containers/list.ts';

const HEX = 'ab'.repeat(32);
const CONTAINER = {
  Id: 'cd'.repeat(32),
  Names: ['/web'],
  Image: 'nginx',
  ImageID: `sha256:${HEX}`,
  Command: 'nginx -g',
  Created: 1_700_000_000,
  State: 'running',
};

describe('containerRow', () => {
  it('takes what the engine says', () => {
    expect(containerRow(CONTAINER, new Set([HEX]))).toEqual({
      id: CONTAINER.Id,
      imageId: HEX,
      imageName: 'nginx',
      name: 'web',
      command: 'nginx -g',
      created: new Date('2023-11-14T22:13:20Z'),
      state: 'running',
      backend: 'docker',
      runtime: 'docker',
      isVulnerable: true,
      isRunning: true,
    });
  });

  it.each([
    { state: 'running', isRunning: true },
    { state: 'paused', isRunning: true },
    { state: 'restarting', isRunning: true },
    { state: 'created', isRunning: false },
    { state: 'exited', isRunning: false },
    { state: 'dead', isRunning: false },
  ])('counts $state as running: $isRunning', ({ state, isRunning }) => {
    expect(containerRow({ ...CONTAINER, State: state }, new Set())).toMatchObject({ state, isRunning });
  });

  it.each([
    { names: ['/client/alias', '/web'], name: 'web' },
    { names: [], name: '' },
    { names: null, name: '' },
  ])('is called $name, of $names', ({ names, name }) => {
    expect(containerRow({ ...CONTAINER, Names: names }, new Set())).toMatchObject({ name });
  });
});
