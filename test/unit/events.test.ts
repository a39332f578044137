import { expect, it } from 'vitest';
import { holdable, note, type ProgressEvent } from '../../src/events.ts';

it('reports what was held back in its order, and then at once', () => {
  const seen: ProgressEvent[] = [];
  const held = holdable((event) => seen.push(event));
  const texts = () => seen.map((event) => 'text' in event && event.text);

  note(held, 'a');
  held.hold();
  for (const text of ['b', 'c']) note(held, text);
  expect(texts()).toEqual(['a']);

  held.release();
  note(held, 'd');
  expect(texts()).toEqual(['a', 'b', 'c', 'd']);
});
