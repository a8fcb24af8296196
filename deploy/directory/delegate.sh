#!/usr/bin/env bash
# Delegates the rights that writeback needs on one organizational unit of a Samba domain to one account, and no others.
# Comes from: the command line. Goes to: the access control list of the organizational unit, through samba-tool.
# The same entries for a Windows domain: delegate.ps1. What each right is for: README.md.
set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly HERE

# schemaIDGUIDs of the base schema, the same in every domain (MS-ADSC, MS-ADA1 to MS-ADA3).
readonly CLASS_GROUP=bf967a9c-0de6-11d0-a285-00aa003049e2
readonly BASE_ATTRIBUTES=(
    member=bf9679c0-0de6-11d0-a285-00aa003049e2
    groupType=9a9a021e-4a5b-11d1-a9c3-0000f80367c1
    sAMAccountName=3e0abfd0-126a-11d0-a060-00aa006c33ed
    displayName=bf967953-0de6-11d0-a285-00aa003049e2
    description=bf967950-0de6-11d0-a285-00aa003049e2
    adminDescription=bf967919-0de6-11d0-a285-00aa003049e2
    extensionName=bf967972-0de6-11d0-a285-00aa003049e2
    mail=bf967961-0de6-11d0-a285-00aa003049e2
    proxyAddresses=bf967a06-0de6-11d0-a285-00aa003049e2
    info=bf96793e-0de6-11d0-a285-00aa003049e2
    name=bf967a0e-0de6-11d0-a285-00aa003049e2
    cn=bf96793f-0de6-11d0-a285-00aa003049e2
)
# Written only where the schema has them: Windows Server 2016 and later; prepared for Exchange. Looked up by name.
readonly OPTIONAL_ATTRIBUTES=(msDS-ExternalDirectoryObjectId mailNickname)
# Only for --undelete. Samba fills these in itself when it restores a group, and checks the account's rights on them as if the
# account had written them (tombstone_reanimate.c runs above acl.c); Windows does not. Outside a restore Samba lets nobody write
# isRecycled and sAMAccountType.
readonly UNDELETE_ATTRIBUTES=(
    isRecycled=8fb59256-55f1-444b-aacb-f5b482fe3459
    sAMAccountType=6e7b626c-64f2-11d0-afd2-00c04fd930c9
    objectCategory=26d97369-6070-11d1-a9c6-0000f80367c1
    adminCount=bf967918-0de6-11d0-a285-00aa003049e2
    operatorCount=bf9679ee-0de6-11d0-a285-00aa003049e2
)

usage() {
    cat <<'USAGE'
usage: delegate.sh --container DN --account NAME [--attribute NAME]… [--undelete] [--print] [-- CONNECTION…]

  --container DN     the organizational unit whose groups writeback writes
  --account NAME     the sAMAccountName of writeback's account
  --attribute NAME   one more attribute of class group, for `attributes` of a policy; may be repeated
  --undelete         also lets the account find deleted objects of the domain and restore groups that were deleted in the
                     container after this; off by default, because it reaches beyond the container
  --print            prints the access control entries and changes nothing
  CONNECTION         options of samba-tool: none on the domain controller itself as root, or for instance
                     -H ldap://dc1.corp.example -U Administrator

Running it again adds nothing twice.
USAGE
}

fail() {
    printf 'delegate.sh: %s\n' "$1" >&2
    exit 1
}

refuse() {
    printf 'delegate.sh: %s\n' "$1" >&2
    usage >&2
    exit 64
}

# need_value OPTION COUNT: an option at the end of the line has no value.
need_value() {
    if (($2 < 2)); then
        refuse "$1 needs a value"
    fi
}

# field NAME: the first value of an attribute in LDIF on standard input.
field() {
    sed -n "/^$1: /{s///p;q}"
}

main() {
    local container='' account='' only_print=no undelete=no
    local -a extra=()
    while (($# > 0)); do
        case $1 in
            --container) need_value "$1" $#; container=$2; shift 2 ;;
            --account) need_value "$1" $#; account=$2; shift 2 ;;
            --attribute) need_value "$1" $#; extra+=("$2"); shift 2 ;;
            --undelete) undelete=yes; shift ;;
            --print) only_print=yes; shift ;;
            -h | --help) usage; exit 0 ;;
            --) shift; break ;;
            *) refuse "unknown argument: $1" ;;
        esac
    done
    if [[ -z $container || -z $account ]]; then
        refuse 'both --container and --account are needed'
    fi
    local -a connection=("$@")

    local found account_sid account_dn
    found=$(samba-tool user show "$account" --attributes=objectSid "${connection[@]}") ||
        fail "account $account cannot be read"
    account_sid=$(field objectSid <<<"$found")
    account_dn=$(field dn <<<"$found")
    if [[ -z $account_sid || -z $account_dn ]]; then
        fail "account $account has no readable objectSid or a DN that is not ASCII"
    fi

    # Create and delete groups in the container and in every container below it. A move is a delete on one side and a create on
    # the other (MS-ADTS 3.1.1.5.4.1.1).
    local entries="(OA;CI;CCDC;$CLASS_GROUP;;$account_sid)"
    # The right to delete the groups themselves allows nothing more than that, but still holds where an organizational unit below
    # is protected from accidental deletion: that protection denies everybody to delete any child of the unit above it.
    entries+="(OA;CIIO;SD;;$CLASS_GROUP;$account_sid)"
    # Write the named attributes of groups below the container; the container itself is not writable (CIIO).
    local attribute attribute_guid
    local -a attributes=("${BASE_ATTRIBUTES[@]}")
    for attribute in "${OPTIONAL_ATTRIBUTES[@]}" "${extra[@]}"; do
        attribute_guid=$(schema_guid "$attribute" "${connection[@]}")
        if [[ -n $attribute_guid ]]; then
            attributes+=("$attribute=$attribute_guid")
        elif [[ " ${extra[*]} " == *" $attribute "* ]]; then
            fail "the schema has no attribute $attribute"
        else
            printf 'not in this schema, left out: %s\n' "$attribute" >&2
        fi
    done
    if [[ $undelete == yes ]]; then
        attributes+=("${UNDELETE_ATTRIBUTES[@]}")
    fi
    for attribute in "${attributes[@]}"; do
        entries+="(OA;CIIO;WP;${attribute#*=};$CLASS_GROUP;$account_sid)"
    done

    if [[ $only_print == yes ]]; then
        printf '%s\n' "${entries//)(/$')\n('}"
        if [[ $undelete == yes ]]; then
            "$HERE/delegate-undelete.py" --account-sid "$account_sid" --print "${connection[@]}"
        fi
        return 0
    fi
    samba-tool dsacl set --objectdn="$container" --trusteedn="$account_dn" --sddl="$entries" "${connection[@]}" >/dev/null ||
        fail "the access control list of $container cannot be written"
    if [[ $undelete == yes ]]; then
        "$HERE/delegate-undelete.py" --account-sid "$account_sid" "${connection[@]}" ||
            fail 'the right to restore deleted groups cannot be given'
    fi
    printf 'delegated %s to %s\n' "$container" "$account"
}

# schema_guid ATTRIBUTE CONNECTION…: its schemaIDGUID; empty when the schema has no such attribute.
schema_guid() {
    local attribute=$1 answer
    shift
    if answer=$(samba-tool schema attribute show "$attribute" "$@" 2>&1); then
        field schemaIDGUID <<<"$answer"
    elif [[ $answer != *'No schema objects matched'* ]]; then
        fail "the schema cannot be read: $answer"
    fi
}

main "$@"
