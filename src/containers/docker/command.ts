/** Tells which `docker` command replaces `atomic run NAME [COMMAND…]` for a container of Docker. */
export function dockerCommand(name: string, command: readonly string[]): string {
  return command.length === 0 ? `docker start ${name}` : `docker exec ${[name, ...command].join(' ')}`;
}
