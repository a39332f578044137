import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../../src/images/names/reference.ts';
import { decodeRef, encodeRef, isBlobName, refOf } from '../../../../src/images/names/refs.ts';

const HEX = 'ab'.repeat(32);

describe('refOf', () => {
  it.each([
    { name: 'busybox', ref: 'ociimage/busybox_3Alatest' },
    { name: 'docker.io/busybox', ref: 'ociimage/docker.io_2Fbusybox_3Alatest' },
    { name: 'docker.io/library/busybox:1', ref: 'ociimage/docker.io_2Flibrary_2Fbusybox_3A1' },
    { name: 'localhost:5000/a/b:2', ref: 'ociimage/localhost_3A5000_2Fa_2Fb_3A2' },
    { name: 'my_app:1_0', ref: 'ociimage/my_5Fapp_3A1_5F0' },
    { name: 'busybox@sha256:ab12', ref: 'ociimage/busybox_40sha256_3Aab12' },
  ])('spells $name as $ref', ({ name, ref }) => {
    expect(refOf(parseReference(name))).toBe(ref);
  });
});

describe('decodeRef', () => {
  it.each([
    { encoded: 'docker.io_2Fbusybox_3Alatest', text: 'docker.io/busybox:latest' },
    { encoded: 'my_5Fapp_3A1', text: 'my_app:1' },
    { encoded: 'a_zz', text: 'a_zz' },
    { encoded: 'a_2F_zz', text: 'a_2F_zz' },
    { encoded: 'x_3', text: 'x\u0003' },
    { encoded: 'x_', text: 'x_' },
  ])('reads $encoded', ({ encoded, text }) => {
    expect(decodeRef(encoded)).toBe(text);
  });

  it('is the inverse of encodeRef for all printable ASCII', () => {
    const characters = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));

    for (const one of characters)
      for (const other of characters) {
        const text = `${one}${other}a`;
        expect(decodeRef(encodeRef(text))).toBe(text);
      }
  });
});

describe('isBlobName', () => {
  it.each([
    { name: HEX, want: true },
    { name: HEX.toUpperCase(), want: false },
    { name: HEX.slice(1), want: false },
    { name: 'cafe_3Abad', want: false },
  ])('says $want for $name', ({ name, want }) => {
    expect(isBlobName(name)).toBe(want);
  });
});
