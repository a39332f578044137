/** Tests that tell one story: each begins with what the one before left. */
import { afterEach, beforeEach } from 'vitest';

/** Skips the tests of this file that follow one that failed: they could only fail for the same reason. */
export function useStory(): void {
  let hasFailed = false;
  beforeEach(({ skip }) => skip(hasFailed, 'an earlier test of the story failed'));
  afterEach(({ task }) => {
    hasFailed ||= task.result?.state === 'fail';
  });
}
