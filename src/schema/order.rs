//! The order in which the fields of a document are declared.
//!
//! A schema keeps properties by name; people expect `apiVersion` first. Input: a type. Output: the
//! names of its fields, as serde asks a format for them.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeOwned, Error, Visitor};

/// The names of the fields of a struct, in the order of their declaration; none for other types.
pub fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(Asked) {
        Err(Answer(fields)) => fields,
        Ok(_) => &[],
    }
}

struct Asked;

#[derive(Debug)]
struct Answer(&'static [&'static str]);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fields are {}", self.0.join(", "))
    }
}

impl std::error::Error for Answer {}

impl Error for Answer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Answer;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Answer> {
        Err(Answer(fields))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_come_in_the_order_of_the_type() {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[expect(dead_code, reason = "only the names matter")]
        struct Some {
            zebra_count: u8,
            ant: u8,
        }
        assert_eq!(fields::<Some>(), ["zebraCount", "ant"]);
        assert_eq!(fields::<u8>(), [] as [&str; 0]);
    }
}
