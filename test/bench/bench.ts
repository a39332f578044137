/** `make bench`: one JSON line for each figure. */
import { join } from 'node:path';
import { bootBox } from '../support/box.ts';
import { buildImages, LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { containersList } from './containers-list.ts';
import { imagesList } from './images-list.ts';
import { install } from './install.ts';
import type { Figure } from './measure.ts';
import { pull } from './pull.ts';
import { secondPull } from './second-pull.ts';
import { startup } from './startup.ts';
import { update } from './update.ts';

function print(figures: readonly Figure[]): void {
  for (const figure of figures) console.log(JSON.stringify(figure));
}

await buildImages(['hello-world']);
print(await startup());
{
  await using registry = await startRegistry();
  await pushLayout(registry, join(LAYOUTS, 'hello-world'), 'hello-world');
  await using box = await bootBox({ registry: registry.address });
  print(await install(box, `${registry.address}/hello-world`));
  print(await update(box, `${registry.address}/hello-world`));
  print(await containersList(box, `${registry.address}/hello-world`));
}
{
  await using registry = await startRegistry();
  await pushLayout(registry, join(LAYOUTS, 'hello-world'), 'hello-world');
  await using box = await bootBox({ registry: registry.address });
  print(await imagesList(box, `${registry.address}/hello-world`));
}
print(await pull());
print(await secondPull());
