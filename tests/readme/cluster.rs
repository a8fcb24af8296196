//! What stands for the command lines of a cluster: `kubectl` itself as far as it goes without one,
//! and a stand-in for it where a script asks the cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde::Deserialize as _;
use serde_json::Value;

use crate::blocks::{project, read};
use crate::ground::Ground;

/// What the pods of the base are configured with.
pub const CONFIGURATION: &str = "deploy/kubernetes/base/instance/writeback.yaml";

/// A cluster that has the StatefulSet `$THE_SET`, whose pod ends with 2 after a while, and which
/// cannot make a pod where `$REFUSES` is set. It notes what it is asked in `$CALLS`.
const CLUSTER: &str = r#"#!/bin/sh
printf '%s\n' "$*" >>"$CALLS"
case $* in
    *' get statefulset '*) cat "$THE_SET" ;;
    *' create -f -') cat >"$CALLS.pod"; [ -z "$REFUSES" ] ;;
    *.status.phase*)
        case $(grep -c status.phase "$CALLS") in
            1) printf Pending ;;
            2) printf Running ;;
            *) printf Failed ;;
        esac ;;
    *exitCode*) printf 2 ;;
    *' logs '*) echo 'digest 1a2b3c4d5e6f' ;;
esac
"#;

fn kubectl(words: &[&str], folder: &Path) -> Output {
    let ran = Command::new("kubectl").args(words).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    ran
}

/// `kubectl apply -k FOLDER`: it renders. The part `manifest` of `tests/run` checks the renderings.
pub fn applies(_: &mut Ground, words: &[String]) {
    rendered(&words[3]);
}

fn rendered(folder: &str) -> Vec<Value> {
    let folder = project(folder);
    let text = kubectl(&["kustomize", "."], &folder).stdout;
    let documents = serde_yaml::Deserializer::from_slice(&text).map(Value::deserialize);
    let documents: Vec<Value> = documents.map(Result::unwrap).collect();
    assert!(documents.len() > 3, "{documents:?}");
    documents
}

/// `kubectl … create … NAME --from-file=…`: what is made holds each file, the pod mounts it under
/// `field`, and its configuration names every file of it.
pub fn is_asked_for(field: &str, name: &str, words: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let files = words.iter().filter_map(|word| word.strip_prefix("--from-file="));
    let files: Vec<&str> = files.collect();
    for file in &files {
        fs::write(folder.path().join(file), "not empty").unwrap();
    }
    let mut all: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    all.extend(["--dry-run=client", "--output=json"]);
    let made: Value = serde_json::from_slice(&kubectl(&all, folder.path()).stdout).unwrap();
    assert_eq!(
        (&made["metadata"]["name"], &made["metadata"]["namespace"]),
        (&name.into(), &"writeback".into())
    );
    let held = made["data"].as_object().unwrap();
    assert!(
        held.len() == files.len() && files.iter().all(|file| held.contains_key(*file)),
        "{made}"
    );
    let pod = read("deploy/kubernetes/base/instance/stateful-set.yaml");
    assert!(pod.contains(&format!("{field}{name}\n")), "the pod mounts no {name}");
    let configuration = read(CONFIGURATION);
    for file in files {
        let named = configuration.lines().any(|line| line.ends_with(&format!("/{file}")));
        assert!(named, "the configuration names no {file}");
    }
}

/// `deploy/kubernetes/by-hand COMMAND…`: the daemon is stopped, the command is run in its place and
/// waited for, and the daemon comes back whatever became of it.
pub fn runs_by_hand(_: &mut Ground, words: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let stand_in = folder.path().join("kubectl");
    fs::write(&stand_in, CLUSTER).unwrap();
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
    let documents = rendered("deploy/kubernetes/base");
    let set = documents.iter().find(|document| document["kind"] == "StatefulSet").unwrap();
    fs::write(folder.path().join("set"), set.to_string()).unwrap();
    let calls = folder.path().join("calls");
    #[expect(clippy::disallowed_methods, reason = "the stand-in comes before what is there")]
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let run = |refuses: &str| {
        fs::write(&calls, "").unwrap();
        let mut command = Command::new(project(&words[0]));
        command.args(&words[1..]).env("PATH", &path).env("CALLS", &calls);
        command.env("THE_SET", folder.path().join("set")).env("REFUSES", refuses).output().unwrap()
    };

    let ran = run("");
    let told = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(ran.status.code(), Some(2), "the status of the command: {ran:?}");
    assert!(told.contains("digest 1a2b3c4d5e6f"), "{told}");
    let pod: Value =
        serde_json::from_slice(&fs::read(folder.path().join("calls.pod")).unwrap()).unwrap();
    assert_eq!(pod["spec"]["containers"][0]["args"], serde_json::json!(words[1..]));
    let asked = fs::read_to_string(&calls).unwrap();
    let deeds = [
        "--replicas=0",
        "--for=delete pod/writeback-0",
        "create -f -",
        "logs",
        "delete pod writeback-by-hand",
        "--replicas=1",
    ];
    let places = deeds.map(|deed| asked.find(deed).unwrap_or_else(|| panic!("no {deed}: {asked}")));
    assert!(places.is_sorted(), "{asked}");

    let ran = run("yes");
    let asked = fs::read_to_string(&calls).unwrap();
    assert!(!ran.status.success() && asked.ends_with("--replicas=1\n"), "{ran:?}: {asked}");
}
