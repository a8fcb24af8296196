# shellcheck shell=bash
# Builds cargo's own tools for the scripts that source this file, once, and keeps them below target/tools.
# Comes from: the names given by the caller, cargo's registry. Goes to: TARGET/tools/bin, which is put on the path.

# Set by the script that sources this file.
: "${TARGET:?}"

export PATH=$PATH:$TARGET/tools/bin

# cargo_tool NAME VERSION: not optimised: it runs for seconds, its build would take minutes more.
cargo_tool() {
    if command -v "$1" >/dev/null; then
        return 0
    fi
    local started=$SECONDS
    CARGO_TARGET_DIR=$TARGET/tools/build cargo install "$1" --version "$2" --locked --debug --root "$TARGET/tools"
    rm -rf "$TARGET/tools/build"
    printf '%s was built in %s s\n' "$1" "$((SECONDS - started))"
}
