/** Spells image names, and the digests of layers and configurations, as OSTree refs. */
import { fullName, type Reference } from './reference.ts';

/** Where the refs of images, layers and configurations live: `refs/heads/ociimage/…`. */
export const REF_FOLDER = 'ociimage';

/** The branch of an image. */
export function refOf(reference: Reference): string {
  return `${REF_FOLDER}/${encodeRef(fullName(reference))}`;
}

/** The branch of a layer or a configuration. */
export function blobRef(hex: string): string {
  return `${REF_FOLDER}/${hex}`;
}

/** Letters, digits, `.` and `-` stay; anything else becomes `_` and two upper-case hex digits for each byte. */
export function encodeRef(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}.-]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `_${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

/** The inverse of {@link encodeRef}; a text with a `_` that begins no code is returned as it is. */
export function decodeRef(encoded: string): string {
  if (/_(?![0-9A-Fa-f]{2}|[0-9A-Fa-f]$)/.test(encoded)) return encoded;
  return encoded.replaceAll(/_([0-9A-Fa-f]{1,2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Whether the part after `ociimage/` belongs to a layer or a configuration: exactly 64 lower-case hex digits. */
export function isBlobName(encoded: string): boolean {
  return /^[0-9a-f]{64}$/.test(encoded);
}
