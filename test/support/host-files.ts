/** What the fixtures `host-files` and `host-files-2` put on a host, and what of it is there. */
import type { TestBox } from './test-box.ts';

/** All that they, and packages of the tests, put on the host; what rpm and atomic leave beside it, too. */
const PLACES =
  '/etc/atomic-test.conf* /opt/atomic-test /usr/local/bin/*tool /usr/local/bin/.*tool* /var/tmp/.atomic-package*';

/** Paths with kind, mode, owner and link text. */
export async function hostFilesIn(box: TestBox): Promise<readonly string[]> {
  const { stdout } = await box.sh(
    `find ${PLACES} -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sed 's/ $//' | sort`,
  );
  return stdout.split('\n').filter(Boolean);
}

/** Of `host-files`, as {@link hostFilesIn} says it. */
export const FIRST = [
  '/etc/atomic-test.conf f 644 0:0',
  '/opt/atomic-test d 755 0:0',
  '/opt/atomic-test/broken l 777 0:0 /nowhere/at/all',
  '/opt/atomic-test/dropped f 644 0:0',
  '/opt/atomic-test/empty d 755 0:0',
  '/opt/atomic-test/moved d 755 0:0',
  '/opt/atomic-test/moved/one f 644 0:0',
  '/opt/atomic-test/owned f 644 12:34',
  '/opt/atomic-test/relative l 777 0:0 owned',
  '/opt/atomic-test/to-folder l 777 0:0 /etc',
  '/usr/local/bin/renamed-tool f 750 0:0',
];

/** In a package, all of it is root's. */
export const FIRST_PACKAGED = FIRST.map((line) => line.replace(' 12:34', ' 0:0'));

/** Of `host-files-2`, in a package. */
export const SECOND_PACKAGED = [
  '/etc/atomic-test.conf f 644 0:0',
  '/opt/atomic-test d 755 0:0',
  '/opt/atomic-test/added f 644 0:0',
  '/usr/local/bin/renamed-tool f 755 0:0',
];
