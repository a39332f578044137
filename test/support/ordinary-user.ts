/** An ordinary user of a box, whose own systemd is up from boot on. */
import type { Outcome } from './box.ts';
import { eventually, type TestBox } from './test-box.ts';

/** Types a line as the user; su(1) begins no session, and says nothing of where his systemd is. */
export type AsUser = (line: string) => Promise<Outcome>;

/** How to type lines as the user `name`. */
export function asUserOf(box: Pick<TestBox, 'run'>, name: string): AsUser {
  return async (line) => await box.run(['su', '-', name, '-c', `PATH=/usr/local/bin:$PATH; ${line}`]);
}

/** Makes a user. */
export async function addUser(box: Pick<TestBox, 'run' | 'sh'>, name: string): Promise<AsUser> {
  await box.sh(`useradd --create-home ${name}; loginctl enable-linger ${name}`);
  await eventually(box, `test -S /run/user/$(id -u ${name})/systemd/private`);
  return asUserOf(box, name);
}
