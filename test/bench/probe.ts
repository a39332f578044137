/** Looks into a process of ours that runs a command: what it loads, and its memory. */
import { join } from 'node:path';
import { PROJECT } from '../support/box.ts';

const LOADER = join(PROJECT, 'dist/atomic.cjs');

/** A line of shell that runs a command, the last line of whose output is the most memory that it had, in MB. */
export function memoryOf(argv: readonly string[]): string {
  return atTheEnd(argv, 'Math.round(process.resourceUsage().maxRSS / 1000)');
}

/** A line of shell that runs a command, the last line of whose output is a list of the chunks that it loaded. */
export function chunksOf(argv: readonly string[]): string {
  return atTheEnd(argv, 'JSON.stringify([...scripts.keys()])');
}

/** A line of shell that loads chunks, and does nothing with them but say the version. */
export function loadingOf(chunks: readonly string[]): string {
  return nodeOf(`process.argv.push("--version"); const { load } = require("${LOADER}");
    for (const chunk of ${JSON.stringify(chunks)}) load(chunk);`);
}

function atTheEnd(argv: readonly string[], expression: string): string {
  return nodeOf(`process.argv.push(...${JSON.stringify(argv)}); const { scripts } = require("${LOADER}");
    process.on("exit", () => console.log("\\n" + ${expression}));`);
}

/** The second word of the command line is the name of a script, which there is none of here. */
function nodeOf(script: string): string {
  return `node -e '${script}' atomic`;
}
