/** The ids of the host that an ordinary user may use, and how they are mapped into a container. */
import * as z from 'zod/mini';

/** One line of /etc/subuid or /etc/subgid: ids of the host that the user may use (subuid(5)). */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
  /** Whether there are no ranges only because the programs are not installed that let a user use them. */
  readonly lacksTools: boolean;
}

/** https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#user-namespace-mappings */
const Mapping = z.looseObject({ containerID: z.number(), hostID: z.number(), size: z.number() });
export type Mapping = z.infer<typeof Mapping>;

/**
 * The mappings of a configuration, if the user may have them; else those that give him all ids that are his: himself as
 * root, his further ids as 1 and up, one range after the other.
 */
export function mappingsFor(
  given: readonly unknown[] | null | undefined,
  own: number,
  ranges: readonly IdRange[],
): { mappings: Mapping[]; isReplaced: boolean } {
  const parsed = z.array(Mapping).safeParse(given ?? []);
  const allowed = [{ start: own, count: 1 }, ...ranges];
  if (parsed.success && parsed.data.length > 0 && parsed.data.every((one) => isAllowed(one, allowed)))
    return { mappings: parsed.data, isReplaced: false };
  return { mappings: allMappings(own, ranges), isReplaced: given != null && given.length > 0 };
}

function isAllowed({ hostID, size }: Mapping, allowed: readonly IdRange[]): boolean {
  return allowed.some(({ start, count }) => hostID >= start && hostID + size <= start + count);
}

function allMappings(own: number, ranges: readonly IdRange[]): Mapping[] {
  let containerID = 1;
  const others = ranges.map(({ start, count }) => {
    const mapping = { containerID, hostID: start, size: count };
    containerID += count;
    return mapping;
  });
  return [{ containerID: 0, hostID: own, size: 1 }, ...others];
}

/** The ranges of one user in the text of /etc/subuid or /etc/subgid, by name or uid. */
export function parseIdRanges(
  text: string,
  { name, uid }: { name: string; uid: number },
): readonly IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [owner, start = '', count = ''] = line.trim().split(':');
    const isOwn = owner === name || owner === String(uid);
    const isRange = /^\d+$/.test(start) && /^\d+$/.test(count) && Number(count) > 0;
    return isOwn && isRange ? [{ start: Number(start), count: Number(count) }] : [];
  });
}
