# shellcheck shell=bash
# What several scripts build: cargo's own tools, once, which are kept below target/tools; the binary.
# Comes from: the names given by the caller, cargo's registry, the project. Goes to: TARGET/tools/bin, which is put on the path;
# TARGET/debug.

# Set by the script that sources this file.
: "${TARGET:?}" "${ROOT:?}"

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

# built_binary: TARGET/debug/writeback, with its packages as the tests have them: without a test beside it, cargo would choose
# other features for them and build them all once more.
built_binary() {
    cargo build --locked --manifest-path "$ROOT/Cargo.toml" --bin writeback --test architecture
}
