/** The debug log: what we did to the host, as JSON lines on stderr. It is never how a person learns something. */

/** The part of a pino logger that we use, so that pino itself is loaded only when somebody asked for the log. */
export interface Log {
  debug(fields: object, message: string): void;
}

const silent: Log = { debug: () => undefined };

/** A log for this run: silent unless `isDebug`. Secrets under the keys `credentials` and `password` are left out. */
export async function openLog(isDebug: boolean): Promise<Log> {
  if (!isDebug) return silent;
  const { default: pino } = await import('pino');
  const logger = pino(
    { base: null, level: 'debug', redact: ['credentials', 'password', '*.credentials', '*.password'] },
    pino.destination({ dest: 2, sync: true }),
  );
  return { debug: (fields, message) => logger.debug(fields, message) };
}
