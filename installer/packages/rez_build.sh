#!/bin/bash
# Fills a rez package: an environment with the wheel beside package.py, and what hosts load.
# Rez sets REZ_BUILD_INSTALL_PATH when it installs. VOID_EXTRAS names what the server needs beside its base.
set -euo pipefail
if [ "${REZ_BUILD_INSTALL:-0}" != 1 ]; then
    echo "nothing to build; add --install"
    exit 0
fi
source_folder="${REZ_BUILD_SOURCE_PATH:?}"
target="${REZ_BUILD_INSTALL_PATH:?}"
wheel=$(ls "$source_folder"/void_nuke-*.whl) || {
    echo "put the wheel beside package.py: python3 -m pip wheel --no-deps -w . ./CHECKOUT" >&2
    exit 1
}
python3 -m venv "$target/venv"
"$target/venv/bin/python" -m pip install -c "$source_folder/constraints.txt" "$wheel[${VOID_EXTRAS:-farm,movies,review}]"
"$target/venv/bin/void" host-files "$target/nuke" --python 3.11 --python 3.10
mkdir -p "$target/ofx"
if [ -d "$source_folder/VoidRemove.ofx.bundle" ]; then
    cp -r "$source_folder/VoidRemove.ofx.bundle" "$target/ofx/"
fi
