import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { standardStreams } from '../../../src/cli/output/standard-streams.ts';

const TERMINALS = { stdoutIsTty: false };

/** A stream that keeps what it gets, or fails with this code. */
function stream(code?: string): { writable: Writable; said: () => string } {
  let said = '';
  const writable = new Writable({
    write(chunk, _encoding, done) {
      said += chunk;
      done(code === undefined ? null : Object.assign(new Error(code), { code }));
    },
  });
  return { writable, said: () => said };
}

function open(stdoutFails?: string, stderrFails?: string) {
  const [stdout, stderr] = [stream(stdoutFails), stream(stderrFails)];
  const streams = standardStreams({ stdout: stdout.writable, stderr: stderr.writable }, TERMINALS);
  return { ...streams, said: () => ({ stdout: stdout.said(), stderr: stderr.said() }) };
}

/** Errors of streams come later. */
const later = async () => await new Promise((resolve) => setImmediate(resolve));

describe('standardStreams', () => {
  it.each([
    { columns: undefined, want: 80 },
    { columns: 0, want: 80 },
    { columns: 132, want: 132 },
  ])('takes a terminal of $columns columns for one of $want', ({ columns, want }) => {
    const stdout = Object.assign(stream().writable, columns === undefined ? {} : { columns });
    const { output } = standardStreams({ stdout, stderr: stream().writable }, TERMINALS);

    expect(output.columns()).toBe(want);
  });

  it('writes lines, texts and warnings', async () => {
    const { output, failure, said } = open();

    output.line('a');
    output.write(Buffer.from('b'));
    output.warn('c');
    await later();

    expect(said()).toEqual({ stdout: 'a\nb', stderr: 'c\n' });
    expect(failure()).toBeUndefined();
  });

  it('leaves the terminal as it is, whatever the words of others hold', async () => {
    const { output, said } = open();

    output.line('a\nb\u001b[2J');
    output.warn('\u009bc');
    await later();

    expect(said()).toEqual({ stdout: 'a b [2J\n', stderr: ' c\n' });
  });

  it('remembers the first failure, and goes on with the other stream', async () => {
    const { output, failure, said } = open('ENOSPC');

    output.line('a');
    await later();
    output.line('b');
    output.warn('c');
    await later();

    expect(said()).toEqual({ stdout: 'a\n', stderr: 'c\n' });
    expect(failure()).toMatchObject({ code: 'ENOSPC' });
  });

  it.each(['EPIPE', 'ECONNRESET'])('takes %s for a reader that has gone away', async (code) => {
    const { output, failure } = open(code, code);

    output.line('a');
    output.warn('b');
    await later();

    expect(failure()).toBeUndefined();
  });

  it('knows of the failure of one that matters after a reader has gone away', async () => {
    const { output, failure } = open('EPIPE', 'EIO');

    output.line('a');
    output.warn('b');
    await later();

    expect(failure()).toMatchObject({ code: 'EIO' });
  });

  it('survives a stream that throws', () => {
    const stdout = Object.assign(new Writable(), {
      write: () => {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      },
    });
    const { output, failure } = standardStreams({ stdout, stderr: stream().writable }, TERMINALS);

    output.line('a');

    expect(failure()).toMatchObject({ code: 'ENOSPC' });
  });
});
