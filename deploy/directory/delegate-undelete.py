#!/usr/bin/python3
"""Lets one account find deleted objects of a Samba domain and restore them: the domain-wide half of `delegate.sh --undelete`.

Comes from: delegate.sh, with the account's SID. Goes to: the access control lists of CN=Deleted Objects and of the domain head.
samba-tool cannot do the first: it never asks for deleted objects, and that container is itself one.
"""

import optparse
import sys

import ldb
import samba.getopt
from samba import dsdb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.samdb import SamDB

# The control access right Reanimate-Tombstones (MS-ADTS 3.1.1.5.3.7).
REANIMATE_TOMBSTONES = "45ec5156-db7e-47bb-b53f-dbeb2d03c40f"
# LDAP_SERVER_SHOW_DELETED_OID and LDAP_SERVER_SD_FLAGS_OID (MS-ADTS 3.1.1.3.4.1), by ldb's names; 1 is the owner, 4 the
# discretionary access control list.
SHOW_DELETED = "show_deleted:1"
OWNER = "sd_flags:1:1"
ACCESS_LIST = "sd_flags:1:4"


class Domain:
    """The domain's database, over LDAP or on the domain controller itself."""

    def __init__(self, samdb):
        self.samdb = samdb
        self.sid = security.dom_sid(samdb.get_domain_sid())

    def descriptor(self, dn):
        """The security descriptor, without its owner; None when it may not be read."""
        found = self.samdb.search(
            dn, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=[SHOW_DELETED, ACCESS_LIST]
        )
        values = found[0].get("nTSecurityDescriptor") if found else None
        return ndr_unpack(security.descriptor, values[0]) if values else None

    def write(self, dn, descriptor, part):
        message = ldb.Message(dn)
        message["nTSecurityDescriptor"] = ldb.MessageElement(
            ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor"
        )
        self.samdb.modify(message, controls=[SHOW_DELETED, part])

    def grant(self, dn, entry):
        """Adds one entry to the access control list, unless it is there."""
        wanted = security.descriptor.from_sddl("D:" + entry, self.sid)
        present = self.descriptor(dn)
        if present is None:
            # Even Domain Admins may not read this list until they own the object: what `dsacls /takeownership` does.
            self.write(dn, security.descriptor.from_sddl("O:DA", self.sid), OWNER)
            present = self.descriptor(dn)
        if wanted.as_sddl(self.sid)[len("D:") :] in present.as_sddl(self.sid):
            return
        present.dacl_add(wanted.dacl.aces[0])
        self.write(dn, present, ACCESS_LIST)


def main():
    parser = optparse.OptionParser("delegate-undelete.py --account-sid SID [--print] [CONNECTION…]")
    parser.add_option("--account-sid")
    parser.add_option("--print", action="store_true", dest="only_print")
    parser.add_option("-H", "--URL", dest="url")
    connection = samba.getopt.SambaOptions(parser)
    parser.add_option_group(connection)
    credentials = samba.getopt.CredentialsOptions(parser)
    parser.add_option_group(credentials)
    options, arguments = parser.parse_args()
    if not options.account_sid or arguments:
        parser.error("--account-sid is needed, and nothing beside options")

    parameters = connection.get_loadparm()
    samdb = SamDB(
        url=options.url,
        session_info=system_session(),
        credentials=credentials.get_credentials(parameters),
        lp=parameters,
    )
    head = ldb.Dn(samdb, str(samdb.domain_dn()))
    deleted = samdb.get_wellknown_dn(head, dsdb.DS_GUID_DELETED_OBJECTS_CONTAINER)
    grants = [
        # List the container and read its own attributes; a deleted object keeps an access control list of its own.
        (deleted, "(A;;RPLC;;;%s)" % options.account_sid),
        (head, "(OA;;CR;%s;;%s)" % (REANIMATE_TOMBSTONES, options.account_sid)),
    ]
    domain = Domain(samdb)
    for dn, entry in grants:
        if options.only_print:
            print("%s %s" % (dn, entry))
        else:
            domain.grant(dn, entry)


try:
    main()
except ldb.LdbError as error:
    sys.exit("delegate-undelete.py: %s (%s)" % (error.args[1], error.args[0]))
