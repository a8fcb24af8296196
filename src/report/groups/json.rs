//! Groups as JSON: what `/api/v1/groups` and `/api/v1/groups/ID` answer.

use serde_json::{Map, Value, json};

use crate::report::groups::View;
use crate::report::groups::question::{Leaf, Question, Window};
use crate::report::groups::sheet::Group;
use crate::report::groups::state::State;

const API_VERSION: &str = "writeback/v1alpha1";

/// One page of the groups that a question asks for, with the number of all.
pub fn list(view: &View, question: &Question) -> Value {
    let (groups, window) = question.pick(view);
    let counts = view.counts();
    let states = State::ALL.into_iter();
    let states = states.map(|s| (s.word().to_owned(), json!(counts.get(&s).unwrap_or(&0))));
    let items: Vec<Value> = groups.into_iter().map(|group| brief(view, group)).collect();
    let Window { total, page, pages, limit } = window;
    json!({
        "apiVersion": API_VERSION,
        "kind": "GroupList",
        "at": view.sheet().at,
        "states": states.collect::<Map<_, _>>(),
        "total": total,
        "page": page,
        "pages": pages,
        "limit": limit,
        "items": items,
    })
}

/// One group whole; its members page by page. Its conditions stand here and not in the list: their
/// 1,000 bytes would more than double what the list tells of a group, and its state sums them up.
pub fn one(view: &View, group: &Group, leaf: Leaf) -> Value {
    let sheet = view.sheet();
    let members = view.members(group);
    let window = Window::of(members.rows.len(), leaf.page, leaf.limit);
    let rows = window.cut(members.rows.iter()).map(|(state, person)| {
        let (name, kind) = (&person.label, person.kind.word());
        json!({ "name": name, "kind": kind, "state": state.word(), "group": person.group })
    });
    let changes = sheet.lines_of(group).into_iter().map(|line| {
        let (part, kind) = (line.part.word(), line.kind.word());
        json!({ "part": part, "kind": kind, "text": line.text, "cause": line.cause })
    });
    let history = view.history(group.id).into_iter().map(|deed| {
        json!({
            "at": deed.at,
            "kind": deed.kind.word(),
            "text": deed.text,
            "cause": deed.cause,
            "outcome": deed.outcome,
            "message": deed.message,
            "setAside": deed.set_aside,
        })
    });
    let mut value = brief(view, group);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("apiVersion".into(), json!(API_VERSION));
        fields.insert("kind".into(), json!("Group"));
        fields.insert("at".into(), json!(sheet.at));
        fields.insert("conditions".into(), json!(view.conditions(group)));
        fields.insert("changes".into(), changes.collect());
        fields.insert("findings".into(), json!(sheet.findings_of(group)));
        fields.insert("history".into(), history.collect());
        let members = json!({
            "total": window.total,
            "page": window.page,
            "pages": window.pages,
            "limit": window.limit,
            "leftOutUnnamed": members.unnamed,
            "items": rows.collect::<Vec<_>>(),
        });
        fields.insert("members".into(), members);
    }
    value
}

fn brief(view: &View, group: &Group) -> Value {
    json!({
        "id": group.id,
        "displayName": group.name,
        "policy": group.policy,
        "state": view.state(group).word(),
        "reason": view.reason(group),
        "since": view.since(group),
        "dn": view.dn(group),
        "objectGuid": view.object(group),
        "memberCount": view.member_count(group),
        "findingCount": group.finding_count(),
        "changeCount": group.line_count(),
    })
}
