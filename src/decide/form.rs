//! Values that the directory keeps in a form of its own: written once, then taken for equal.
//!
//! A value that was written by the last pass and now stands there in other blanks or another case
//! was not changed by anybody: writing it again and again would never end.

use std::collections::BTreeMap;

use crate::decide::Inputs;
use crate::model::change::{Change, Effect};
use crate::model::memory::Form;
use crate::model::{AttributeChange, AttributeName, ObjectGuid};

/// Which attribute of which object.
pub type Spot = (ObjectGuid, AttributeName);

/// Whether the change would write what already stands there in the directory's own form.
pub fn is_known(inputs: &Inputs<'_>, object: ObjectGuid, change: &AttributeChange) -> bool {
    let known = inputs.memory.forms.get(&(object, change.name.clone()));
    known.zip(form(change)).is_some_and(|(known, form)| *known == form)
}

/// The form of a change that shows that the directory keeps the value in its own way.
pub fn learnt(
    inputs: &Inputs<'_>,
    object: ObjectGuid,
    change: &AttributeChange,
) -> Option<(Spot, Form)> {
    let spot = (object, change.name.clone());
    let form = form(change)?;
    let just_written = inputs.memory.written.get(&spot) == Some(&form.written);
    (just_written && essence(&form.written) == essence(&form.stands)).then_some((spot, form))
}

/// The values that a change which was made left on an object.
pub fn written(object: ObjectGuid, change: &Change) -> BTreeMap<Spot, String> {
    let value = |name: &AttributeName, value: &String| ((object, name.clone()), value.clone());
    match &change.effect {
        Effect::Create { attributes } => {
            attributes.iter().map(|(name, text)| value(name, text)).collect()
        }
        Effect::Update { attributes } | Effect::Adopt { attributes } => attributes
            .iter()
            .filter_map(|change| Some(value(&change.name, change.after.as_ref()?)))
            .collect(),
        Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::AddMembers { .. }
        | Effect::RemoveMembers { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Release { .. }
        | Effect::Freeze => BTreeMap::new(),
    }
}

fn form(change: &AttributeChange) -> Option<Form> {
    Some(Form { written: change.after.clone()?, stands: change.before.clone()? })
}

/// A text without regard to case and blanks.
fn essence(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").to_lowercase()
}
