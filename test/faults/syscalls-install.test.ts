/** System calls of an install that fail: nothing stays of it, and the error names the file. */
import { useBox } from '../support/test-box.ts';
import { testPresence } from './failing-calls.ts';

testPresence(useBox(), { command: 'install' });
