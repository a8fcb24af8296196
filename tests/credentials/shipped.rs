//! The shipped binary with credentials as the field uses them.

use std::process::Command;

use writeback::sim::identity::Platform;

use crate::product::Ran;
use crate::stage::Stage;

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_plan_is_made_with_the_managed_identity_of_a_vm() {
    let stage = Stage::small();
    let tokens = stage.tenant.tokens_of_machine();
    let platform = stage.runtime.block_on(Platform::vm(tokens)).unwrap();
    stage.product.reconfigure("clientSecretFile: client-secret", "managedIdentity: {}");
    let plan = |host: &str| {
        let mut command = stage.product.command(&["plan"]);
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", host);
        ran(command)
    };
    plan(&platform.host()).expect(2);
    assert_eq!(platform.requests().len(), 1);
    let told = plan("http://imds.example").expect(1);
    assert!(told.stderr.contains("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "{}", told.stderr);
    assert!(told.stderr.contains("leads away from this machine"), "{}", told.stderr);
    drop(platform);
}

#[test]
fn a_credential_that_ends_soon_is_a_problem_with_its_remedy() {
    let stage = Stage::small();
    let files = "certificate: { certificateFile: certificate.pem, privateKeyFile: key.pem }";
    stage.product.reconfigure("clientSecretFile: client-secret", files);
    stage.product.write("key.pem", stage.tenant.private_key_pem());
    let discover = |certificate: &str| {
        stage.product.write("certificate.pem", certificate);
        let told = stage.product.run(&["discover", "--output", "json"]);
        serde_json::from_str::<serde_json::Value>(&told.stdout).unwrap()
    };
    let ends = |found: &serde_json::Value| {
        let problems = found["problems"].as_array().unwrap().clone();
        problems.into_iter().find(|problem| problem["code"] == "CredentialEnds")
    };
    let found = discover(stage.tenant.certificate_pem());
    assert_eq!(ends(&found), None);
    let told = &found["facts"]["credentials"];
    assert!(told["certificate"].as_str().unwrap().ends_with("ends 2100-12-31T00:00:00Z"), "{told}");
    assert!(told["bindPassword"].as_str().unwrap().contains("does not say when it ends"), "{told}");
    let problem = ends(&discover(stage.tenant.expired_certificate_pem())).unwrap();
    assert_eq!(problem["subject"], "certificate");
    let what = problem["what"].as_str().unwrap();
    assert!(what.contains("certificate.pem ended 2001-12-31"), "{what}");
    assert!(problem["remedy"].as_str().unwrap().contains("no restart is needed"), "{problem}");
}
