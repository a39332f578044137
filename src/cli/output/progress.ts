/** Prints what a command reports while it works. */
import type { Report } from '../../events.ts';
import type { Output } from './output.ts';

/** Turns what the domain reports into the lines that scripts know, and on a terminal into a bar below them. */
export function progressTo(output: Output): Report {
  let hasBar = false;
  const draw = (bar: string) => {
    if (hasBar || bar !== '') output.write(`\r\u001b[K${bar}`);
    hasBar = bar !== '';
  };
  return (event) => {
    if (event.kind === 'progress') {
      if (output.stdoutIsTty)
        draw(event.share === undefined ? '' : barOf(event.share, event.text, output.columns()));
      return;
    }
    draw('');
    switch (event.kind) {
      case 'extracting':
        return output.line(`Extracting to ${event.path}`);
      case 'created-file':
        return output.line(`Created file ${event.path}`);
      case 'command':
        return output.line(event.argv.join(' '));
      case 'note':
        return output.line(event.text);
      case 'warning':
      case 'waiting':
        return output.warn(event.text);
    }
  };
}

/** A bar would be of no use that is shorter. */
const SHORTEST_BAR = 5;

/** One line that leaves the last column free, so that no terminal goes on to the next line. */
function barOf(share: number, text: string, columns: number): string {
  const said = `${String(Math.floor(share * 100)).padStart(3)} %  ${text}`;
  const room = columns - 1 - said.length - '[] '.length;
  if (room < SHORTEST_BAR) return said.slice(0, columns - 1);
  const done = Math.floor(share * room);
  return `[${'='.repeat(done)}${' '.repeat(room - done)}] ${said}`;
}
