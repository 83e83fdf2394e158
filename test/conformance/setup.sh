#!/usr/bin/env bash
# usage: setup.sh DIR
# Installs the Autobahn WebSocket test suite in DIR, once. The suite runs on CPython 2.7 only, which Debian last had in
# bullseye: its packages are unpacked below DIR; nothing is installed in the system, and no root is needed.
# Needs Debian on amd64, python3 with pip, gcc with the C library's headers.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# == 1 ]] || { sed -n '2,5s/^# //p' "$0" >&2; exit 64; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
stamp=$dir/installed
wanted=$(cat "$here/setup.sh" "$here/requirements.txt" | sha256sum)
[[ ! -e $stamp || $(<"$stamp") != "$wanted" ]] || exit 0

suite=bullseye
packages=(python2.7-minimal libpython2.7-minimal libpython2.7-stdlib libpython2.7-dev libssl1.1 libffi7)

fail() {
  echo "The Autobahn suite cannot be installed: $1" >&2
  exit 1
}
for tool in apt-get dpkg-deb python3 gcc; do
  command -v "$tool" >/dev/null || fail "$tool is missing"
done
[[ $(dpkg --print-architecture) == amd64 ]] || fail "it needs amd64, this is $(dpkg --print-architecture)"
python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip (Debian: python3-pip)"

work=$dir/work
rm -rf "$stamp" "$work" "$dir/python" "$dir/site"
mkdir -p "$work"/{lists/partial,cache/archives/partial,parts,debs,wheels}
cd "$work"

# The machine's own mirrors, with the suite's name exchanged; its apt is left as it is.
echo "Autobahn: Python 2.7 from Debian $suite"
python3 - "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$suite" >sources.list <<'PYTHON' || fail "no Debian mirror is configured in /etc/apt"
import glob, os, re, sys

here, wanted = sys.argv[1:]
keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
option = "[signed-by=%s] " % keys if os.path.exists(keys) else ""


def entries():
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        for stanza in re.split(r"\n\s*\n", open(path).read()):
            fields = {k.lower(): v.split() for k, v in re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.M)}
            if "deb" in fields.get("types", []):
                yield from ((uri, suite) for uri in fields.get("uris", []) for suite in fields.get("suites", []))
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list")]:
        if os.path.exists(path):
            yield from re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s", open(path).read(), re.M)


lines = {
    "deb %s%s %s main" % (option, uri, suite.replace(here, wanted, 1))
    for uri, suite in entries()
    if suite in (here, here + "-security")
}
print("\n".join(sorted(lines)))
sys.exit(not lines)
PYTHON
apt=(apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o "Dir::Etc::sourceparts=$work/parts"
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State::lists=$work/lists"
  -o "Dir::Cache=$work/cache" -o Dir::State::status=/dev/null -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none)
"${apt[@]}" update >apt.log 2>&1 || { tail -n 20 apt.log >&2; fail "apt-get update"; }
(cd debs && "${apt[@]}" download "${packages[@]}") >apt.log 2>&1 || { tail -n 20 apt.log >&2; fail "apt-get download"; }
for deb in debs/*.deb; do dpkg-deb -x "$deb" "$dir/python"; done

echo "Autobahn: the suite and its packages"
export PIP_DISABLE_PIP_VERSION_CHECK=1
for tool in pip==20.3.4 setuptools==44.0.0 wheel==0.37.1; do
  python3 -m pip download -q -d wheels --no-deps --only-binary=:all: \
    --python-version 2.7 --implementation py --abi none --platform any "$tool" || fail "pip download $tool"
done
for wheel in wheels/*.whl; do python3 -m zipfile -e "$wheel" installer; done
export LD_LIBRARY_PATH=$dir/python/usr/lib/x86_64-linux-gnu
# Debian's pyconfig.h includes the one of the architecture by a path below usr/include.
CFLAGS="-O2 -I$dir/python/usr/include/python2.7 -I$dir/python/usr/include" PYTHONPATH=$work/installer PYTHONWARNINGS=ignore \
  "$dir/python/usr/bin/python2.7" -m pip install --no-python-version-warning --no-build-isolation \
  --no-warn-script-location --cache-dir "$work/pip" --target "$dir/site" -r "$here/requirements.txt" >pip.log 2>&1 \
  || { tail -n 30 pip.log >&2; fail "pip install"; }

cd "$dir"
rm -rf "$work"
echo "$wanted" >"$stamp"
