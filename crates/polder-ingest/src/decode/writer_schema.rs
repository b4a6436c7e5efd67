//! Writers' Avro schemas, and whether bytes are exactly one datum of them.
//!
//! The Arrow decoder trusts its input: a union branch that does not exist, a boolean of 7 or bytes behind the record
//! pass it unseen, and a record that ends too early leaves its columns uneven. So each body is walked first.
//! Encodings: Avro specification 1.12, "Binary Encoding".

use std::collections::HashMap;

use polder_core::units::counted;
use serde_json::Value;

/// Nested values deeper than this are refused: they would exhaust the stack.
const MAX_DEPTH: usize = 128;

/// A record schema, ready to walk data.
#[derive(Debug)]
pub(crate) struct WriterSchema {
    /// The record's full name.
    pub(crate) name: String,
    root: usize,
    types: Vec<Type>,
}

#[derive(Debug)]
enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(usize),
    Array(usize),
    Map(usize),
    Union(Vec<usize>),
    Record(Vec<(String, usize)>),
}

impl WriterSchema {
    /// Reads a schema in JSON notation.
    ///
    /// Gives what is wrong with it, in words: no JSON, an unknown type, no record at its root.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|cause| format!("the schema is no JSON ({cause})"))?;
        let mut builder = Builder {
            types: Vec::new(),
            names: HashMap::new(),
        };
        let root = builder.add(&json, "", 0)?;
        if !matches!(builder.types[root], Type::Record(_)) {
            return Err("the schema is no record".to_owned());
        }
        let name = full_name(&json, "").map(|(name, _)| name)?;
        Ok(Self {
            name,
            root,
            types: builder.types,
        })
    }

    /// Whether `body` is exactly one record of this schema, and if not, why.
    pub(crate) fn check(&self, body: &[u8]) -> Result<(), String> {
        let mut walk = Walk {
            types: &self.types,
            rest: body,
            path: Vec::new(),
        };
        match walk.value(self.root, 0) {
            Ok(()) if walk.rest.is_empty() => Ok(()),
            Ok(()) => Err(format!(
                "{} left over behind the record",
                counted(walk.rest.len(), "byte")
            )),
            Err(problem) if walk.path.is_empty() => Err(format!("{problem} at byte {}", body.len() - walk.rest.len())),
            Err(problem) => {
                let at = body.len() - walk.rest.len();
                Err(format!(
                    "{problem} in field `{}`, at byte {at} of {}",
                    walk.path.join("."),
                    body.len()
                ))
            }
        }
    }
}

struct Builder {
    types: Vec<Type>,
    names: HashMap<String, usize>,
}

impl Builder {
    fn add(&mut self, json: &Value, namespace: &str, depth: usize) -> Result<usize, String> {
        if depth > MAX_DEPTH {
            return Err("the schema is nested too deeply".to_owned());
        }
        match json {
            Value::String(name) => self.named(name, namespace),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.add(branch, namespace, depth + 1));
                let branches = branches.collect::<Result<_, _>>()?;
                Ok(self.push(Type::Union(branches)))
            }
            Value::Object(_) => self.complex(json, namespace, depth),
            _ => Err(format!("the schema has {json} where a type belongs")),
        }
    }

    fn named(&mut self, name: &str, namespace: &str) -> Result<usize, String> {
        let primitive = match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "int" => Type::Int,
            "long" => Type::Long,
            "float" => Type::Float,
            "double" => Type::Double,
            "bytes" => Type::Bytes,
            "string" => Type::String,
            _ => {
                let full = if name.contains('.') || namespace.is_empty() {
                    name.to_owned()
                } else {
                    format!("{namespace}.{name}")
                };
                let found = self.names.get(&full).or_else(|| self.names.get(name));
                return found
                    .copied()
                    .ok_or_else(|| format!("the schema does not define the type `{name}`"));
            }
        };
        Ok(self.push(primitive))
    }

    fn complex(&mut self, json: &Value, namespace: &str, depth: usize) -> Result<usize, String> {
        let inner = |key: &str| {
            json.get(key)
                .ok_or_else(|| format!("a type of the schema has no `{key}`"))
        };
        let kind = inner("type")?;
        let Value::String(kind) = kind else {
            return self.add(kind, namespace, depth + 1);
        };
        match kind.as_str() {
            "record" | "error" => {
                let (name, namespace) = full_name(json, namespace)?;
                // Known before its fields, which may refer to it.
                let index = self.push(Type::Record(Vec::new()));
                self.names.insert(name, index);
                let fields = inner("fields")?.as_array().ok_or("`fields` of a record is no list")?;
                let mut read = Vec::with_capacity(fields.len());
                for field in fields {
                    let name = field.get("name").and_then(Value::as_str).ok_or("a field has no name")?;
                    let kind = field
                        .get("type")
                        .ok_or_else(|| format!("the field `{name}` has no type"))?;
                    read.push((name.to_owned(), self.add(kind, &namespace, depth + 1)?));
                }
                self.types[index] = Type::Record(read);
                Ok(index)
            }
            "enum" => {
                let symbols = inner("symbols")?
                    .as_array()
                    .ok_or("`symbols` of an enum is no list")?
                    .len();
                self.define(json, namespace, Type::Enum(symbols))
            }
            "fixed" => {
                let size = inner("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                self.define(
                    json,
                    namespace,
                    Type::Fixed(size.ok_or("`size` of a fixed is no size")?),
                )
            }
            "array" => {
                let items = self.add(inner("items")?, namespace, depth + 1)?;
                Ok(self.push(Type::Array(items)))
            }
            "map" => {
                let values = self.add(inner("values")?, namespace, depth + 1)?;
                Ok(self.push(Type::Map(values)))
            }
            name => self.named(name, namespace),
        }
    }

    fn define(&mut self, json: &Value, namespace: &str, kind: Type) -> Result<usize, String> {
        let (name, _) = full_name(json, namespace)?;
        let index = self.push(kind);
        self.names.insert(name, index);
        Ok(index)
    }

    fn push(&mut self, kind: Type) -> usize {
        self.types.push(kind);
        self.types.len() - 1
    }
}

/// The full name of a named type and the namespace that holds inside it.
fn full_name(json: &Value, enclosing: &str) -> Result<(String, String), String> {
    let name = json
        .get("name")
        .and_then(Value::as_str)
        .ok_or("a named type of the schema has no name")?;
    if let Some((namespace, _)) = name.rsplit_once('.') {
        return Ok((name.to_owned(), namespace.to_owned()));
    }
    let namespace = json.get("namespace").and_then(Value::as_str).unwrap_or(enclosing);
    let full = if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    };
    Ok((full, namespace.to_owned()))
}

/// One pass over a body. On an error `path` names the fields on the way to it.
struct Walk<'a> {
    types: &'a [Type],
    rest: &'a [u8],
    path: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, index: usize, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("values are nested too deeply".to_owned());
        }
        let types = self.types;
        match &types[index] {
            Type::Null => Ok(()),
            Type::Boolean => match self.take(1)? {
                [0 | 1] => Ok(()),
                other => Err(format!("{} is no boolean", other[0])),
            },
            Type::Int => self.long().and_then(|value| {
                i32::try_from(value)
                    .map(|_| ())
                    .map_err(|_| format!("{value} is no int"))
            }),
            Type::Long => self.long().map(|_| ()),
            Type::Float => self.take(4).map(|_| ()),
            Type::Double => self.take(8).map(|_| ()),
            Type::Bytes => self.block().map(|_| ()),
            Type::String => self.text(),
            Type::Fixed(size) => self.take(*size).map(|_| ()),
            Type::Enum(symbols) => {
                let symbol = self.long()?;
                match usize::try_from(symbol) {
                    Ok(symbol) if symbol < *symbols => Ok(()),
                    _ => Err(format!("the enum has no symbol {symbol}")),
                }
            }
            Type::Union(branches) => {
                let branch = self.long()?;
                match usize::try_from(branch).ok().and_then(|branch| branches.get(branch)) {
                    Some(kind) => self.value(*kind, depth + 1),
                    None => Err(format!("the union has no branch {branch}")),
                }
            }
            Type::Array(items) => self.items(|walk| walk.value(*items, depth + 1)),
            Type::Map(values) => self.items(|walk| {
                walk.text()?;
                walk.value(*values, depth + 1)
            }),
            Type::Record(fields) => {
                for (name, kind) in fields {
                    self.path.push(name);
                    self.value(*kind, depth + 1)?;
                    self.path.pop();
                }
                Ok(())
            }
        }
    }

    /// Blocks of items: a count, negative where the block's size in bytes follows, until a count of 0.
    fn items(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            let end = if count < 0 {
                let size = self.long()?;
                let size = usize::try_from(size).ok().filter(|size| *size <= self.rest.len());
                Some(self.rest.len() - size.ok_or_else(|| "the record ends too early".to_owned())?)
            } else {
                None
            };
            for _ in 0..count.unsigned_abs() {
                let before = self.rest.len();
                item(self)?;
                // Items without bytes would allow any count; no schema with sense has them.
                if self.rest.len() == before && count.unsigned_abs() > 1 << 16 {
                    return Err(format!("{} without content", counted(count.unsigned_abs(), "item")));
                }
            }
            if end.is_some_and(|end| end != self.rest.len()) {
                return Err("a block's size is not that of its items".to_owned());
            }
        }
    }

    fn text(&mut self) -> Result<(), String> {
        let bytes = self.block()?;
        std::str::from_utf8(bytes)
            .map(|_| ())
            .map_err(|_| "text is not UTF-8".to_owned())
    }

    /// Bytes behind their length.
    fn block(&mut self) -> Result<&'a [u8], String> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(format!("{length} is no length")),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(format!(
                "the record ends too early ({} missing)",
                counted(count - self.rest.len(), "byte")
            )),
        }
    }

    /// A zig-zag variable-length integer of at most 64 bits.
    fn long(&mut self) -> Result<i64, String> {
        let (mut value, mut shift) = (0_u64, 0_u32);
        for (index, byte) in self.rest.iter().enumerate() {
            if shift == 63 && *byte > 1 {
                return Err("an integer has more than 64 bits".to_owned());
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
            shift += 7;
        }
        Err("the record ends too early".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"record","name":"Line","namespace":"retail","fields":[
        {"name":"id","type":"string"},
        {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"]}},
        {"name":"paid","type":["null","boolean"]},
        {"name":"tags","type":{"type":"array","items":"string"}},
        {"name":"payload","type":{"type":"record","name":"Payload","fields":[
            {"name":"quantity","type":"int"},
            {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":3}},
            {"name":"other","type":["null","Kind"]}]}}]}"#;

    /// By the specification: "ab", symbol 1, true, ["x"], -3, 2550 as two bytes, null.
    const GOOD: [u8; 14] = [4, b'a', b'b', 2, 2, 1, 2, 2, b'x', 0, 5, 4, 0x09, 0xf6];

    fn good() -> Vec<u8> {
        [&GOOD[..], &[0]].concat()
    }

    #[test]
    fn a_whole_record_passes() {
        let schema = WriterSchema::parse(SCHEMA).unwrap();
        assert_eq!(schema.name, "retail.Line");
        schema.check(&good()).unwrap();
    }

    #[test]
    fn every_shorter_and_longer_body_is_refused() {
        let schema = WriterSchema::parse(SCHEMA).unwrap();
        let good = good();
        for length in 0..good.len() {
            assert!(schema.check(&good[..length]).is_err(), "{length}");
        }
        let long = [&good[..], &[0]].concat();
        assert_eq!(schema.check(&long).unwrap_err(), "1 byte left over behind the record");
    }

    #[test]
    fn values_that_the_schema_does_not_have_are_refused_with_their_field() {
        let schema = WriterSchema::parse(SCHEMA).unwrap();
        let cases = [
            (1, 0xff, "text is not UTF-8 in field `id`"),
            (3, 4, "the enum has no symbol 2 in field `kind`"),
            (4, 34, "the union has no branch 17 in field `paid`"),
            (5, 7, "7 is no boolean in field `paid`"),
            (0, 5, "-3 is no length in field `id`"),
            (14, 1, "the union has no branch -1 in field `payload.other`"),
        ];
        for (at, byte, wanted) in cases {
            let mut bad = good();
            bad[at] = byte;
            let found = schema.check(&bad).unwrap_err();
            assert!(found.starts_with(wanted), "{found}");
        }
    }

    #[test]
    fn arrays_are_read_in_both_forms_of_blocks() {
        let schema = WriterSchema::parse(
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":"int"}}]}"#,
        );
        let schema = schema.unwrap();
        schema.check(&[4, 2, 4, 2, 6, 0]).unwrap();
        // Two items in a block of two bytes.
        schema.check(&[3, 4, 2, 4, 0]).unwrap();
        assert!(schema.check(&[3, 6, 2, 4, 0]).is_err());
        // A count beyond any data, of items that take none.
        let nulls = WriterSchema::parse(
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}"#,
        );
        let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert!(
            nulls
                .unwrap()
                .check(&huge)
                .unwrap_err()
                .contains("items without content")
        );
    }

    #[test]
    fn recursive_records_end_somewhere() {
        let schema = r#"{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}"#;
        let schema = WriterSchema::parse(schema).unwrap();
        schema.check(&[2, 2, 0]).unwrap();
        assert!(schema.check(&[2; 4096]).unwrap_err().contains("nested too deeply"));
    }

    #[test]
    fn what_is_no_record_schema_says_why() {
        for (text, reason) in [
            ("{", "no JSON"),
            ("\"string\"", "no record"),
            (
                r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Other"}]}"#,
                "does not define the type `Other`",
            ),
            (r#"{"type":"record","fields":[]}"#, "no name"),
        ] {
            assert!(WriterSchema::parse(text).unwrap_err().contains(reason), "{text}");
        }
    }
}
