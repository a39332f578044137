/** The order in which names are listed. */

/** Compares by code points, for `sort`: the same in every locale, unlike `localeCompare`. */
export function byCodePoint(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
