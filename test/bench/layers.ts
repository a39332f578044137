const REFS = '/var/lib/containers/atomic/.storage/ostree/refs/heads';

/** A line of shell that makes /run/layers: the layers of the only image, as `ostree checkout --from-file` reads them. */
export const LIST_LAYERS = `
  for id in $(atomic images list --all --no-trunc --quiet); do
    grep -qs . ${REFS}/ociimage/$id && printf "ociimage/$id\\0/\\0"
  done > /run/layers`;
