/** Garbage for parsers: random, and the same in every run. */

/** Whole numbers from 0 to below the limit. */
export type Random = (limit: number) => number;

/** Mulberry32: 32 bits of state are enough for a few thousand rounds. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Up to `longest` random bytes. */
export function noise(random: Random, longest: number): Buffer {
  return Buffer.from(Array.from({ length: random(longest + 1) }, () => random(256)));
}

/** `bytes` with one to four things wrong: a bit, a byte, a part left out, doubled or replaced, the end cut off. */
export function mutated(bytes: Uint8Array, random: Random): Buffer {
  const faults = 1 + random(4);
  return Array.from({ length: faults }).reduce<Buffer>(
    (result) => withFault(result, random),
    Buffer.from(bytes),
  );
}

function withFault(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + random(16));
  const [head, part, tail] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  const faults = [
    () => Buffer.concat([head, Buffer.from(part.map((byte) => byte ^ (1 << random(8)))), tail]),
    () => Buffer.concat([head, Buffer.from([random(256)]), bytes.subarray(at + 1)]),
    () => Buffer.concat([head, tail]),
    () => Buffer.concat([head, part, part, tail]),
    () => Buffer.concat([head, noise(random, 16), tail]),
    () => head,
  ];
  return (faults[random(faults.length)] as () => Buffer)();
}
