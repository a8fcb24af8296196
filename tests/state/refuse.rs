//! Whom a state is refused to: it is left as it is.

use std::fs;
use std::path::Path;

use redb::{Database, TableDefinition};
use writeback::model::TenantId;
use writeback::state::{Binding, FILE_NAME, Found, State, StateError, stamp};

use crate::binding;
use crate::memories::memory;

const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");

fn saved() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = State::open(folder.path(), binding()).unwrap();
    state.bind_domain("DC=corp,DC=example").unwrap();
    state.save(&memory(0, 5), None, None).unwrap();
    folder
}

/// Changes a row of the table `about` behind the state's back.
fn rewrite(folder: &Path, key: &str, value: &str) {
    let database = Database::open(folder.join(FILE_NAME)).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(ABOUT).unwrap().insert(key, value).unwrap();
    writing.commit().unwrap();
}

/// Opens for writing and for reading; both refuse with the same words, and nothing is set aside.
fn refusal(folder: &Path, asked: &Binding) -> (StateError, String) {
    let refused = State::open(folder, asked.clone()).unwrap_err();
    let text = refused.to_string();
    assert_eq!(State::read(folder, asked).unwrap_err().to_string(), text);
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| name != stamp::FILE_NAME);
    assert_eq!(names, [FILE_NAME], "{text}");
    (refused, text)
}

#[test]
fn the_state_of_another_tenant_or_owner_is_refused_by_name() {
    let folder = saved();
    let tenant = TenantId::parse("99999999-2222-3333-4444-555555555555").unwrap();
    let (refused, text) = refusal(folder.path(), &Binding { tenant, ..binding() });
    assert!(matches!(refused, StateError::OtherTenant { .. }), "{refused:?}");
    assert!(text.contains("11111111-2222") && text.contains("99999999-2222"), "{text}");
    let owner = "branch".to_owned();
    let (refused, text) = refusal(folder.path(), &Binding { owner, ..binding() });
    assert!(matches!(refused, StateError::OtherOwner { .. }), "{refused:?}");
    assert!(text.contains("\"corp\"") && text.contains("\"branch\""), "{text}");
    assert_eq!(State::open(folder.path(), binding()).unwrap().1.status, Found::Known);
}

#[test]
fn the_state_of_another_domain_is_refused_by_name() {
    let folder = saved();
    let (mut state, opened) = State::open(folder.path(), binding()).unwrap();
    assert_eq!(opened.domain.as_deref(), Some("DC=corp,DC=example"));
    state.bind_domain("dc=Corp,dc=example").unwrap();
    let refused = state.bind_domain("DC=lab,DC=example").unwrap_err();
    assert!(matches!(refused, StateError::OtherDomain { .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("DC=corp,DC=example") && text.contains("DC=lab,DC=example"), "{text}");
}

#[test]
fn a_state_of_a_newer_version_is_refused_by_name_and_left_alone() {
    let folder = saved();
    rewrite(folder.path(), "version", "2");
    // Whatever else a later version says there.
    rewrite(folder.path(), "tenant", "elsewhere");
    let (refused, text) = refusal(folder.path(), &binding());
    assert!(matches!(refused, StateError::Newer { found: 2, .. }), "{refused:?}");
    assert!(text.contains("made by a newer writeback"), "{text}");
}

#[test]
fn a_state_that_does_not_say_its_format_is_damaged() {
    for version in ["", "0", "one", "-1"] {
        let folder = saved();
        rewrite(folder.path(), "version", version);
        let read = State::read(folder.path(), &binding()).unwrap_err();
        assert!(matches!(read, StateError::Damaged { .. }), "{read:?}");
        let (_, opened) = State::open(folder.path(), binding()).unwrap();
        assert!(matches!(opened.status, Found::Damaged { .. }), "{version}: {opened:?}");
    }
}

#[test]
fn a_state_that_is_open_is_refused_to_writers_and_readers_until_it_is_closed() {
    let folder = saved();
    let (state, _) = State::open(folder.path(), binding()).unwrap();
    let (refused, text) = refusal(folder.path(), &binding());
    assert!(matches!(refused, StateError::Held { .. }), "{refused:?}");
    assert!(text.contains("another writeback holds it"), "{text}");
    drop(state);
    assert!(State::read(folder.path(), &binding()).unwrap().is_some());
    assert_eq!(State::open(folder.path(), binding()).unwrap().1.status, Found::Known);
}
