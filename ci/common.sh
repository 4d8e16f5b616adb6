# What the scripts of ci/ share. Sourced, never run.
# shellcheck shell=bash
set -euo pipefail

project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian's own Python: another one first on the PATH would not see Debian's modules.
python=/usr/bin/python3

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 2
}

# configure FOLDER CMAKE_OPTION...: once per folder; afterwards ninja re-runs CMake by itself when it must.
configure() {
  local folder=$1
  shift
  # With this the compiler cache serves every checkout of the project, wherever it lies.
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$project_root}
  [ -f "$folder/build.ninja" ] || cmake -S "$project_root" -B "$folder" -G Ninja "$@"
}
