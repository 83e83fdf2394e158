#!/usr/bin/env bash
# usage: python-image.sh NAME ARCHIVE
# Makes a docker archive of an image with the Python of this machine's distribution and its standard library, and nothing
# else. Ends with 3 where the machine has none, or no buildah.
set -euo pipefail
name=$1
archive=$2
python=$(readlink -e /usr/bin/python3) && command -v buildah >/dev/null || exit 3
library=$("$python" -I -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') || exit 3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root/usr/bin" "$root$library"
cp "$python" "$root/usr/bin/python3"
tar -C "$library" --exclude=__pycache__ --exclude=test --exclude=dist-packages --exclude='config-*' -c . | tar -C "$root$library" -x
ldd "$python" | grep -o '/[^ ]*' | while read -r file; do
  mkdir -p "$root${file%/*}"
  cp -L "$file" "$root$file"
done
container=$(buildah from scratch)
buildah add -q "$container" "$root" / >/dev/null
buildah config --entrypoint '["/usr/bin/python3"]' --user 65532:65532 "$container"
buildah commit -q --rm "$container" "$name" >/dev/null
buildah push -q "$name" "docker-archive:$archive:docker.io/library/$name"
buildah rmi "$name" >/dev/null
