/** Waits until several tasks have ended, even if one fails. */

/**
 * Waits until all tasks have ended, unlike `Promise.all`, which leaves the others running while the caller goes on
 * when one fails.
 *
 * @param onFailure called at the first failure, for instance to tell the other tasks to stop
 * @throws the first failure
 */
export async function waitForAll<Results extends readonly unknown[]>(
  tasks: { readonly [Index in keyof Results]: Promise<Results[Index]> },
  onFailure: () => void = () => undefined,
): Promise<Results> {
  let first: { readonly reason: unknown } | undefined;
  const watched = tasks.map(async (task) => {
    try {
      return await task;
    } catch (reason) {
      if (first === undefined) onFailure();
      first ??= { reason };
      return undefined;
    }
  });
  const results = await Promise.all(watched);
  if (first !== undefined) throw first.reason;
  return results as unknown as Results;
}
