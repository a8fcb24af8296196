# shellcheck shell=bash
# Installs Debian packages for the scripts that source this file, and lets no daemon start because of it.
# Comes from: the names given by the caller. Goes to: the machine's package database.

# The daemons that the packages below would start or enable. The tests start their own instances, on their own
# addresses and folders; a second samba or prometheus on the machine would only take ports.
readonly UNWANTED_UNITS=(samba-ad-dc smbd nmbd winbind samba prometheus prometheus-node-exporter)

# missing_packages NAME…: prints the names that are not installed, one a line.
missing_packages() {
    local name
    for name in "$@"; do
        if [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null || true)" != installed ]]; then
            printf '%s\n' "$name"
        fi
    done
}

# install_packages NAME…: idempotent; fetches the package lists only when the install fails without them.
install_packages() {
    local -a missing
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then
        return 0
    fi
    if ((EUID != 0)); then
        printf 'these packages are missing and only root can install them: %s\n' "${missing[*]}" >&2
        return 1
    fi
    printf 'installing %s\n' "${missing[*]}" >&2

    # Debian's own switch against daemons that start on installation (invoke-rc.d, "policy-rc.d").
    local policy=/usr/sbin/policy-rc.d
    local policy_is_ours=no
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        policy_is_ours=yes
    fi
    local status=0
    apt_install "${missing[@]}" || status=$?
    if [[ $policy_is_ours == yes ]]; then
        rm -f "$policy"
    fi
    if ((status != 0)); then
        return "$status"
    fi
    keep_daemons_off "${missing[@]}"
}

apt_install() {
    if apt_quietly install "$@" 2>/dev/null; then
        return 0
    fi
    apt_quietly update && apt_quietly install "$@"
}

apt_quietly() {
    local command=$1
    shift
    # A mirror that is slow or drops a connection is asked again.
    local -a options=(-qq -o DPkg::Lock::Timeout=900 -o Acquire::Retries=5)
    if [[ $command == install ]]; then
        options+=(--yes --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
    fi
    DEBIAN_FRONTEND=noninteractive apt-get "$command" "${options[@]}" "$@" </dev/null >/dev/null
}

# keep_daemons_off PACKAGE…: disables the units of the packages that were installed just now, so that they do not
# start at the next boot either. A unit that was there before is somebody's own and is left alone.
keep_daemons_off() {
    if ! command -v systemctl >/dev/null; then
        return 0
    fi
    local unit package
    for unit in "${UNWANTED_UNITS[@]}"; do
        for package in "$@"; do
            # Not `grep -q`: it ends early, and the broken pipe would count as "not found".
            if dpkg-query --listfiles "$package" 2>/dev/null | grep "/systemd/system/$unit\.service$" >/dev/null; then
                systemctl --quiet disable "$unit.service" >/dev/null 2>&1 || true
            fi
        done
    done
}
