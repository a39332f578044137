/** System calls of an uninstall that fail: what stays is named, and goes with the next one. */
import { useBox } from '../support/test-box.ts';
import { testPresence } from './failing-calls.ts';

testPresence(useBox(), { command: 'uninstall' });
