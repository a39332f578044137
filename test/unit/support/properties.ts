/** How often property tests try: 500 inputs each in `make test`, 20,000 in `make faults` (FAULTS=all). */
import fc from 'fast-check';
import { AtomicError } from '../../../src/errors.ts';

/** `SEED=N` repeats a run. */
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const numRuns = process.env.FAULTS === 'all' ? 20_000 : 500;
/** Milliseconds after which a test has hung; no property comes near. */
export const LIMIT = 600_000;

console.log(`property tests: ${numRuns} inputs each, SEED=${seed}`);

/** Tries a property with many inputs, or with one in `cost` of as many, where each takes long. */
export async function holds<Input>(
  inputs: fc.Arbitrary<Input>,
  property: (input: Input) => unknown,
  cost = 1,
): Promise<void> {
  const check = fc.asyncProperty(inputs, async (input) => {
    await property(input);
  });
  await fc.assert(check, { numRuns: numRuns / cost, seed });
}

/** What `parse` returns, or `undefined` when it fails with an error of ours; others surface. */
export async function orOwnError<Result>(parse: () => Result | Promise<Result>): Promise<Result | undefined> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    return undefined;
  }
}

/** Any text, with the characters that parsers stumble over more often than others. */
export const anyText = (special: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom(...special, 'a', 'B', '0', '_', '\n', '\0', '\x1b', 'é', '\u{1f600}'),
      maxLength: 60,
    }),
  );

/** A JSON document in which the keys that a schema knows have values of all kinds. */
export function documentWith(...keys: readonly string[]): fc.Arbitrary<string> {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(`sha256:${'a'.repeat(64)}`, '/etc/../x', '../../x', '', 'x\ny', '__proto__', 1e308, -1),
  );
  const known = fc.dictionary(fc.constantFrom(...keys, '__proto__', 'constructor'), value, {
    maxKeys: keys.length + 2,
  });
  const nested = known.chain((outer) =>
    fc
      .dictionary(fc.constantFrom(...keys), fc.oneof(known, fc.array(known, { maxLength: 3 })), {
        maxKeys: 4,
      })
      .map((inner) => ({ ...outer, ...inner })),
  );
  return fc.oneof(
    known.map((document) => JSON.stringify(document)),
    nested.map((document) => JSON.stringify(document)),
    fc.json(),
    anyText('{}[]",:'),
  );
}

/** Bytes, or correct bytes with a few of them changed, left out or added. */
export function corrupted(correct: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  const edit = fc.record({ at: fc.nat(), removed: fc.nat(40), added: fc.uint8Array({ maxLength: 8 }) });
  const edited = fc.tuple(correct, fc.array(edit, { maxLength: 4 })).map(([bytes, edits]) =>
    edits.reduce((result, { at, removed, added }) => {
      const start = at % (result.length + 1);
      return Buffer.concat([result.subarray(0, start), added, result.subarray(start + removed)]);
    }, Buffer.from(bytes)),
  );
  return fc.oneof(
    edited,
    fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  );
}
