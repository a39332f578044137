import { describe, expect, it } from 'vitest';
import { AtomicError } from '../../../src/errors.ts';
import { addressOf } from '../../../src/host/docker.ts';

describe('addressOf', () => {
  it.each([
    { text: 'tcp://10.0.0.1:2376', options: { host: '10.0.0.1', port: 2376 } },
    { text: 'tcp://engine', options: { host: 'engine', port: 2375 } },
    { text: 'http://engine:80', options: { host: 'engine', port: 80 } },
    { text: 'tcp://[::1]:4000', options: { host: '::1', port: 4000 } },
    { text: 'unix:///proc/self/status', options: { socketPath: '/proc/self/status' } },
  ])('reads $text', ({ text, options }) => {
    expect(addressOf(text)).toEqual({ shownAs: text, options });
  });

  it('has nothing to say of a socket that is not there', () => {
    expect(addressOf('unix:///nowhere/docker.sock')).toBeUndefined();
  });

  it.each(['ssh://me@host', 'fd://', 'unix://', 'nonsense', '/run/docker.sock', 'tcp://a:b:c'])(
    'refuses %s',
    (text) => {
      expect(() => addressOf(text)).toThrow(AtomicError);
      expect(() => addressOf(text)).toThrow(`cannot ask the Docker engine at ${text}`);
    },
  );
});
