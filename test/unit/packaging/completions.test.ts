import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandTree, shownCommands } from '../../../src/packaging/command-tree.ts';
import { bashCompletion } from '../../../src/packaging/completions/bash.ts';
import { fishCompletion } from '../../../src/packaging/completions/fish.ts';
import { completedCommands } from '../../../src/packaging/completions/model.ts';
import { zshCompletion } from '../../../src/packaging/completions/zsh.ts';

const commands = completedCommands(commandTree());

describe('completedCommands', () => {
  it('has every command that the help shows, and no other', () => {
    const leaves = commands.filter(({ children }) => children.length === 0);

    expect(leaves).toHaveLength(shownCommands(commandTree()).length);
    expect(commands.map(({ path }) => path)).not.toContain('__complete');
    expect(commands.map(({ path }) => path)).not.toContain('containers recover');
  });

  it('says what a value is', () => {
    const update = commands.find(({ path }) => path === 'containers update');

    expect(update?.operands).toEqual([{ name: 'container', values: 'containers', isVariadic: false }]);
    expect(update?.options.find(({ names }) => names.includes('--rebase'))?.value).toBe('images');
    expect(update?.options.find(({ names }) => names.includes('--display'))?.value).toBeUndefined();
  });

  it.each([
    { what: 'option', command: new Command('x').option('--new <WHAT>') },
    { what: 'operand', command: new Command('x').argument('<new>') },
  ])('refuses an $what of which it is not known what it is', ({ command }) => {
    expect(() => completedCommands(command)).toThrow('what are the values of');
  });
});

describe.each([
  { shell: 'bash', script: bashCompletion(commands) },
  { shell: 'zsh', script: zshCompletion(commands) },
  { shell: 'fish', script: fishCompletion(commands) },
])('the completion for $shell', ({ script }) => {
  it('knows every option', () => {
    const options = commands.flatMap((command) => command.options.flatMap(({ names }) => names));

    for (const name of options) expect(script).toContain(name.replace(/^-+/, ''));
  });
});
