# shellcheck shell=bash
# Runs the parts of a check one after the other, keeps the output of each, and prints what each took.
# Comes from: `part` calls of the script that sources this file. Goes to: LOGS/NAME.log, and a table on standard output.

# Set by the script that sources this file.
: "${LOGS:?}"

PART_NAMES=()
PART_SECONDS=()
PART_RESULTS=()
readonly SHOWN_LINES=200
# Of what failed tests said, at the very end.
readonly SAID_LINES=80
readonly SAID_COLUMNS=400
readonly LAST_LINES=20

# part NAME COMMAND…: runs the command to its end, and says in the summary how it ended; a failed part does not stop the next ones.
# Never call it where bash ignores errexit (`if part`, `part ||`): the command would run on after its first failed line.
part() {
    local name=$1 started=$SECONDS status result=ok
    shift
    printf '== %s\n' "$name"
    mkdir -p "$LOGS"
    rm -f "$LOGS/$name.unsteady"
    set +e
    (
        set -euo pipefail
        "$@"
    ) >"$LOGS/$name.log" 2>&1 </dev/null
    status=$?
    set -e
    if ((status != 0)); then
        result=FAILED
        printf -- '-- %s failed with %s, the last lines of %s:\n' "$name" "$status" "$LOGS/$name.log"
        tail -n "$SHOWN_LINES" "$LOGS/$name.log"
    else
        if [[ -s $LOGS/$name.unsteady ]]; then
            result=unsteady
        fi
        # The closing lines of the test runners and the table of the tripwires, so that what was run can be seen and counted.
        grep -E '^(test result: |[0-9]+ passed, [0-9]+ failed|H[0-9]+  |[0-9]+ of [0-9]+ )' "$LOGS/$name.log" || true
    fi
    PART_NAMES+=("$name")
    PART_SECONDS+=("$((SECONDS - started))")
    PART_RESULTS+=("$result")
}

# said LOG: what the failed tests in it said, else its end.
said() {
    local of_tests
    of_tests=$(awk '/^failures:$/ { on = 1 } on { print } /^test result: FAILED/ { on = 0 }' "$1")
    if [[ -n $of_tests ]]; then
        printf '%s\n' "$of_tests" | cut -c "1-$SAID_COLUMNS" | head -n "$SAID_LINES"
    else
        tail -n "$LAST_LINES" "$1" | cut -c "1-$SAID_COLUMNS"
    fi
}

# summary: prints the table, and below it what failed tests said; false when a part failed or none ran.
summary() {
    local index status=0
    printf '\n%-12s %8s  %s\n' part seconds result
    for index in "${!PART_NAMES[@]}"; do
        printf '%-12s %8s  %s\n' "${PART_NAMES[index]}" "${PART_SECONDS[index]}" "${PART_RESULTS[index]}"
        if [[ ${PART_RESULTS[index]} == FAILED ]]; then
            status=1
        fi
    done
    local name
    for index in "${!PART_NAMES[@]}"; do
        name=${PART_NAMES[index]}
        if [[ ${PART_RESULTS[index]} != ok && -f $LOGS/$name.log ]]; then
            printf '\n-- %s, %s:\n' "$name" "${PART_RESULTS[index]}"
            # Whoever reads no more than it wants to ends the pipe.
            said "$LOGS/$name.log" || true
        fi
    done
    if ((${#PART_NAMES[@]} == 0)); then
        printf 'no part was run\n'
        status=1
    fi
    return "$status"
}
