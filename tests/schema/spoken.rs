//! The words of explanations, discoveries and groups: those that the schemas offer are those that
//! are said.

use serde::Serialize;
use serde_json::Value;
use writeback::decide::explain::{Belonging, State as ExplainState};
use writeback::discover::{Approach, Code, OutlookVerdict, Setting};
use writeback::report::groups::members::MemberState;
use writeback::report::groups::sheet::{Part, PersonKind};
use writeback::report::groups::state::State;
use writeback::schema::Document;

/// Every variant of an enum; one that is not named does not compile. Behind a semicolon stands one
/// that holds words of its own.
macro_rules! every {
    ($kind:ident: $($variant:ident)+ $(; $holder:ident)?) => {{
        const _: fn($kind) = |one| match one {
            $($kind::$variant => (),)+
            $($kind::$holder(_) => (),)?
        };
        [$($kind::$variant),+]
    }};
}

/// The words that the schema of a document offers under this name.
#[track_caller]
fn offered(document: Document, name: &str) -> Vec<String> {
    let form = document.form();
    let words = form["$defs"][name]["oneOf"].as_array();
    let words = words.unwrap_or_else(|| panic!("{document:?} has no words {name}"));
    words
        .iter()
        .map(|word| {
            assert!(word["description"].is_string(), "{name}: {word}");
            word["const"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn printed<T: Serialize>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter()
        .map(|one| match serde_json::to_value(one) {
            Ok(Value::String(word)) => word,
            other => panic!("{other:?} is no word"),
        })
        .collect()
}

#[test]
fn the_words_of_an_explanation_are_those_of_its_schema() {
    let states = every!(ExplainState: Written Awaited Blocked Frozen Ending Unknown Idle Observed
        NotWritten);
    assert_eq!(offered(Document::Explain, "ExplainedState"), printed(states));
    let belonging = every!(Belonging: Both CloudOnly DirectoryOnly Neither);
    assert_eq!(offered(Document::Explain, "Belonging"), printed(belonging));
}

#[test]
fn the_words_of_a_discovery_are_those_of_its_schema() {
    let settings = every!(Setting: Unknown NotSet On Off);
    assert_eq!(offered(Document::Discover, "Setting"), printed(settings));
    let verdicts = every!(OutlookVerdict: Written Blocked TakenByAnother FlagOff NotSelected Never
        Unknown);
    assert_eq!(offered(Document::Discover, "OutlookVerdict"), printed(verdicts));
    assert_eq!(offered(Document::Discover, "Approach"), Approach::ALL.map(Approach::word));
    assert_eq!(offered(Document::Discover, "Approach"), printed(Approach::ALL));
    let problems = every!(Code: TenantUnavailable DomainUnavailable ReadIncomplete RightMissing
        RightExcess CredentialEnds LicenceMissing MicrosoftWritebackOn MicrosoftWritebackUnknown
        ContainerMissing ContainerOutsideDomain DirectoryRightMissing DirectoryRightExcess
        AnchorAttributeMissing SeveralDomains RecycleBinOff RecycleBinRefusesRestores
        PolicyStalled; Finding);
    assert_eq!(offered(Document::Discover, "EstateProblem"), printed(problems));
}

#[test]
fn the_words_of_groups_are_those_of_their_schemas() {
    for document in [Document::Groups, Document::Group] {
        assert_eq!(offered(document, "GroupState"), State::ALL.map(State::word));
    }
    assert_eq!(offered(Document::Group, "PlanPart"), Part::ALL.map(Part::word));
    let states = every!(MemberState: RemovalHeld AdditionHeld ToBeRemoved ToBeAdded LeftOut Member);
    assert_eq!(offered(Document::Group, "MemberState"), states.map(MemberState::word));
    let kinds = every!(PersonKind: User Device Group Contact Other);
    assert_eq!(offered(Document::Group, "MemberKind"), kinds.map(PersonKind::word));
}
