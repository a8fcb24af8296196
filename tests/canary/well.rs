//! Runs that go well.

use std::fs;

use crate::cage::{Cage, Way};
use crate::stage::until;

/// Every command that reads or writes, in the order of a first day.
fn a_first_day(way: Way) {
    let cage = Cage::new();
    let product = cage.product(way);
    let stage = &cage.stage;
    let secret = fs::read_to_string(product.path().join("bind-password")).unwrap();
    assert_eq!(cage.ear.hears(&secret), Some("the bind password"), "it is the one in use");
    cage.run(&product, &["validate"]).expect(0);
    cage.run(&product, &["discover"]);
    cage.run(&product, &["discover", "--output", "json"]);
    for form in ["text", "json", "markdown"] {
        cage.run(&product, &["plan", "--output", form]).expect(2);
    }
    cage.run(&product, &["apply"]).expect(0);
    cage.run(&product, &["status"]).expect(0);
    cage.run(&product, &["status", "--output", "json"]).expect(0);
    cage.run(&product, &["journal", "verify"]).expect(0);
    cage.run(&product, &["journal", "show"]).expect(0);
    cage.run(&product, &["release", "--all"]).expect(2);
    assert_eq!(stage.held(), stage.wanted(), "{way:?} has the rights that it needs");

    product.a_day_later();
    stage.empty_nearly("All Employees");
    let mut daemon = Cage::daemon(&product);
    daemon.passes(2);
    cage.watch(&product, &daemon);
    assert!(!daemon.status()["plan"]["heldDigest"].is_null(), "something is held");
    // Every token is bought again, and the secret shown again for it.
    stage.tenant.revoke_tokens();
    daemon.passes(2);
    cage.watch(&product, &daemon);
    daemon.signal("TERM");
    until("the daemon says that it ends", || daemon.log().contains("\"stopping\""));
    cage.ear.check("the log of the daemon at its end", &daemon.log());
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn a_day_with_a_client_secret_tells_no_secret() {
    a_first_day(Way::Secret);
}

#[test]
fn a_day_with_a_certificate_tells_no_secret() {
    a_first_day(Way::Certificate);
}

#[test]
fn a_day_with_a_federated_token_tells_no_secret() {
    a_first_day(Way::Federated);
}
