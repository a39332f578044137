/** Prints what a command reports while it works. */
import type { Report } from '../../events.ts';
import type { Output } from './output.ts';

/** Turns what the domain reports into the lines that scripts know. */
export function progressTo(output: Output): Report {
  return (event) => {
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
        return output.warn(event.text);
      case 'waiting':
        if (output.stderrIsTty) output.warn(event.text);
    }
  };
}
