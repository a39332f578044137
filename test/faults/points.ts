/** Which faults are tried: all of them, or, as a part of `make test`, one of each sort; and commands that meet one. */
import type { FaultPoint } from '../../src/faults.ts';
import type { Outcome } from '../support/box.ts';
import type { TestBox } from '../support/test-box.ts';

export const isThorough = process.env.FAULTS === 'all';

/** `kill` is SIGKILL, `hang` ends with SIGTERM, the others are failing system calls. */
export type FaultKind = 'kill' | 'hang' | 'ENOSPC' | 'EIO';

export interface Fault {
  readonly point: FaultPoint;
  readonly kind: FaultKind;
}

/** One fault of each kind for each point; without thoroughness, none hangs, and only one system call fails. */
export function faultsAt(...points: readonly FaultPoint[]): readonly Fault[] {
  const kinds: readonly FaultKind[] = isThorough ? ['kill', 'ENOSPC', 'EIO', 'hang'] : ['kill', 'ENOSPC'];
  return points.flatMap((point) => kinds.map((kind) => ({ point, kind })));
}

/** Runs a command with a fault; one that hangs is asked to end after four seconds. */
export async function faulty(
  box: TestBox,
  argv: readonly string[],
  { point, kind }: Fault,
): Promise<Outcome> {
  const env = { ATOMIC_TEST_FAULT: `${point}:${kind}` };
  return await box.run(kind === 'hang' ? ['timeout', '4', ...argv] : argv, { env });
}
