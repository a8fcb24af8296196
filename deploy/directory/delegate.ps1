# Delegates the rights that writeback needs on one organizational unit of an Active Directory domain to one account, and no others.
# Comes from: the command line. Goes to: the access control list of the organizational unit, through dsacls (RSAT: AD DS tools).
# The same entries for a Samba domain: delegate.sh. What each right is for: README.md.
#
#   .\delegate.ps1 -Container 'OU=Cloud Groups,DC=corp,DC=example' -Account 'CORP\svc-writeback' [-Attribute extra,…] [-Undelete]
#       [-WhatIf]
#
# Running it again adds nothing twice.
#Requires -Version 5.1
[CmdletBinding(SupportsShouldProcess)]
param(
    # The organizational unit whose groups writeback writes.
    [Parameter(Mandatory)] [string] $Container,
    # Writeback's account, as DOMAIN\name.
    [Parameter(Mandatory)] [string] $Account,
    # More attributes of class group, for `attributes` of a policy.
    [string[]] $Attribute = @(),
    # Also lets the account find deleted objects of the domain and restore groups of the container. Takes ownership of
    # CN=Deleted Objects, as a Domain Admin; off by default, because it reaches beyond the container.
    [switch] $Undelete
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$base = 'member', 'groupType', 'sAMAccountName', 'displayName', 'description', 'adminDescription', 'extensionName',
    'mail', 'proxyAddresses', 'info', 'name', 'cn'
# Written only where the schema has them: Windows Server 2016 and later; prepared for Exchange.
$optional = 'msDS-ExternalDirectoryObjectId', 'mailNickname'

function Test-SchemaAttribute([string] $Name) {
    $root = [ADSI] 'LDAP://RootDSE'
    $schema = [ADSI] "LDAP://$($root.schemaNamingContext)"
    $searcher = New-Object System.DirectoryServices.DirectorySearcher($schema, "(&(objectClass=attributeSchema)(lDAPDisplayName=$Name))")
    return $null -ne $searcher.FindOne()
}

function Invoke-Dsacls([string] $Object, [string[]] $Arguments) {
    if ($PSCmdlet.ShouldProcess($Object, "dsacls $Arguments")) {
        & dsacls.exe $Object @Arguments | Out-Null
        if ($LASTEXITCODE -ne 0) { throw "dsacls refused $Arguments on ${Object}: exit $LASTEXITCODE" }
    }
}

function Grant([string] $Inheritance, [string] $Entry) {
    Invoke-Dsacls $Container "/I:$Inheritance", '/G', "${Account}:$Entry"
}

foreach ($name in $Attribute) {
    if (-not (Test-SchemaAttribute $name)) { throw "the schema has no attribute $name" }
}
$present = @($optional | Where-Object { Test-SchemaAttribute $_ })
$optional | Where-Object { $_ -notin $present } | ForEach-Object { Write-Warning "not in this schema, left out: $_" }

# Create and delete groups in the container and in every container below it (/I:T: this object and below). A move is a delete on
# one side and a create on the other.
Grant 'T' 'CCDC;group'
# The right to delete the groups themselves allows nothing more than that, but still holds where an organizational unit below is
# protected from accidental deletion: that protection denies everybody to delete any child of the unit above it.
Grant 'S' 'SD;;group'
# Write the named attributes of groups below the container (/I:S: below only; the container itself is not writable).
foreach ($name in $base + $present + $Attribute) {
    Grant 'S' "WP;$name;group"
}

if ($Undelete) {
    $domain = ([ADSI] 'LDAP://RootDSE').defaultNamingContext
    # The control access right that MS-ADTS 3.1.1.5.3.7 asks for, and the way to give read access to CN=Deleted Objects that
    # learn.microsoft.com/troubleshoot/windows-server/active-directory/non-administrators-view-deleted-object-container describes.
    Invoke-Dsacls "$domain" '/G', "${Account}:CA;Reanimate Tombstones"
    Invoke-Dsacls "CN=Deleted Objects,$domain" '/takeownership'
    Invoke-Dsacls "CN=Deleted Objects,$domain" '/G', "${Account}:LCRP"
}
