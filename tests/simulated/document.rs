//! An approval that is reviewed as a file: `kind: Approval` beside the policies.

use jiff::{SignedDuration, Timestamp};
use writeback::controller::now;

use crate::product::Product;
use crate::stage::Stage;

const FILE: &str = "policies/approval.yaml";

/// Writes the document.
fn approve(product: &Product, digest: &str, until: Timestamp) {
    let text = format!(
        "apiVersion: writeback/v1alpha1\nkind: Approval\nmetadata: {{ name: chg0042 }}\n\
         spec: {{ digest: '{digest}', approvedBy: 'Ada, CHG0042', notAfter: {until} }}\n"
    );
    product.write(FILE, &text);
}

/// The digest of what a plan holds.
fn held(text: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("held "));
    lines.find(|digest| digest.len() == 64).unwrap().to_owned()
}

#[test]
fn a_document_lets_the_set_that_it_names_through_once_and_nothing_more() {
    let stage = Stage::written();
    let product = &stage.product;
    product.a_day_later();
    let everybody = stage.tenant.cloud().group(stage.id("All Employees")).unwrap().members.clone();
    stage.empty_nearly("All Employees");
    let digest = held(&product.run(&["apply"]).expect(3).stdout);
    let soon = now() + SignedDuration::from_hours(1);
    for (other, until) in
        [("0123456789abcdef", soon), (&digest, now() - SignedDuration::from_hours(1))]
    {
        approve(product, other, until);
        product.run(&["apply"]).expect(3);
        assert_eq!(stage.removals(), (0, 0), "{other} until {until}");
    }

    approve(product, &digest[..12], soon);
    product.run(&["validate"]).expect(0);
    let shown = product.run(&["plan"]).expect(2).stdout;
    assert!(shown.contains("Ada, CHG0042"), "{shown}");
    product.run(&["apply"]).expect(0);
    assert_eq!((stage.held(), stage.removals()), (stage.wanted(), (11, 0)));
    let journal = product.journal();
    let approvals: Vec<_> = journal.iter().filter(|line| line["kind"] == "approval").collect();
    assert_eq!(approvals.len(), 1, "{journal:#?}");
    assert!(approvals[0].to_string().contains("Ada, CHG0042"), "{}", approvals[0]);
    product.run(&["apply"]).expect(0);

    // The same set once more, and the file still lies there.
    let id = stage.id("All Employees");
    stage.cloud(|cloud| {
        everybody.iter().skip(1).try_for_each(|member| cloud.add_member(id, *member))
    });
    product.run(&["apply"]).expect(0);
    // Who came within the last day may go again without a question.
    product.a_day_later();
    stage.empty_nearly("All Employees");
    assert_eq!(held(&product.run(&["apply"]).expect(3).stdout), digest);
    assert_eq!(stage.removals(), (11, 0), "a used approval lets nothing through");
}
