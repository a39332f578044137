/** Mounts in a box: on one folder, and what is there to see. */
import { expect } from 'vitest';
import type { Outcome } from './box.ts';
import { CONTAINERS, type TestBox } from './test-box.ts';

/** Where the tests mount. */
export const DIR = '/var/lib/containers/mnt';

/** What a command says that does its work. */
export const SILENCE: Outcome = { exitCode: 0, stdout: '', stderr: '' };

/** What a command says that is refused. */
export const refusal = (line: string): Outcome => ({ exitCode: 1, stdout: '', stderr: `${line}\n` });

export interface Mounts {
  mount(name: string, folder?: string): Promise<Outcome>;
  unmount(folder?: string): Promise<Outcome>;
  /** The options of the mount on top of a folder, '' when nothing is mounted there. */
  optionsOf(folder?: string): Promise<string>;
  /** The names of hidden folders among the containers. */
  leftovers(): Promise<string>;
  /** No mount, no hidden folder, and a repository in which every object is what it should be. */
  expectNothingLeft(): Promise<void>;
}

/** What the tests of mounts do most, in a box. */
export function mountsIn(box: TestBox): Mounts {
  const findmnt = ['findmnt', '--noheadings', '--output=VFS-OPTIONS', '--mountpoint'];
  const optionsOf = async (folder = DIR) => (await box.run([...findmnt, folder])).stdout.trim();
  const leftovers = async () =>
    (await box.sh(`ls -A ${CONTAINERS} | grep '^[.]' | grep -v '^.storage$'`)).stdout;
  return {
    mount: async (name, folder = DIR) => await box.atomic('mount', name, folder),
    unmount: async (folder = DIR) => await box.atomic('unmount', folder),
    optionsOf,
    leftovers,
    expectNothingLeft: async () => {
      expect({ leftovers: await leftovers(), options: await optionsOf() }).toEqual({
        leftovers: '',
        options: '',
      });
      const fsck = await box.sh(`ostree --repo=${CONTAINERS}/.storage/ostree fsck --quiet`);
      expect(fsck).toMatchObject({ exitCode: 0, stderr: '' });
    },
  };
}
