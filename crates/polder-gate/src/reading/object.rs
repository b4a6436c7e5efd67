//! JSON objects that name nothing twice.
//!
//! Of two values with one name most readers silently take the last, some the first (RFC 8259, section 4): whichever was
//! meant, one of them would be lost.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The name under which `serde_json` hands over, with all its digits, a number that is no integer of 64 bits.
const NUMBER: &str = "$serde_json::private::Number";

/// What many programs write before the first character of a file, or of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads one JSON value; numbers keep the digits that they were written with. A byte order mark before it is passed over.
///
/// # Errors
/// Text that is no JSON, or has an object in it, however deep, that names something twice.
pub fn read(bytes: &[u8]) -> serde_json::Result<Value> {
    match serde_json::from_slice::<Unique>(without_mark(bytes)) {
        Ok(Unique(value)) => Ok(value),
        Err(_) if is_utf16(bytes) => Err(Error::custom("it is text in UTF-16: write it in UTF-8")),
        Err(error) => Err(error),
    }
}

/// A text without the byte order mark before it, and without blanks around it.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii();
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii()
}

/// Whether text that is no JSON is in UTF-16: it begins with the mark of that, or with half a character that JSON has there. Lines
/// that are split at the byte of the line's end begin in the middle of one.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        [first, second, third, fourth, ..] => {
            let halves = [first, second, third, fourth].map(|byte| *byte == 0);
            matches!(halves, [true, false, true, false] | [false, true, false, true])
        }
        _ => false,
    }
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
    fn a_byte_order_mark_is_passed_over_and_another_encoding_is_named() {
        let text = "{\"a\": \"\u{e9}\"}";
        let expected = read(text.as_bytes()).unwrap();
        for marked in [format!("\u{feff}{text}"), format!(" \u{feff} {text}\r")] {
            assert_eq!(read(marked.as_bytes()).unwrap(), expected);
        }
        // Neither is a number of a schema, as a registry's clients write it.
        for id in [1_u32, 258, 1 << 24] {
            let record = [&[0][..], &id.to_be_bytes(), b"{}"].concat();
            assert!(!read(&record).unwrap_err().to_string().contains("UTF-16"));
        }
        // In the middle of a text it is a character like others, and one mark is one.
        assert_eq!(
            read("\"\u{feff}\"".as_bytes()).unwrap(),
            Value::String("\u{feff}".to_owned())
        );
        assert!(read("\u{feff}\u{feff}{}".as_bytes()).is_err());
        assert_eq!(without_mark("\u{feff}\r\n".as_bytes()), b"");

        let two_lines = format!("{text}\n{text}\n");
        let wide = |mark: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("{mark}{two_lines}").encode_utf16().flat_map(bytes).collect()
        };
        for file in [
            wide("\u{feff}", u16::to_le_bytes),
            wide("\u{feff}", u16::to_be_bytes),
            wide("", u16::to_le_bytes),
            wide("", u16::to_be_bytes),
        ] {
            for line in file.split(|byte| *byte == b'\n').take(2) {
                let error = read(line).unwrap_err().to_string();
                assert_eq!(error, "it is text in UTF-16: write it in UTF-8");
            }
        }
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
