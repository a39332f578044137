/** `make bench`: one JSON line for each figure, then a table. `ONLY=NAME` measures one of them. */
import { join } from 'node:path';
import { type Box, bootBox } from '../support/box.ts';
import { buildImages, LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { completion } from './completion.ts';
import { concurrentInstalls } from './concurrent-installs.ts';
import { concurrentPulls } from './concurrent-pulls.ts';
import { containersList, containersListOfOne } from './containers-list.ts';
import { downtime } from './downtime.ts';
import { imagesList } from './images-list.ts';
import { install } from './install.ts';
import { load } from './load.ts';
import type { Result } from './measure.ts';
import { pull } from './pull.ts';
import { secondPull } from './second-pull.ts';
import { startup } from './startup.ts';
import { figuresOf, tableOf } from './table.ts';
import { update } from './update.ts';

type Bench = () => Promise<readonly Result[]>;

/** A bench in a box with a registry of its own that holds the image `hello-world`. */
function inBox(bench: (box: Box, image: string) => Promise<readonly Result[]>): Bench {
  return async () => {
    await using registry = await startRegistry();
    await pushLayout(registry, join(LAYOUTS, 'hello-world'), 'hello-world');
    await using box = await bootBox({ registry: registry.address });
    return await bench(box, `${registry.address}/hello-world`);
  };
}

const BENCHES: Readonly<Record<string, Bench>> = {
  startup,
  completion,
  load: inBox(load),
  install: inBox(install),
  update: inBox(update),
  downtime: inBox(downtime),
  concurrent_installs: inBox(concurrentInstalls),
  concurrent_pulls: concurrentPulls,
  containers_list: inBox(containersListOfOne),
  containers_list_many: inBox(containersList),
  images_list: inBox(imagesList),
  pull,
  second_pull: secondPull,
};

const only = process.env.ONLY ?? '';
const chosen = Object.entries(BENCHES).filter(([name]) => name.includes(only));
if (chosen.length === 0) throw new Error(`no bench is called ${only}: ${Object.keys(BENCHES).join(', ')}`);
await buildImages(['hello-world']);
const results: Result[] = [];
for (const [, bench] of chosen) {
  for (const result of await bench()) {
    results.push(result);
    for (const figure of figuresOf(result)) console.log(JSON.stringify(figure));
  }
}
console.log(tableOf(results));
