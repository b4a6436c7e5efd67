//! JSON objects that name nothing twice.
//!
//! Of two values with one name most readers silently take the last, some the first (RFC 8259, section 4): whichever was
//! meant, one of them would be lost.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The name under which `serde_json` hands over, with all its digits, a number that is no integer of 64 bits.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads one JSON value; numbers keep the digits that they were written with.
///
/// # Errors
/// Text that is no JSON, or has an object in it, however deep, that names something twice.
pub fn read(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice::<Unique>(bytes).map(|Unique(value)| value)
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Self)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if object.is_empty() && name == NUMBER {
                let digits: String = entries.next_value()?;
                return digits.parse::<Number>().map(Value::Number).map_err(Error::custom);
            }
            if object.contains_key(&name) {
                return Err(Error::custom(format!("`{name}` is there twice in one object")));
            }
            let Unique(value) = entries.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_there_twice_is_refused_however_deep() {
        for text in [
            r#"{"i": 1, "i": 2000}"#,
            r#"{"a": {"i": 1, "j": 2, "i": 1}}"#,
            r#"{"a": [{"i": null, "i": null}]}"#,
            // The same name, written otherwise.
            r#"{"i": 1, "\u0069": 2}"#,
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("`i` is there twice"), "{text}: {error}");
        }
        assert!(read(br#"{"i": {"i": 1}, "I": {"i": 2}}"#).is_ok());
    }

    #[test]
    fn anything_else_is_read_as_ever() {
        let inside = [
            "null",
            "true",
            "0",
            "-0",
            "-0.0",
            "2.550",
            "1e5",
            "1E+30",
            "-1.50e-7",
            "12345678901234567890123456789.10",
            "1.",
            "01",
            "+1",
            "1e",
            "NaN",
            "-",
            r#""x\u00e9\ud83d\ude00""#,
            r#""\ud83d""#,
            r#""""#,
            "[1.50, {}, []]",
            "[1,]",
            "[",
            "{",
            r#"{"b": 2.50}"#,
            r#"{"b" 1}"#,
            "nul",
            "",
        ];
        for inside in inside {
            for text in [
                inside.to_owned(),
                format!("{{\"a\": {inside}, \"c\": [{inside}]}}"),
                format!("{inside} ]"),
            ] {
                let (ours, theirs) = (read(text.as_bytes()), serde_json::from_str::<Value>(&text));
                assert_eq!(ours.is_ok(), theirs.is_ok(), "{text}");
                if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                    assert_eq!(ours.to_string(), theirs.to_string(), "{text}");
                }
            }
        }
        // Nor is there a way to the stack's end.
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
    }
}
