# Delegates the rights that writeback needs on one organizational unit of an Active Directory domain to one account, and no others.
# Comes from: the command line. Goes to: the access control list of the organizational unit, through dsacls (RSAT: AD DS tools).
# The same entries for a Samba domain: delegate.sh. What each right is for: README.md.
#
#   .\delegate.ps1 -Container 'OU=Cloud Groups,DC=corp,DC=example' -Account 'CORP\svc-writeback' [-Attribute extra,…] [-WhatIf]
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
    [string[]] $Attribute = @()
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

function Grant([string] $Inheritance, [string] $Entry) {
    if ($PSCmdlet.ShouldProcess($Container, "dsacls /I:$Inheritance /G ${Account}:$Entry")) {
        & dsacls.exe $Container "/I:$Inheritance" /G "${Account}:$Entry" | Out-Null
        if ($LASTEXITCODE -ne 0) { throw "dsacls refused ${Entry} on ${Container}: exit $LASTEXITCODE" }
    }
}

foreach ($name in $Attribute) {
    if (-not (Test-SchemaAttribute $name)) { throw "the schema has no attribute $name" }
}
$present = @($optional | Where-Object { Test-SchemaAttribute $_ })
$optional | Where-Object { $_ -notin $present } | ForEach-Object { Write-Warning "not in this schema, left out: $_" }

# Create and delete groups in the container and in every container below it (/I:T: this object and below). A move is a delete on
# one side and a create on the other.
Grant 'T' 'CCDC;group'
# Write the named attributes of groups below the container (/I:S: below only; the container itself is not writable).
foreach ($name in $base + $present + $Attribute) {
    Grant 'S' "WP;$name;group"
}
