//! What a step of an expression gives.
//!
//! Made and read by the evaluation alone. Copies are cheap: texts and lists are shared.

use std::sync::Arc;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `bool`
    Truth(bool),
    /// `int`
    Number(i64),
    /// `string`
    Text(Arc<str>),
    /// `list`
    List(Arc<[Value]>),
}

impl Value {
    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A list of values.
    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::from(items))
    }

    /// The number it is.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Truth(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The text it is.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Truth(_) | Self::Number(_) | Self::List(_) => None,
        }
    }
}
