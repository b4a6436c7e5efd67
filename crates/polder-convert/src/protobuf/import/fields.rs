//! Fields of messages, and what their values are.

use polder_core::{Error, ErrorKind, Result};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};
use serde_json::{Map, Value, json};

use super::super::{FIELD_NUMBER, beside};
use super::{MESSAGE_FIELD, Named, Reader, child};
use crate::draft::{allowed_values, custom};
use crate::kind::{INT32, INT64, Kind, UINT32, UINT64};

impl<'f> Reader<'f> {
    /// The properties of a message.
    pub(super) fn fields(
        &self,
        full: &str,
        message: &'f DescriptorProto,
        path: &[i32],
        depth: usize,
    ) -> Result<Vec<Value>> {
        if self.open.borrow().iter().any(|open| open == full) {
            let error = format!("the message `{full}` contains itself, which no table can hold");
            return Err(Error::new(ErrorKind::Document, error));
        }
        self.open.borrow_mut().push(full.to_owned());
        beside::message(self.tracker, full, message);
        let mut properties = Vec::new();
        for (index, field) in message.field.iter().enumerate() {
            let place = format!("{full}.{}", field.name());
            let mut property = Map::from_iter([("name".to_owned(), json!(field.name()))]);
            if let Some(comment) = self.comment(&child(path, MESSAGE_FIELD, index)) {
                property.insert("description".to_owned(), json!(comment));
            }
            if self.field(full, message, field, &place, depth, &mut property)? {
                property.insert("required".to_owned(), json!(true));
            }
            if field.number() != i32::try_from(index + 1).unwrap_or(0) {
                custom(&mut property, FIELD_NUMBER, json!(field.number()));
            }
            properties.push(Value::Object(property));
        }
        self.open.borrow_mut().pop();
        Ok(properties)
    }

    /// Reads a field into a property; gives whether it is always there.
    fn field(
        &self,
        scope: &str,
        message: &DescriptorProto,
        field: &FieldDescriptorProto,
        place: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<bool> {
        beside::field(self.tracker, place, field);
        if field.label() == Label::Repeated {
            if let Some((key, value)) = self.entry(scope, field) {
                Kind::Map.write(out);
                let side = |field: &FieldDescriptorProto| -> Result<Value> {
                    let mut side = Map::new();
                    self.value(scope, field, place, depth + 1, &mut side)?;
                    side.insert("required".to_owned(), json!(true));
                    Ok(Value::Object(side))
                };
                out.insert("map".to_owned(), json!({"key": side(key)?, "value": side(value)?}));
                return Ok(true);
            }
            Kind::Array.write(out);
            let mut items = Map::new();
            self.value(scope, field, place, depth + 1, &mut items)?;
            items.insert("required".to_owned(), json!(true));
            out.insert("items".to_owned(), Value::Object(items));
            return Ok(true);
        }
        let always = self.value(scope, field, place, depth, out)?;
        let in_oneof = field.oneof_index.is_some() && !field.proto3_optional();
        if in_oneof {
            let choice = field.oneof_index.and_then(|index| usize::try_from(index).ok());
            let choice = choice.and_then(|index| message.oneof_decl.get(index));
            let name = choice.map(|choice| choice.name()).unwrap_or_default();
            let why = "a contract does not say that one of several columns is given";
            self.tracker.lose(place, format!("oneof {name}"), why);
        }
        Ok(match field.label() {
            Label::Required => true,
            _ => always && self.proto3 && !in_oneof && !field.proto3_optional(),
        })
    }

    /// Key and value of the entries, where the field is a map.
    fn entry(
        &self,
        scope: &str,
        field: &FieldDescriptorProto,
    ) -> Option<(&'f FieldDescriptorProto, &'f FieldDescriptorProto)> {
        let full = self.resolve(scope, field.type_name.as_deref()?)?;
        let Named::Message(message, _) = self.named.get(&full)? else {
            return None;
        };
        let is_entry = message.options.as_ref().is_some_and(|options| options.map_entry());
        if !is_entry {
            return None;
        }
        Some((message.field.first()?, message.field.get(1)?))
    }

    /// Reads one value; gives whether a field of it has a value where nothing was sent.
    fn value(
        &self,
        scope: &str,
        field: &FieldDescriptorProto,
        place: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<bool> {
        self.bounds.enter(depth, place)?;
        let declared = field.r#type.and_then(|number| Type::try_from(number).ok());
        if let Some(Type::Sint32 | Type::Sint64 | Type::Fixed32 | Type::Fixed64 | Type::Sfixed32 | Type::Sfixed64) =
            declared
        {
            let word = declared.map(|word| word.as_str_name()).unwrap_or_default();
            let word = word.trim_start_matches("TYPE_").to_lowercase();
            self.tracker
                .lose(place, word, "a contract does not say how a number is sent");
        }
        let kind = match declared {
            Some(Type::Double) => Kind::Float64,
            Some(Type::Float) => Kind::Float32,
            Some(Type::Int64 | Type::Sint64 | Type::Sfixed64) => INT64,
            Some(Type::Int32 | Type::Sint32 | Type::Sfixed32) => INT32,
            Some(Type::Uint64 | Type::Fixed64) => UINT64,
            Some(Type::Uint32 | Type::Fixed32) => UINT32,
            Some(Type::Bool) => Kind::Boolean,
            Some(Type::String) => Kind::String,
            Some(Type::Bytes) => Kind::Binary,
            Some(Type::Message | Type::Enum | Type::Group) | None => {
                return self.named_value(scope, field, place, depth, out);
            }
        };
        kind.write(out);
        Ok(true)
    }

    fn named_value(
        &self,
        scope: &str,
        field: &FieldDescriptorProto,
        place: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<bool> {
        let name = field.type_name();
        if let Some(full) = self.resolve(scope, name) {
            self.used.borrow_mut().insert(full.clone());
            return match self.named.get(&full) {
                Some(Named::Message(message, path)) => {
                    Kind::Object.write(out);
                    let fields = self.fields(&full, message, path, depth + 1)?;
                    out.insert("properties".to_owned(), Value::Array(fields));
                    Ok(false)
                }
                Some(Named::Enum(kind)) => {
                    beside::enumeration(self.tracker, &full, kind);
                    Kind::String.write(out);
                    allowed_values(out, labels(kind));
                    Ok(true)
                }
                None => Ok(false),
            };
        }
        let kind = match name.trim_start_matches('.') {
            "google.protobuf.Timestamp" => Kind::Timestamp,
            "google.type.Date" => Kind::Date,
            "google.type.TimeOfDay" => Kind::Time,
            "google.protobuf.BoolValue" => Kind::Boolean,
            "google.protobuf.StringValue" => Kind::String,
            "google.protobuf.BytesValue" => Kind::Binary,
            "google.protobuf.Int32Value" => INT32,
            "google.protobuf.Int64Value" => INT64,
            "google.protobuf.UInt32Value" => UINT32,
            "google.protobuf.UInt64Value" => UINT64,
            "google.protobuf.FloatValue" => Kind::Float32,
            "google.protobuf.DoubleValue" => Kind::Float64,
            known if known.starts_with("google.protobuf.") || known.starts_with("google.type.") => {
                self.tracker
                    .lose(place, known, "a contract has no such type: written as text");
                Kind::String
            }
            other => {
                let message = format!("{place}: there is no message `{other}` in this file");
                return Err(Error::new(ErrorKind::Document, message)
                    .with_help("imports are not followed: put the message into this file"));
            }
        };
        kind.write(out);
        Ok(false)
    }
}

/// The values of an enumeration by the names that Protobuf's JSON carries: as they are declared, the one for what was
/// not sent among them.
fn labels(kind: &EnumDescriptorProto) -> Vec<Value> {
    kind.value.iter().map(|value| json!(value.name())).collect()
}
