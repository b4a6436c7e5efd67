//! What stands in a `.proto` file beside messages and their fields: every part is named.
//!
//! The descriptors are taken apart whole, so that a part that is new to them is not passed over.

use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    UninterpretedOption,
};

use crate::loss::Tracker;

const NO_PLACE: &str = "a contract has no place for it";

/// Names what of a file is lost.
pub(super) fn file(tracker: &Tracker, file: &FileDescriptorProto) {
    let FileDescriptorProto {
        name: _,
        // In the physical names of the tables.
        package: _,
        dependency,
        public_dependency: _,
        weak_dependency: _,
        message_type: _,
        enum_type: _,
        service,
        extension,
        options: given,
        source_code_info: _,
        syntax: _,
    } = file;
    for import in dependency {
        // The types of these are known.
        if !import.starts_with("google/protobuf/") && !import.starts_with("google/type/") {
            tracker.lose("import", import.as_str(), "imports are not followed");
        }
    }
    for service in service {
        tracker.lose(service.name(), "a service", "only messages make a contract");
    }
    extensions(tracker, "file", extension);
    if let Some(given) = given {
        options(tracker, "file", &given.uninterpreted_option);
    }
}

/// Names what of a message is lost, but its fields.
pub(super) fn message(tracker: &Tracker, full: &str, message: &DescriptorProto) {
    let DescriptorProto {
        name: _,
        field: _,
        extension,
        nested_type: _,
        enum_type: _,
        extension_range,
        oneof_decl,
        options: given,
        reserved_range,
        reserved_name,
    } = message;
    if let Some(given) = given {
        options(tracker, full, &given.uninterpreted_option);
    }
    let ranges = reserved_range
        .iter()
        .map(|range| numbers(range.start(), range.end() - 1));
    reserved(tracker, full, ranges, reserved_name);
    for range in extension_range {
        let what = format!("extensions {}", numbers(range.start(), range.end() - 1));
        tracker.lose(full, what, NO_PLACE);
    }
    extensions(tracker, full, extension);
    for choice in oneof_decl {
        if let Some(given) = &choice.options {
            options(
                tracker,
                &format!("{full}.{}", choice.name()),
                &given.uninterpreted_option,
            );
        }
    }
}

/// Names what of a field is lost, but its type.
pub(super) fn field(tracker: &Tracker, place: &str, field: &FieldDescriptorProto) {
    let FieldDescriptorProto {
        name: _,
        number: _,
        label: _,
        r#type: _,
        type_name: _,
        extendee: _,
        default_value,
        oneof_index: _,
        json_name,
        options: given,
        proto3_optional: _,
    } = field;
    if let Some(default) = default_value {
        tracker.lose(place, format!("default {default}"), NO_PLACE);
    }
    if let Some(name) = json_name.as_ref().filter(|name| **name != camel(field.name())) {
        tracker.lose(place, format!("json_name {name}"), NO_PLACE);
    }
    if let Some(given) = given {
        options(tracker, place, &given.uninterpreted_option);
    }
}

/// Names what of an enumeration is lost, but its names.
pub(super) fn enumeration(tracker: &Tracker, full: &str, kind: &EnumDescriptorProto) {
    let EnumDescriptorProto {
        name: _,
        value,
        options: given,
        reserved_range,
        reserved_name,
    } = kind;
    if let Some(given) = given {
        options(tracker, full, &given.uninterpreted_option);
    }
    let ranges = reserved_range.iter().map(|range| numbers(range.start(), range.end()));
    reserved(tracker, full, ranges, reserved_name);
    for (index, value) in value.iter().enumerate() {
        let EnumValueDescriptorProto {
            name: _,
            number: _,
            options: given,
        } = value;
        let path = format!("{full}.{}", value.name());
        // The first is 0, and the others follow it.
        if i32::try_from(index) != Ok(value.number()) {
            let why = "a contract has the names of values, not their numbers";
            tracker.lose(&path, format!("= {}", value.number()), why);
        }
        if let Some(given) = given {
            options(tracker, &path, &given.uninterpreted_option);
        }
    }
}

fn reserved(tracker: &Tracker, full: &str, ranges: impl Iterator<Item = String>, names: &[String]) {
    for what in ranges.chain(names.iter().map(|name| format!("\"{name}\""))) {
        tracker.lose(full, format!("reserved {what}"), NO_PLACE);
    }
}

fn extensions(tracker: &Tracker, place: &str, extensions: &[FieldDescriptorProto]) {
    for extension in extensions {
        let what = format!("extend {} {{ {} }}", extension.extendee(), extension.name());
        tracker.lose(place, what, NO_PLACE);
    }
}

fn numbers(first: i32, last: i32) -> String {
    if first == last {
        first.to_string()
    } else {
        format!("{first} to {last}")
    }
}

/// Names options; the parser keeps each as it is written.
fn options(tracker: &Tracker, place: &str, options: &[UninterpretedOption]) {
    for option in options {
        let parts = option.name.iter().map(|part| match part.is_extension {
            true => format!("({})", part.name_part),
            false => part.name_part.clone(),
        });
        let name = parts.collect::<Vec<_>>().join(".");
        tracker.lose(place, format!("option {name}"), NO_PLACE);
    }
}

/// `order_line` as `orderLine`: the name that a field has in JSON where none is given.
pub(super) fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.push(c.to_ascii_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}
