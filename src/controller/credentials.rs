//! Watches the files of credentials: tells when each of them ends, and when one was renewed.
//!
//! Input: the settings. Output: `Event::CredentialSeen` for every credential when it is first read
//! and when it has changed, and a digest of all files for the loop that waits for renewed ones.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use secrecy::zeroize::Zeroize as _;

use crate::controller::now;
use crate::model::Digest;
use crate::report::Report;
use crate::report::events::Event;
use crate::settings::Settings;

/// The part of a file that is compared, bytes: the whole store of a Linux system, the largest file
/// of authorities there is, has about 250 KiB.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What was told of credentials so far.
#[derive(Debug, Default)]
pub struct Credentials {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    files: Option<Digest>,
    ends: BTreeMap<&'static str, Option<Timestamp>>,
}

impl Told {
    /// Whether everything that was told holds as yet. Of several authorities in one file the next
    /// to end is told, and when it has ended that is another one.
    fn holds(&self, files: Digest, at: Timestamp) -> bool {
        self.files == Some(files) && self.ends.values().flatten().all(|end| *end > at)
    }
}

impl Credentials {
    /// Looks at the files, tells what is new of them, and gives a digest of all of them.
    pub fn look(&self, settings: &Settings, report: &Report) -> Digest {
        self.look_at(settings, report, now())
    }

    fn look_at(&self, settings: &Settings, report: &Report, at: Timestamp) -> Digest {
        let files = digest(settings);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.holds(files, at) {
            return files;
        }
        told.files = Some(files);
        for seen in settings.read_credentials(at) {
            let (credential, expires) = (seen.credential.word, seen.expires);
            if told.ends.insert(credential, expires) != Some(expires) {
                report.emit(&Event::CredentialSeen { credential, expires });
            }
        }
        files
    }
}

fn digest(settings: &Settings) -> Digest {
    let contents: Vec<String> = settings.secret_files().into_iter().map(content).collect();
    Digest::of(contents.join("\n").as_bytes())
}

/// A digest of the file's bytes as they are: a keytab is no text, and a file of authorities may be
/// larger than any secret. A file that cannot be read has none, and its return is a change too.
fn content(file: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    let digest = read.map(|_| Digest::of(&bytes).to_string()).unwrap_or_default();
    bytes.zeroize();
    digest
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::status::Status;

    /// The files of a configuration in the order of `Settings::secret_files`.
    const FILES: [&str; 5] = ["certificate", "key", "bind", "tenant-ca", "directory-ca"];

    fn settings(folder: &Path, bind: &str, server: &str, ca: &str) -> Settings {
        let text = format!(
            "apiVersion: writeback/v1alpha1
kind: DaemonConfiguration
metadata: {{ name: corp }}
tenant:
  id: 11111111-2222-3333-4444-555555555555
  clientId: 66666666-7777-8888-9999-000000000000
  credential: {{ certificate: {{ certificateFile: certificate, privateKeyFile: key }} }}
  caFile: tenant-ca
directory:
  servers: [{server}]
  bind: {{ {bind} }}
{ca}  containers: ['OU=a,DC=b']
state: {{ path: state }}
"
        );
        Settings::parse(&folder.join("writeback.yaml"), text.as_bytes()).unwrap()
    }

    /// Every change of one of these files makes another digest, and taking it back the first one.
    #[track_caller]
    fn assert_noticed(folder: &Path, settings: &Settings, files: &[&str]) {
        assert_eq!(settings.secret_files().len(), files.len());
        // Not text, and larger than a secret may be: a keytab is the one, a file of authorities can
        // be the other.
        let large = [vec![0xFF; 300_000], b"one".to_vec()].concat();
        for content in [b"first".as_slice(), &large] {
            for file in files {
                fs::write(folder.join(file), content).unwrap();
            }
            let before = digest(settings);
            assert_eq!(digest(settings), before);
            let mut seen = vec![before];
            for file in files {
                let mut other = content.to_vec();
                *other.last_mut().unwrap() ^= 1;
                for changed in [Some(other.as_slice()), Some(b""), None] {
                    match changed {
                        Some(bytes) => fs::write(folder.join(file), bytes).unwrap(),
                        None => fs::remove_file(folder.join(file)).unwrap(),
                    }
                    let now = digest(settings);
                    assert!(!seen.contains(&now), "{file} {changed:?}");
                    seen.push(now);
                }
                fs::write(folder.join(file), content).unwrap();
                assert_eq!(digest(settings), before, "{file}");
            }
        }
    }

    /// The ends of credentials, as the metrics tell them.
    fn ends(report: &Report) -> BTreeMap<String, String> {
        let text = report.metrics().text();
        let lines = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("writeback_credential_expiry_timestamp_seconds{")?;
            let (labels, value) = rest.rsplit_once("} ")?;
            let word = labels.split('"').nth(1)?;
            Some((word.to_owned(), value.to_owned()))
        });
        lines.collect()
    }

    #[cfg(feature = "sim")]
    #[test]
    fn when_an_authority_has_ended_the_end_of_the_next_one_is_told_without_any_change() {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let authorities = [2027, 2037].map(|year| {
            let mut parameters = rcgen::CertificateParams::default();
            parameters.not_after = rcgen::date_time_ymd(year, 5, 4);
            parameters.self_signed(&key).unwrap().pem()
        });
        fs::write(folder.path().join("tenant-ca"), authorities.concat()).unwrap();
        let bind = "simple: { name: a, passwordFile: bind }";
        let settings = settings(folder.path(), bind, "ldaps://dc1.corp.example", "");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let report = Report::new(Status::new("corp", "writeback.yaml", at("2026-01-01T00:00:00Z")));
        let credentials = Credentials::default();
        let mut seen = Vec::new();
        for day in ["2026-11-23", "2027-05-03", "2027-05-05", "2037-05-05"] {
            credentials.look_at(&settings, &report, at(&format!("{day}T00:00:00Z")));
            seen.push(ends(&report)["tenant_ca"].clone());
        }
        let (old, new) = (at("2027-05-04T00:00:00Z"), at("2037-05-04T00:00:00Z"));
        assert_eq!(seen, [old, old, new, new].map(|end| end.as_second().to_string()));
    }

    #[test]
    fn every_change_of_every_secret_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let bind = "simple: { name: a, passwordFile: bind }";
        let ca = "  caFile: directory-ca\n";
        let settings = settings(folder.path(), bind, "ldaps://dc1.corp.example", ca);
        assert_noticed(folder.path(), &settings, &FILES);
    }

    #[cfg(feature = "kerberos")]
    #[test]
    fn every_change_of_a_keytab_is_noticed_with_kerberos() {
        let folder = tempfile::tempdir().unwrap();
        let bind = "kerberos: { keytabFile: bind, principal: svc@CORP.EXAMPLE }";
        let settings = settings(folder.path(), bind, "ldap://dc1.corp.example", "");
        assert_noticed(folder.path(), &settings, &["certificate", "key", "bind", "tenant-ca"]);
    }
}
