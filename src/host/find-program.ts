/** Finds programs as the shell does, and where Debian hides some from ordinary users. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../config.ts';

/** The path of a program; Debian keeps some, such as runc, in /usr/sbin, which is not in everybody's PATH. */
export function findProgram({ PATH = '' }: Environment, program: string): string | undefined {
  const directories = [...PATH.split(':').filter((directory) => directory.startsWith('/')), '/usr/sbin'];
  return directories.map((directory) => join(directory, program)).find(isProgram);
}

/** Whether there is a file of that name that can be executed. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
