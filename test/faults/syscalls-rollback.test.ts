/** System calls of a rollback that fail: the container is the old or the new one, whole, and the error names the file. */
import { useBox } from '../support/test-box.ts';
import { testSwitches } from './failing-calls.ts';

testSwitches(useBox(), { command: 'rollback' });
