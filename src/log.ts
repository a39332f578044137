/** The debug log: what was done to the host, as JSON lines on standard error. */

/** The part of a pino logger that we use, so that pino itself is loaded only when somebody asked for the log. */
export interface Log {
  debug(fields: object, message: string): void;
}

const silent: Log = { debug: () => undefined };

/**
 * A log for this run. Secrets under the keys `credentials` and `password` are left out.
 *
 * @param write gets each line; without it, the log is silent
 */
export async function openLog(write: ((line: string) => void) | undefined): Promise<Log> {
  if (write === undefined) return silent;
  const { default: pino } = await import('pino');
  const logger = pino(
    { base: null, level: 'debug', redact: ['credentials', 'password', '*.credentials', '*.password'] },
    { write: (line: string) => write(line.trimEnd()) },
  );
  return { debug: (fields, message) => logger.debug(fields, message) };
}
