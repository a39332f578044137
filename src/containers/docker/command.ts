/** What to type for a container of Docker's instead of `atomic run NAME [COMMAND…]`. */
export function dockerCommand(name: string, command: readonly string[]): string {
  return command.length === 0 ? `docker start ${name}` : `docker exec ${[name, ...command].join(' ')}`;
}
