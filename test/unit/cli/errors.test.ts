import { describe, expect, it } from 'vitest';
import { explain, stackOf } from '../../../src/cli/errors.ts';
import {
  AtomicError,
  Declined,
  Interrupted,
  ToolError,
  ToolMissingError,
  UsageError,
} from '../../../src/errors.ts';

const root = { verb: 'install', isRoot: true };
const failure = { exitCode: 7, signal: undefined, stderr: 'first\nsecond\n' };
const denied = Object.assign(new Error("EACCES: permission denied, mkdir '/x'"), { code: 'EACCES' });

describe('explain', () => {
  it.each([
    { name: 'a message', error: new AtomicError('no'), want: { exitCode: 1, lines: ['no'] } },
    {
      name: 'its hint',
      error: new AtomicError('no', { hint: 'do' }),
      want: { exitCode: 1, lines: ['no; do'] },
    },
    {
      name: 'a hint after a sentence',
      error: new AtomicError('The file /x already exists.', { hint: 'remove it' }),
      want: { exitCode: 1, lines: ['The file /x already exists. Remove it'] },
    },
    {
      name: 'a message of two lines',
      error: new AtomicError('a\n  b'),
      want: { exitCode: 1, lines: ['a b'] },
    },
    {
      name: 'a usage error',
      error: new UsageError('atomic x', 'bad'),
      want: { exitCode: 2, lines: ['atomic x: bad', "Try 'atomic x --help' for more information."] },
    },
    { name: 'a no', error: new Declined('User aborted'), want: { exitCode: 2, lines: ['User aborted'] } },
    { name: 'Ctrl-C', error: new Interrupted('SIGINT'), want: { exitCode: 130, lines: [] } },
    {
      name: 'a wait that Ctrl-C ended',
      error: Object.assign(new Error('The operation was aborted', { cause: new Interrupted('SIGINT') }), {
        name: 'AbortError',
      }),
      want: { exitCode: 130, lines: [] },
    },
    { name: 'SIGTERM', error: new Interrupted('SIGTERM'), want: { exitCode: 143, lines: [] } },
    {
      name: 'a program that failed',
      error: new ToolError(['ostree', 'x'], failure, 7),
      want: { exitCode: 7, lines: ['ostree failed with exit status 7: first; second'] },
    },
    {
      name: 'a program that is missing',
      error: new ToolMissingError('ostree'),
      want: {
        exitCode: 1,
        lines: ["cannot run 'ostree': it is not installed; install the package that provides ostree"],
      },
    },
    { name: 'a bug', error: new TypeError('x is not y'), want: { exitCode: 1, lines: ['x is not y'] } },
    { name: 'what is no error at all', error: 'text', want: { exitCode: 1, lines: ['text'] } },
  ])('gives the line and the status for $name', ({ error, want }) => {
    expect(explain(error, root)).toEqual(want);
  });

  it('points a user to root when permissions are the matter, also of a cause', () => {
    const line = "Some operations for 'install' require root access.";
    const user = { ...root, isRoot: false };

    expect(explain(denied, user).lines[1]).toBe(line);
    expect(explain(new AtomicError('no', { cause: denied }), user).lines).toEqual(['no', line]);
    expect(explain(new AtomicError('no'), user).lines).toEqual(['no']);
    expect(explain(new AtomicError('no', { cause: denied, hint: 'do' }), user).lines).toEqual(['no; do']);
    expect(explain(denied, root).lines).toHaveLength(1);
  });
});

describe('an interrupt', () => {
  it('is no failure that could be coped with', () => {
    expect(new Interrupted('SIGINT')).not.toBeInstanceOf(AtomicError);
  });
});

describe('stackOf', () => {
  it('tells the whole chain', () => {
    expect(stackOf(new AtomicError('outer', { cause: denied })).join('\n')).toMatch(
      /outer.*\ncaused by: .*EACCES/s,
    );
  });
});
