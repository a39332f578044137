/** The licences of the libraries that are in the bundle, which have to go where it goes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const HEAD = 'The program contains these libraries, each under the licence below its name.\n';

/**
 * The text of all licences.
 *
 * @param inputs the files that have been bundled
 * @throws Error for a library that comes without its licence
 */
export function licencesOf(inputs: readonly string[]): string {
  const directories = new Set(inputs.flatMap((input) => LIBRARY.exec(input)?.[0] ?? []));
  return [HEAD, ...[...directories].sort().map(licenceIn)].join(`\n${'-'.repeat(80)}\n\n`);
}

const LIBRARY = /^.*node_modules\/(@[^/]+\/)?[^/]+(?=\/)/;

function licenceIn(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const file = readdirSync(directory).find((entry) => /^(licen[cs]e|copying)(\.|-|$)/i.test(entry));
  if (file === undefined) throw new Error(`${directory} has no file with its licence`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(directory, file), 'utf8').trim()}\n`;
}
