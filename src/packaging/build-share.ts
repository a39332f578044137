/** Writes dist/share, what is installed below share: manual pages and completions. Run by `make build`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import metadata from '../../package.json' with { type: 'json' };
import { commandTree } from './command-tree.ts';
import { bashCompletion } from './completions/bash.ts';
import { fishCompletion } from './completions/fish.ts';
import { completedCommands } from './completions/model.ts';
import { zshCompletion } from './completions/zsh.ts';
import { manPage } from './man-page.ts';
import { manPages } from './man-pages.ts';

const PROJECT = new URL('../..', import.meta.url).pathname;
const SHARE = join(PROJECT, 'dist/share');

function write(path: string, text: string): void {
  const file = join(SHARE, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const read = (document: string) => readFileSync(join(PROJECT, 'docs', document), 'utf8');

/** Packagers set SOURCE_DATE_EPOCH so that the same sources make the same packages. */
function today(): string {
  const { SOURCE_DATE_EPOCH } = process.env;
  const time = SOURCE_DATE_EPOCH ? Number(SOURCE_DATE_EPOCH) * 1000 : Date.now();
  return new Date(time).toISOString().slice(0, 10);
}

const facts = { source: `atomic ${metadata.version}`, date: today() };
const program = commandTree();
for (const [name, page] of manPages(program, read('atomic.1.md'), facts)) write(`man/man1/${name}`, page);
write('man/man5/atomic.conf.5', manPage(read('atomic.conf.5.md'), facts));

const commands = completedCommands(program);
write('bash-completion/completions/atomic', bashCompletion(commands));
write('zsh/site-functions/_atomic', zshCompletion(commands));
write('fish/vendor_completions.d/atomic.fish', fishCompletion(commands));
