/** Reads YAML 1.1 as PyYAML did for the Python tool: `yes` is true, `0755` octal, a repeated key is no error. */
import { parse } from 'yaml';
import { AtomicError } from './errors.ts';

/**
 * Parses a document; an empty one is an empty map.
 *
 * @param file its path, for messages
 * @throws AtomicError when it is not YAML
 */
export function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text, { version: '1.1', uniqueKeys: false, logLevel: 'error' }) ?? {};
  } catch (error) {
    const [line] = String((error as Error).message).split('\n');
    throw new AtomicError(`${file}: not valid YAML: ${line}`, { cause: error });
  }
}
