# shellcheck shell=bash
# Asks tests that failed once more, one after the other: on a machine that does much else one of some 1,700 may have waited in vain.
# What fails twice has failed. What passes then is unsteady: it is told as that, with what it said when it failed, and wants mending.
# Comes from: the log of `cargo test`. Goes to: standard output, LOGS/PART.unsteady.

# Set by the script that sources this file.
: "${LOGS:?}"

# More than so many failures are no accident.
readonly UNSTEADY_MAX=3
# How cargo ends when tests failed.
readonly TESTS_FAILED=101

# failed_tests LOG: a line for each test that failed: its target as cargo is asked for it, a tab, its name. The name is missing where a
# target did not come to its end.
failed_tests() {
    awk '
        /^test .* \.\.\. FAILED$/ {
            name = $0
            sub(/^test /, "", name)
            sub(/ \.\.\. FAILED$/, "", name)
            names[count++] = name
        }
        /^test result: FAILED/ { whole = 1 }
        /^error: test failed, to rerun pass `/ || /^error: doctest failed, to rerun pass `/ {
            split($0, words, "`")
            if (count == 0 || !whole) print words[2] "\t"
            for (place = 0; place < count; place++) print words[2] "\t" names[place]
            count = whole = 0
        }' "$1"
}

# ask_again PART STATUS [FLAG…]: asks what failed in the log of a part once more, with the flags with which cargo was asked, and ended
# with that status.
ask_again() {
    local part=$1 status=$2 line target name said
    shift 2
    : "${TEST_SECONDS:?}"
    if ((status != TESTS_FAILED)); then
        return "$status"
    fi
    local -a failed
    mapfile -t failed < <(failed_tests "$LOGS/$part.log")
    if ((${#failed[@]} == 0 || ${#failed[@]} > UNSTEADY_MAX)); then
        printf '%s tests failed: none is asked again\n' "${#failed[@]}"
        return 1
    fi
    for line in "${failed[@]}"; do
        target=${line%%$'\t'*} name=${line#*$'\t'}
        if [[ -z $name ]]; then
            printf 'cargo test %s did not come to its end\n' "$target"
            return 1
        fi
        printf '\nasked again: cargo test %s -- --exact %q\n' "$target" "$name"
        # A name that nothing has passes as well.
        # shellcheck disable=SC2086 # flag and name of the target
        said=$(timeout --kill-after=30 "$TEST_SECONDS" cargo test --locked "$@" $target -- --exact "$name" 2>&1) || true
        printf '%s\n' "$said"
        if ! grep -q '^test result: ok. 1 passed; 0 failed' <<<"$said"; then
            return 1
        fi
    done
    printf '%s\n' "${failed[@]}" >"$LOGS/$part.unsteady"
}
