//! A runner for the workflow files: every block is given to bash, with what a forge gives to it, a
//! forge that is a folder, and the shipped binary as `writeback`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;
use tempfile::TempDir;

use crate::product::{Product, Ran};
use crate::stage::Stage;

/// Where the workflow files are.
pub fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

/// A file of `deploy/`, parsed.
pub fn parsed(name: &str) -> Value {
    let text = fs::read_to_string(deploy(name)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A checkout on a runner.
pub struct Runner<'s> {
    folder: TempDir,
    product: &'s Product,
    variables: BTreeMap<String, String>,
}

impl<'s> Runner<'s> {
    /// The folder of the stage's product as `config/`, with its configuration as that of both jobs.
    /// The plan takes its credentials from where the workflow puts them.
    pub fn new(stage: &'s Stage) -> Self {
        let product = &stage.product;
        let text = fs::read_to_string(product.path().join("writeback.yaml")).unwrap();
        product.write("apply.yaml", &text);
        let of_plan = text
            .replace(
                "clientSecretFile: client-secret",
                "clientSecretFile: credentials/federated-token",
            )
            .replace("passwordFile: bind-password", "passwordFile: credentials/directory-password");
        assert_ne!(text, of_plan);
        product.write("plan.yaml", &of_plan);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["bin", "forge", "temp"] {
            fs::create_dir(path(name)).unwrap();
        }
        symlink(product.path(), path("config")).unwrap();
        symlink(env!("CARGO_BIN_EXE_writeback"), path("bin/writeback")).unwrap();
        for tool in ["gh", "curl"] {
            let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pull_request").join(tool);
            fs::copy(own, path("bin").join(tool)).unwrap();
            let all = fs::Permissions::from_mode(0o755);
            fs::set_permissions(path("bin").join(tool), all).unwrap();
        }
        fs::write(path("forge/token"), stage.tenant.client_secret()).unwrap();
        let password = &stage.domain.service_account().password;
        fs::write(path("forge/password"), password).unwrap();
        let text = |path: PathBuf| path.display().to_string();
        let variables = [
            ("FORGE", text(path("forge"))),
            ("RUNNER_TEMP", text(path("temp"))),
            ("GITHUB_ENV", text(path("temp/env"))),
            ("GITHUB_STEP_SUMMARY", text(path("temp/summary"))),
            ("GITHUB_REPOSITORY", "corp/groups".to_owned()),
            ("GITHUB_SHA", "0".repeat(40)),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example/?api-version=2".to_owned()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-this-run".to_owned()),
            ("CI_API_V4_URL", "https://gitlab.example/api/v4".to_owned()),
            ("CI_PROJECT_ID", "42".to_owned()),
            ("CI_MERGE_REQUEST_IID", "7".to_owned()),
            ("CI_COMMIT_SHA", "0".repeat(40)),
            ("CI_DEFAULT_BRANCH", "main".to_owned()),
            ("WRITEBACK_PASSWORD_FILE", text(path("forge/password"))),
            ("WRITEBACK_TOKEN", stage.tenant.client_secret().to_owned()),
            ("WRITEBACK_NOTES_TOKEN", "of-the-project".to_owned()),
            ("WRITEBACK_NOTES_AUTHOR", "bot".to_owned()),
            ("WRITEBACK_DAEMON", String::new()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let variables = BTreeMap::from(variables);
        Self { folder, product, variables }
    }

    /// Names the daemon whose memory counts.
    pub fn with_daemon(mut self, url: &str) -> Self {
        self.variables.insert("WRITEBACK_DAEMON".to_owned(), url.to_owned());
        self
    }

    /// A file of the forge.
    pub fn forge(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("forge").join(name)).unwrap_or_default()
    }

    /// Writes a file of the forge.
    pub fn write_forge(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("forge").join(name), text).unwrap();
    }

    /// Runs the steps of a GitHub workflow that has one job, until one fails; those that always run
    /// run in any case.
    pub fn github(&self, name: &str) -> Ran {
        let file = parsed(&format!("github/{name}"));
        let jobs = file["jobs"].as_mapping().unwrap();
        let (_, job) = jobs.iter().next().unwrap();
        let _gone = fs::remove_file(self.folder.path().join("temp/env"));
        let mut all = Ran { code: 0, stdout: String::new(), stderr: String::new() };
        for step in job["steps"].as_sequence().unwrap() {
            let Some(block) = step["run"].as_str() else { continue };
            if all.code != 0 && step["if"].as_str() != Some("always()") {
                continue;
            }
            let mut variables = self.variables.clone();
            let own = step["env"].as_mapping().into_iter().flatten();
            for (key, value) in own {
                let value = self.expression(value.as_str().unwrap());
                variables.insert(key.as_str().unwrap().to_owned(), value);
            }
            let handed_on = fs::read_to_string(self.folder.path().join("temp/env"));
            for line in handed_on.unwrap_or_default().lines() {
                let (key, value) = line.split_once('=').unwrap();
                variables.insert(key.to_owned(), value.to_owned());
            }
            // As the runner calls it (docs.github.com, jobs.<job_id>.steps[*].shell).
            let ran = self.bash(&["-e"], block, &variables);
            all.stdout.push_str(&ran.stdout);
            all.stderr.push_str(&ran.stderr);
            if all.code == 0 {
                all.code = ran.code;
            }
        }
        all
    }

    /// The expressions of the files, and no others.
    fn expression(&self, text: &str) -> String {
        match text {
            "${{ github.token }}" => "of-this-run".to_owned(),
            "${{ github.event.pull_request.number }}" => "7".to_owned(),
            "${{ secrets.WRITEBACK_DIRECTORY_READ_PASSWORD }}" => self.forge("password"),
            other => panic!("nobody knows {other}"),
        }
    }

    /// Runs the script of a GitLab job.
    pub fn gitlab(&self, job: &str) -> Ran {
        let file = parsed("gitlab/.gitlab-ci.yml");
        let blocks: Vec<&str> = file[job]["script"]
            .as_sequence()
            .unwrap()
            .iter()
            .map(|b| b.as_str().unwrap())
            .collect();
        // As the runner calls it: one script for all (docs.gitlab.com/runner/shells).
        self.bash(&["-e", "-o", "pipefail"], &blocks.join("\n"), &self.variables)
    }

    fn bash(&self, options: &[&str], block: &str, variables: &BTreeMap<String, String>) -> Ran {
        let file = self.folder.path().join("temp/block.sh");
        fs::write(&file, block).unwrap();
        let bin = self.folder.path().join("bin");
        let output = Command::new("bash")
            .args(options)
            .arg(&file)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
            .env("HOME", self.folder.path())
            .envs(variables)
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Whether a job left a credential behind.
    pub fn leaves_credentials(&self) -> bool {
        self.product.path().join("credentials").exists()
    }
}
