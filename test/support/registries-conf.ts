/** containers-registries.conf(5): lets names be typed as the guide prints them, with the local registry behind. */
export function dropInFor(registry: string): string {
  const mirrored = ['docker.io/library', 'docker.io', 'registry.fedoraproject.org', 'registry.example'];
  const entries = mirrored.map(
    (prefix) => `[[registry]]\nprefix = "${prefix}"\nlocation = "${registry}"\ninsecure = true\n`,
  );
  return [...entries, `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`].join('\n');
}
