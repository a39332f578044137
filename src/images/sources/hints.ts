/** Hints for errors of skopeo; they are recognised by what skopeo and its libraries print. */

/** For an image in a registry. */
export function registryHint(reason: string): string | undefined {
  if (/unauthorized|authentication required|denied/i.test(reason))
    return "check --src-creds, or use 'skopeo login'";
  if (/manifest unknown|name unknown/i.test(reason)) return 'check the name and the tag';
  if (/HTTP response to HTTPS client|x509|certificate/i.test(reason))
    return "put 'http:' before the name to go without TLS";
  return undefined;
}

/** For an image on this machine. */
export function localHint(reason: string): string | undefined {
  if (/reference does not exist|no such image/i.test(reason)) return "see 'docker images'";
  if (/does not resolve to an image ID/.test(reason)) return "see 'podman images'";
  return undefined;
}
