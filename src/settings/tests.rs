//! What a newcomer gets wrong in the configuration, and the words that set it right.

use std::fs;

use super::*;

const GOOD: &str = "\
apiVersion: writeback/v1alpha1
kind: DaemonConfiguration
metadata: { name: corp }
tenant:
  id: 11111111-2222-3333-4444-555555555555
  clientId: 66666666-7777-8888-9999-000000000000
  credential: { clientSecretFile: secrets/client }
directory:
  servers: [ldaps://dc1.corp.example]
  bind: { simple: { name: 'CORP\\svc', passwordFile: secrets/bind } }
  containers: ['OU=Cloud Groups,DC=corp,DC=example']
state: { path: /var/lib/writeback }
";

fn parse(text: &str) -> Result<Settings, Vec<String>> {
    Settings::parse(Path::new("conf/w.yaml"), text.as_bytes())
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

/// The good text with one line replaced (or, with an empty `old`, one line added at the end).
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    if old.is_empty() { format!("{GOOD}{new}") } else { GOOD.replacen(old, new, 1) }
}

fn refused(old: &str, new: &str, expected: &[&str]) {
    let expected = expected.iter().map(|line| format!("conf/w.yaml:{line}")).collect::<Vec<_>>();
    assert_eq!(parse(&with(old, new)).unwrap_err(), expected, "{new}");
}

#[test]
fn the_shortest_configuration_has_every_default() {
    let settings = parse(GOOD).unwrap();
    assert_eq!(settings.owner, "corp");
    assert_eq!(settings.policies, Path::new("conf/policies"));
    let password_file = match &settings.directory.bind {
        Bind::Simple { password_file, .. } => password_file,
        #[cfg(feature = "kerberos")]
        Bind::Kerberos { keytab_file, .. } => keytab_file,
    };
    assert_eq!(password_file, Path::new("conf/secrets/bind"));
    assert_eq!(
        settings.tenant.credential,
        Credential::ClientSecretFile(PathBuf::from("conf/secrets/client"))
    );
    assert_eq!(settings.tenant.cloud.login_url.as_str(), "https://login.microsoftonline.com/");
    assert_eq!(settings.tenant.cloud.graph_url.as_str(), "https://graph.microsoft.com/");
    assert_eq!(settings.tenant.cloud.scope, "https://graph.microsoft.com/.default");
    assert_eq!(settings.schedule, Schedule::default());
    assert_eq!(settings.http.listen.to_string(), LISTEN_DEFAULT);
    assert_eq!(settings.http.status.to_string(), STATUS_DEFAULT);
    assert_eq!(settings.journal_retention, Duration::from_hours(9_600));
    assert_eq!(settings.admin_socket, Path::new("/var/lib/writeback/admin.sock"));
    assert_eq!(settings.directory.server.port(), None);
    assert_eq!(settings.directory.containers.iter().count(), 1);
}

#[test]
fn every_field_that_is_built_is_read() {
    let custom = "tenant:\n  cloud: Custom\n  loginUrl: https://127.0.0.1:4001\n  \
                  graphUrl: https://graph.test\n  scope: https://graph.test/.default\n  \
                  caFile: ca.pem";
    let text = with("tenant:", custom)
        .replace(
            "{ clientSecretFile: secrets/client }",
            "{ certificate: { certificateFile: c.pem, privateKeyFile: /k.pem } }",
        )
        .replace("  servers:", "  caFile: /dc.pem\n  servers:")
        .replace("ldaps://dc1.corp.example", "'ldaps://127.0.0.1:6361'")
        + "policies: { path: ../p }\n\
           schedule: { interval: 30s, resync: 1h, confirmAfter: 1s }\n\
           http: { listen: 0.0.0.0:0, status: '[::1]:0', adminSocket: run/w.sock }\n";
    let text = text.replace("/var/lib/writeback }", "lib, journalRetention: 10d }");
    let settings = parse(&text).unwrap();
    assert_eq!(settings.tenant.cloud.login_url.port(), Some(4001));
    assert_eq!(settings.tenant.ca_file, Some(PathBuf::from("conf/ca.pem")));
    assert_eq!(
        settings.tenant.credential,
        Credential::Certificate {
            certificate_file: PathBuf::from("conf/c.pem"),
            private_key_file: PathBuf::from("/k.pem"),
        }
    );
    assert_eq!(settings.directory.ca_file, Some(PathBuf::from("/dc.pem")));
    assert_eq!(settings.directory.server.port(), Some(6361));
    assert_eq!(settings.policies, Path::new("conf/../p"));
    assert_eq!(settings.schedule.interval, Duration::from_secs(30));
    assert_eq!(settings.schedule.confirm_after, Duration::from_secs(1));
    assert!(settings.http.status.is_ipv6());
    assert_eq!(settings.state, Path::new("conf/lib"));
    assert_eq!(settings.journal_retention, Duration::from_hours(240));
    assert_eq!(settings.admin_socket, Path::new("conf/run/w.sock"));
}

const WRONG_SETTINGS: &[(&str, &str, &str)] = &[
    (
        "writeback/v1alpha1",
        "v1",
        "1:13: `apiVersion` is `v1`, which is none of its values; \
          the one value is writeback/v1alpha1",
    ),
    (
        "name: corp",
        "name: Corp Ltd",
        "3:19: `metadata.name` is `Corp Ltd`, not a name; \
          use 1 to 50 characters of a-z, 0-9 and -",
    ),
    (
        "id: 11111111-2222-3333-4444-555555555555",
        "id: corp.onmicrosoft.com",
        "5:7: `tenant.id` is `corp.onmicrosoft.com`, not an id; \
          copy it from the tenant: 11111111-2222-3333-4444-555555555555",
    ),
    (
        "tenant:",
        "tenant:\n  cloud: Globl",
        "5:10: `tenant.cloud` is `Globl`, which is none of its values; \
          did you mean `Global`? \
          the values are Global, UsGovernment, UsGovernmentDod, China, Custom",
    ),
    (
        "tenant:",
        "tenant:\n  loginUrl: https://login.test",
        "5:3: `tenant.loginUrl` is only for `cloud: Custom`; leave it out, or set the cloud",
    ),
    (
        "{ clientSecretFile: secrets/client }",
        "{}",
        "7:15: `tenant.credential.clientSecretFile` is missing; \
          add clientSecretFile, certificate, federatedTokenFile or managedIdentity",
    ),
    (
        "{ clientSecretFile: secrets/client }",
        "{ clientSecretFile: a, certificate: { certificateFile: b, privateKeyFile: c } }",
        "7:38: `tenant.credential.certificate` stands beside `clientSecretFile`; \
          one credential is expected; keep exactly one",
    ),
    (
        "{ clientSecretFile: secrets/client }",
        "{ certificate: { certificateFile: b } }",
        "7:30: `tenant.credential.certificate.privateKeyFile` is missing; \
          add the field `privateKeyFile`",
    ),
    (
        "secrets/client",
        "''",
        "7:35: `tenant.credential.clientSecretFile` is empty; \
          write a value, or leave the field out where it has a default",
    ),
    (
        "ldaps://dc1.corp.example",
        "ldap://dc1.corp.example",
        "9:13: `directory.servers[0]` is `ldap://dc1.corp.example`: without TLS nothing is sent, \
          StartTLS is not supported yet; write it as ldaps://dc1.corp.example",
    ),
    (
        "ldaps://dc1.corp.example",
        "dc1.corp.example",
        "9:13: `directory.servers[0]` is `dc1.corp.example`, not an address; \
          write it as ldaps://dc1.corp.example",
    ),
    (
        "ldaps://dc1.corp.example",
        "ldaps://dc1.corp.example/DC=corp",
        "9:13: `directory.servers[0]` is `ldaps://dc1.corp.example/DC=corp`, \
          more than scheme, host and port; write it as ldaps://dc1.corp.example",
    ),
    (
        "[ldaps://dc1.corp.example]",
        "[ldaps://a.example, ldaps://b.example]",
        "9:32: `directory.servers[1]` is a second server, which is not supported yet; \
          name one server",
    ),
    (
        "[ldaps://dc1.corp.example]",
        "[]",
        "9:12: `directory.servers` is an empty list; \
          name one server: [ldaps://dc1.corp.example]",
    ),
    (
        "  servers:",
        "  domain: corp.example\n  servers:",
        "9:3: `directory.domain` is not supported yet; name one server in `servers`",
    ),
    (
        "  servers:",
        "  startTls: true\n  servers:",
        "9:3: `directory.startTls` is not supported yet; use an ldaps:// server",
    ),
    (
        "  servers:",
        "  globalCatalog: ldaps://a:3269\n  servers:",
        "9:3: `directory.globalCatalog` is not supported yet; \
          write the groups of one domain only",
    ),
    (
        "'CORP\\svc'",
        "''",
        "10:27: `directory.bind.simple.name` is empty; \
          write a value, or leave the field out where it has a default",
    ),
    (
        "'OU=Cloud Groups,DC=corp,DC=example'",
        "'OU=Cloud Groups'",
        "11:16: `directory.containers[0]` is `OU=Cloud Groups`, not a full name; \
          write a full name: 'OU=Groups,DC=corp,DC=example'",
    ),
    (
        "'OU=Cloud Groups,DC=corp,DC=example'",
        "'Cloud Groups'",
        "11:16: `directory.containers[0]` is not a distinguished name: \
          the component `Cloud Groups` has no `=`; \
          write a full name: 'OU=Groups,DC=corp,DC=example'",
    ),
    (
        "'OU=Cloud Groups,DC=corp,DC=example'",
        "'DC=corp,DC=example'",
        "11:16: `directory.containers[0]` is `DC=corp,DC=example`, a whole domain; \
          name an organisational unit inside it",
    ),
    (
        "'OU=Cloud Groups,DC=corp,DC=example'",
        "'OU=a,DC=x', 'ou=A, dc=X'",
        "11:29: `directory.containers[1]` is `ou=A,dc=X`, which is given twice; keep one",
    ),
    (
        "['OU=Cloud Groups,DC=corp,DC=example']",
        "[]",
        "11:15: `directory.containers` is an empty list; \
          name at least one: ['OU=Groups,DC=corp,DC=example']",
    ),
    ("{ path: /var/lib/writeback }", "{}", "12:8: `state.path` is missing; add the field `path`"),
    (
        "",
        "schedule: { interval: 60 }",
        "13:23: `schedule.interval` is `60`, not a duration; \
          write one whole number and one unit: 30s, 10m, 6h or 1d",
    ),
    (
        "",
        "schedule: { interval: 2d }",
        "13:23: `schedule.interval` is 2d, out of range; use 1s to 1d",
    ),
    (
        "",
        "schedule: { flagInterval: 10m }",
        "13:13: `schedule.flagInterval` is not supported yet; \
          leave it out: every pass reads the flags",
    ),
    (
        "",
        "schedule: { resync: 5m }",
        "13:13: `schedule.resync` is shorter than `schedule.interval`; \
          write a resync at least as long as the interval",
    ),
    (
        "",
        "http: { adminSocket: }",
        "13:9: `http.adminSocket` has no value; give it one, or leave it out",
    ),
    (
        "{ path: /var/lib/writeback }",
        "{ path: /w, journalRetention: 23h }",
        "12:38: `state.journalRetention` is 23h, out of range; use 1d to 3650d",
    ),
    (
        "{ path: /var/lib/writeback }",
        "{ path: /w, journalRetention: 4000d }",
        "12:38: `state.journalRetention` is 4000d, out of range; use 1d to 3650d",
    ),
    (
        "{ path: /var/lib/writeback }",
        "{ path: /w, journalRetention: 1y }",
        "12:38: `state.journalRetention` is `1y`, not a duration; \
          write one whole number and one unit: 30s, 10m, 6h or 1d",
    ),
    (
        "",
        "http: { listen: localhost }",
        "13:17: `http.listen` is `localhost`, not an address with a port; \
          write it as 127.0.0.1:9464 or '[::1]:9464'",
    ),
    (
        "",
        "http: { status: 127.0.0.1:9464 }",
        "13:9: `http.status` is the same address as `http.listen`; give each its own port",
    ),
    ("", "policy: { path: p }", "13:1: `policy` is not a known field; did you mean `policies`?"),
];

#[test]
fn each_wrong_setting_is_refused_at_its_place() {
    for (old, new, line) in WRONG_SETTINGS {
        refused(old, new, &[line]);
    }
}

#[test]
fn a_socket_whose_path_is_too_long_is_refused() {
    let fits = format!("/{}", "x".repeat(106));
    let text = |path: &str| format!("http: {{ adminSocket: {path} }}");
    assert_eq!(parse(&with("", &text(&fits))).unwrap().admin_socket, Path::new(&fits));
    let shown = format!("/{}…", "x".repeat(59));
    let told = |start: &str, bytes: usize| {
        format!(
            "{start}: `http.adminSocket` would be `{shown}`, {bytes} bytes long: a socket has at \
             most 107; name a shorter path, such as /run/writeback/admin.sock"
        )
    };
    refused("", &text(&format!("{fits}x")), &[&told("13:9", 108)]);
    refused("/var/lib/writeback", &fits, &[&told("1:1", 118)]);
}

#[test]
fn a_custom_cloud_needs_addresses_that_a_token_may_go_to() {
    refused(
        "tenant:",
        "tenant:\n  cloud: Custom",
        &[
            "5:3: `tenant.graphUrl` is missing; add the field `graphUrl`",
            "5:3: `tenant.loginUrl` is missing; add the field `loginUrl`",
            "5:3: `tenant.scope` is missing; add the field `scope`",
        ],
    );
    refused(
        "tenant:",
        "tenant:\n  cloud: Custom\n  loginUrl: http://login.test\n  \
         graphUrl: https://user@graph.test/v1.0\n  scope: https://graph.test/Group.Read.All",
        &[
            "6:13: `tenant.loginUrl` is `http://login.test`, not https://; \
             write it as https://graph.example",
            "7:13: `tenant.graphUrl` is `https://user@graph.test/v1.0`, \
             more than scheme, host and port; write it as https://graph.example",
            "8:10: `tenant.scope` is `https://graph.test/Group.Read.All`, not a scope; \
             write https://<Graph host>/.default",
        ],
    );
}

#[test]
fn all_mistakes_come_at_once() {
    let text = GOOD.replace("corp }", "C }").replace("ldaps", "ldap").replace("state", "stat");
    let found = parse(&text).unwrap_err();
    let places = found.iter().map(|line| line.split(": ").next().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        places,
        ["conf/w.yaml:1:1", "conf/w.yaml:3:19", "conf/w.yaml:9:13", "conf/w.yaml:12:1"],
        "{found:#?}"
    );
}

#[test]
fn a_policy_in_the_place_of_the_configuration_gets_one_message() {
    let text = "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nspec: { mode: Sync }\n";
    assert_eq!(
        parse(text).unwrap_err(),
        ["conf/w.yaml:2:7: `kind` is `WritebackPolicy`, which is none of its values; \
         the one value is DaemonConfiguration"]
    );
}

#[test]
fn a_missing_configuration_says_how_to_name_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.yaml");
    let found = Settings::load(&path).unwrap_err();
    let [only] = found.as_slice() else { panic!("{found:?}") };
    assert!(only.message.starts_with("the configuration cannot be read: "), "{only}");
    assert_eq!(only.remedy, "create it, or name another one with --config or WRITEBACK_CONFIG");
    fs::write(&path, GOOD).unwrap();
    let settings = Settings::load(&path).unwrap();
    assert_eq!(settings.policies, folder.path().join("policies"));
    assert_eq!(settings.file, path);
    assert!(is_configuration(&path) && !is_configuration(folder.path()));
    fs::write(&path, GOOD.replace("DaemonConfiguration", "WritebackPolicy")).unwrap();
    assert!(!is_configuration(&path));
}

#[test]
fn the_flag_wins_over_the_variable_and_the_variable_over_the_usual_places() {
    let named = |text: &str| Some(PathBuf::from(text));
    assert_eq!(choose(Some(Path::new("f")), named("v"), |_| true), Path::new("f"));
    assert_eq!(choose(None, named("v"), |_| true), Path::new("v"));
    assert_eq!(choose(None, None, |_| true), Path::new("config/writeback.yaml"));
    assert_eq!(choose(None, None, |_| false), Path::new("/etc/writeback/writeback.yaml"));
}

#[test]
fn every_credential_is_read() {
    for (given, expected) in [
        ("federatedTokenFile: t", Credential::FederatedTokenFile("conf/t".into())),
        ("managedIdentity: {}", Credential::ManagedIdentity { client_id: None }),
        (
            "managedIdentity: { clientId: 66666666-7777-8888-9999-000000000001 }",
            Credential::ManagedIdentity {
                client_id: Uuid::parse_str("66666666-7777-8888-9999-000000000001").ok(),
            },
        ),
    ] {
        let text = with("clientSecretFile: secrets/client", given);
        assert_eq!(parse(&text).unwrap().tenant.credential, expected);
    }
    let mistakes =
        parse(&with("clientSecretFile: secrets/client", "managedIdentity: { clientId: x }"));
    assert!(mistakes.unwrap_err().concat().contains("managedIdentity.clientId` is `x`, not an id"));
}

/// As listed by learn.microsoft.com/graph/deployments and, for logins,
/// learn.microsoft.com/entra/identity-platform/authentication-national-cloud.
#[test]
fn every_cloud_has_its_hosts_and_its_scope() {
    for (word, login, graph) in [
        ("Global", "login.microsoftonline.com", "graph.microsoft.com"),
        ("UsGovernment", "login.microsoftonline.us", "graph.microsoft.us"),
        ("UsGovernmentDod", "login.microsoftonline.us", "dod-graph.microsoft.us"),
        ("China", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
    ] {
        let text = with("tenant:", &format!("tenant:\n  cloud: {word}"));
        let cloud = parse(&text).unwrap().tenant.cloud;
        assert_eq!(cloud.login_url.as_str(), format!("https://{login}/"));
        assert_eq!(cloud.graph_url.as_str(), format!("https://{graph}/"));
        assert_eq!(cloud.scope, format!("https://{graph}/.default"));
        let text = with("tenant:", &format!("tenant:\n  cloud: {word}\n  scope: {}", cloud.scope));
        assert!(parse(&text).unwrap_err().concat().contains("only for `cloud: Custom`"));
    }
}

#[cfg(not(feature = "kerberos"))]
#[test]
fn a_build_without_kerberos_says_which_build_has_it() {
    refused(
        "simple: { name: 'CORP\\svc', passwordFile: secrets/bind }",
        "kerberos: { keytabFile: k, principal: p }",
        &["10:11: `directory.bind.kerberos` is not in this build of writeback; \
           use `simple`, or build with `cargo build --features kerberos`"],
    );
}

#[cfg(feature = "kerberos")]
#[test]
fn a_keytab_binds_over_a_plain_connection_that_it_seals() {
    let keytab = "kerberos: { keytabFile: k, principal: svc@CORP.EXAMPLE }";
    let simple = "simple: { name: 'CORP\\svc', passwordFile: secrets/bind }";
    let sealed = with(simple, keytab).replace("ldaps://", "ldap://");
    let Bind::Kerberos { principal, keytab_file } = parse(&sealed).unwrap().directory.bind else {
        panic!("the bind is another one");
    };
    assert_eq!(
        (principal.as_str(), keytab_file.as_path()),
        ("svc@CORP.EXAMPLE", Path::new("conf/k"))
    );
    assert!(parse(&with(simple, keytab)).unwrap_err().concat().contains("not ldap://"));
    let address = sealed.replace("dc1.corp.example", "127.0.0.1");
    assert!(parse(&address).unwrap_err().concat().contains("Kerberos knows servers by name"));
    let nobody = sealed.replace("svc@CORP.EXAMPLE", "svc");
    assert!(parse(&nobody).unwrap_err().concat().contains("not a principal"));
}
