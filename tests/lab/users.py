#!/usr/bin/python3
"""Adds users p0001 to pCOUNT to a lab's directory in a few transactions, and lists all of them.

Comes from: the domain controller's own database, opened directly (over LDAP the same adds take several times as long).
Goes to: standard output, one user a line: sAMAccountName, objectSid, objectGUID, DN, separated by tabs.
"""

import sys

from samba.auth import system_session
from samba.dcerpc import misc, security
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB
import ldb

# NORMAL_ACCOUNT, ACCOUNTDISABLE and PASSWD_NOTREQD (MS-ADTS 2.2.16): a user that is only a member needs no password.
DISABLED_ACCOUNT = 0x0200 | 0x0002 | 0x0020


# An add costs more the more the transaction holds: 3,000 users take three times as long in one as in parts of this size.
TRANSACTION = 250


def names(count):
    return ["p%04d" % number for number in range(1, count + 1)]


def read(samdb, people):
    found = samdb.search(
        base=people,
        scope=ldb.SCOPE_ONELEVEL,
        expression="(&(objectCategory=person)(sAMAccountName=p*))",
        attrs=["sAMAccountName", "objectSid", "objectGUID"],
    )
    users = []
    for entry in found:
        sid = str(ndr_unpack(security.dom_sid, entry["objectSid"][0]))
        guid = str(ndr_unpack(misc.GUID, entry["objectGUID"][0]))
        users.append((str(entry["sAMAccountName"][0]), sid, guid, str(entry.dn)))
    return sorted(users)


def add(samdb, people, realm, wanted):
    samdb.transaction_start()
    try:
        for name in wanted:
            samdb.add(
                {
                    "dn": "CN=%s,%s" % (name, people),
                    "objectClass": "user",
                    "sAMAccountName": name,
                    "userPrincipalName": "%s@%s" % (name, realm),
                    "displayName": "Person %s" % name[1:],
                    "userAccountControl": str(DISABLED_ACCOUNT),
                }
            )
    except BaseException:
        samdb.transaction_cancel()
        raise
    samdb.transaction_commit()


def main():
    configuration, people, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    parameters = LoadParm()
    parameters.load(configuration)
    samdb = SamDB(session_info=system_session(), lp=parameters)
    present = {user[0] for user in read(samdb, people)}
    wanted = [name for name in names(count) if name not in present]
    for start in range(0, len(wanted), TRANSACTION):
        add(samdb, people, parameters.get("realm").lower(), wanted[start : start + TRANSACTION])
    for user in read(samdb, people):
        print("\t".join(user))


main()
