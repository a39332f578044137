/** Recognises whiteouts: names by which a layer removes files of the layers below it. */

/** https://github.com/opencontainers/image-spec/blob/main/layer.md, "Whiteouts": before the name that is gone. */
export const WHITEOUT = '.wh.';

/** Everything that the layers below have in this directory is gone. */
export const OPAQUE = '.wh..wh..opq';

export function isWhiteout(name: string): boolean {
  return name.startsWith(WHITEOUT);
}
