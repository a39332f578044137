import { describe, expect, it } from 'vitest';
import { defaultContainerName, parseContainerName } from '../../../../src/containers/deployments/name.ts';
import { AtomicError } from '../../../../src/errors.ts';
import { parseReference } from '../../../../src/images/names/reference.ts';

describe('parseContainerName', () => {
  it.each(['etcd', 'a', '0', 'Etcd-3.1', 'foo.0', 'a_b', 'a@b', '9lives', 'x'.repeat(200)])(
    'accepts %s',
    (text) => {
      expect(parseContainerName(text)).toBe(text);
    },
  );

  it.each([
    { name: 'a way out', text: '../esc' },
    { name: 'a folder', text: 'a/b' },
    { name: 'this folder', text: '.' },
    { name: 'the folder above', text: '..' },
    { name: 'a hidden file', text: '.hid' },
    { name: 'an option', text: '-x' },
    { name: 'an underscore at the beginning', text: '_x' },
    { name: 'an at sign at the beginning', text: '@x' },
    { name: 'a blank', text: 'sp ace' },
    { name: 'a quote', text: "q'q" },
    { name: "one of systemd's specifiers", text: '%i' },
    { name: 'a shell command', text: 'a;b' },
    { name: 'a variable', text: 'a$b' },
    { name: 'a line break at the end', text: 'a\n' },
    { name: 'a line break inside', text: 'a\nb' },
    { name: 'a zero byte', text: 'a\0' },
    { name: 'a colon', text: 'a:b' },
    { name: 'a letter that is not ASCII', text: '\u00e9tcd' },
    { name: 'a digit that is not ASCII', text: 'a\u0663' },
  ])('refuses $name', ({ text }) => {
    expect(() => parseContainerName(text)).toThrow(AtomicError);
    expect(() => parseContainerName(text)).toThrow(
      expect.objectContaining({
        message: `Invalid container name ${JSON.stringify(text)}`,
        hint: "use letters, digits and '_.@-', beginning with a letter or a digit",
      }),
    );
  });

  it('asks for a name when there is none', () => {
    expect(() => parseContainerName('')).toThrow(
      expect.objectContaining({ message: 'Invalid container name', hint: 'give one with --name NAME' }),
    );
  });

  it.each([
    { name: 'a name', text: 'x'.repeat(201), shown: 'x'.repeat(32) },
    {
      name: 'anything else',
      text: '\u001b[31m\n'.repeat(100),
      shown: `${'\\u001b[31m\\n'.repeat(5)}\\u001b[`,
    },
  ])('shows the beginning of $name of more than 200 characters, in one line', ({ text, shown }) => {
    expect(() => parseContainerName(text)).toThrow(
      expect.objectContaining({
        message: `Invalid container name "${shown}\u2026": it is longer than 200 characters`,
      }),
    );
  });
});

describe('defaultContainerName', () => {
  it.each([
    { image: 'gscrivano/etcd', name: 'etcd' },
    { image: 'docker.io/etcd:latest', name: 'etcd' },
    { image: 'etcd:3.1', name: 'etcd-3.1' },
    { image: 'docker:etcd:latest', name: 'etcd' },
    { image: 'http:localhost:5000/a:1', name: 'a-1' },
    { image: `busybox@sha256:${'ab'.repeat(32)}`, name: 'busybox' },
    { image: 'quay.io/me/docker:1.0', name: 'docker-1.0' },
    { image: 'me/foci:1', name: 'foci-1' },
  ])('calls $image $name', ({ image, name }) => {
    expect(defaultContainerName(parseReference(image))).toBe(name);
  });
});
