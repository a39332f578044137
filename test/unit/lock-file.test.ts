/** The lock file must suit `npm ci` on every platform, not only on the one it was written on. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
) as { readonly packages: Readonly<Record<string, LockedPackage>> };

it('locks the optional packages of all platforms', () => {
  const wanted = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => ({ name, nested: `${path}/node_modules/${name}` })),
  );
  const missing = wanted.filter(
    ({ name, nested }) => !(nested in packages) && !(`node_modules/${name}` in packages),
  );

  expect(wanted.length).toBeGreaterThan(0);
  expect(missing.map(({ name }) => name)).toEqual([]);
});

it('locks every package with its checksum', () => {
  const unchecked = Object.entries(packages).filter(([path, { integrity }]) => path && !integrity);

  expect(unchecked.map(([path]) => path)).toEqual([]);
});
