/** Clean-ups that have to happen however the process ends: at its end, or when a signal asks it to. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const cleanUps = new Set<() => void>();

/** Calls `cleanUp`, which must not wait for anything, when this process ends; the returned function takes that back. */
export function atExit(cleanUp: () => void): () => void {
  listen();
  cleanUps.add(cleanUp);
  return () => cleanUps.delete(cleanUp);
}

let isListening = false;

function listen(): void {
  if (isListening) return;
  isListening = true;
  process.on('exit', () => {
    for (const cleanUp of cleanUps) cleanUp();
  });
  // without a listener, a signal ends Node without its event `exit`
  for (const signal of SIGNALS) process.on(signal, () => process.exit(1));
  // the process of vitest that started this one has been killed
  process.on('disconnect', () => process.exit(1));
}
