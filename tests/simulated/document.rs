//! An approval that is reviewed as a file: `kind: Approval` beside the policies.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use writeback::controller::now;
use writeback::decide::guard::approve::USED_KEPT;
use writeback::model::Digest;
use writeback::settings::Settings;
use writeback::state::{Binding, State};

use crate::product::{Product, get};
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

/// Since when an approval is used up; with `sooner`, it is so long before that from then on.
fn used(product: &Product, digest: &str, sooner: SignedDuration) -> Timestamp {
    let settings = Settings::load(&product.path().join("writeback.yaml")).unwrap();
    let binding = Binding { tenant: settings.tenant.id, owner: settings.owner };
    let (mut state, opened) = State::open(&product.path().join("state"), binding).unwrap();
    let mut memory = opened.memory;
    let at = memory.used_approvals.get_mut(&Digest::parse(digest).unwrap()).unwrap();
    *at -= sooner;
    let at = *at;
    if !sooner.is_zero() {
        state.save(&memory, None, None).unwrap();
    }
    at
}

/// Everybody who was taken out comes back; then a day goes by, and they are to go again.
fn once_more(stage: &Stage, everybody: &[Uuid]) {
    let id = stage.id("All Employees");
    stage.cloud(|cloud| {
        everybody.iter().skip(1).try_for_each(|member| cloud.add_member(id, *member))
    });
    stage.product.run(&["apply"]).expect(0);
    // Who came within the last day may go again without a question.
    stage.product.a_day_later();
    stage.empty_nearly("All Employees");
}

/// Holds that no page offers the command that would be refused.
fn offers_nothing(stage: &Stage) {
    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    for path in ["/".to_owned(), format!("/groups/{}", stage.id("All Employees"))] {
        let page = get(&daemon.status, &path).1;
        assert!(page.contains("an approval is refused until <time"), "{page}");
        assert!(!page.contains("writeback approve"), "{page}");
    }
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
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
    // It is told where it was said.
    let place = format!("{}:1", product.path().join(FILE).display());
    assert_eq!(approvals[0]["place"], place.as_str(), "{}", approvals[0]);
    let shown = product.run(&["journal", "show"]).expect(0).stdout;
    assert!(shown.contains(&format!(" by Ada, CHG0042 in {place} until {soon}")), "{shown}");
    product.run(&["journal", "verify"]).expect(0);
    product.run(&["apply"]).expect(0);

    // The same set once more, and the file still lies there.
    once_more(&stage, &everybody);
    let told = product.run(&["apply"]).expect(3).stdout;
    assert_eq!(held(&told), digest);
    let at = used(product, &digest, SignedDuration::ZERO);
    let (short, until) = (&digest[..12], at + USED_KEPT);
    let command = format!("`writeback approve {short}`");
    for sentence in [
        format!("; {command} is refused until {until}, because an equal set was approved"),
        format!("{FILE}:1 lets nothing through: {short} was approved and used up at {at}"),
        "\n  ApprovalUsed: ".to_owned(),
    ] {
        assert!(told.contains(&sentence), "{sentence}: {told}");
    }
    assert!(!told.contains(&format!("{command} passes it once")), "{told}");
    let comment = product.run(&["plan", "--output", "markdown"]).expect(3).stdout;
    assert!(comment.contains(&format!("These changes wait: {command} is refused")), "{comment}");
    assert!(!comment.contains(&format!("\nwriteback approve {short}")), "{comment}");
    let status = product.run(&["status"]).expect(0).stdout;
    let set = format!("`writeback approve {digest}` is refused until {until}");
    assert!(status.contains(&set), "{status}");
    assert!(!status.contains("passes it once"), "{status}");
    let refused = product.run(&["apply", "--approve", &digest]).expect(1).stderr;
    let why = format!("{short} was approved and used up at {at}, and an equal set is refused");
    assert!(refused.contains(&format!("{why} until {until}")), "{refused}");
    assert!(refused.contains("raise the limit or undo the cause"), "{refused}");
    assert_eq!(stage.removals(), (11, 0), "a used approval lets nothing through");

    // Nor does the page offer what would be refused.
    offers_nothing(&stage);

    // From that time on a person may say it again; the document has ended by then.
    std::fs::remove_file(product.path().join(FILE)).unwrap();
    used(product, &digest, USED_KEPT);
    let told = product.run(&["plan"]).expect(3).stdout;
    assert!(told.contains(&format!("; {command} passes it once")), "{told}");
    assert!(!told.contains("ApprovalUsed"), "{told}");
    product.run(&["apply", "--approve", &digest]).expect(0);
    assert_eq!((stage.held(), stage.removals()), (stage.wanted(), (22, 0)));
    let journal = product.journal();
    for kind in ["approval", "approvalUsed"] {
        let notes = journal.iter().filter(|line| line["kind"] == kind).count();
        assert_eq!(notes, 2, "{kind}: {journal:#?}");
    }
    // And that one is used, too.
    product.run(&["apply", "--approve", &digest]).expect(1);
    assert!(used(product, &digest, SignedDuration::ZERO) > at);
}
