//! What rules are called: for gates, which compile them, and for comparisons, which say which of them moved.

use crate::quality::Quality;

/// The rule of a value that lists the fields which must be there; the option of its logical type is `required`, which is
/// a rule of its own.
const FIELDS: (&str, &str) = ("required", "requiredProperties");

/// The id of a rule about the value at a path; without one, about the object.
pub(crate) fn of_value(path: Option<&str>, rule: &str) -> String {
    match path {
        Some(path) => format!("{path}.{rule}"),
        None => rule.to_owned(),
    }
}

/// The rule that an option of the logical type makes.
pub(crate) fn by_option(option: &str) -> &str {
    match option == FIELDS.0 {
        true => FIELDS.1,
        false => option,
    }
}

/// The id of a rule under `quality`: its own id or name, else what it measures.
pub(crate) fn of_quality(path: Option<&str>, quality: &Quality) -> String {
    match quality.id.as_ref().or(quality.name.as_ref()) {
        Some(own) => own.clone(),
        None => of_value(path, quality.label()),
    }
}

/// The id of a reference that begins in these columns.
pub(crate) fn of_reference(columns: &[String]) -> String {
    let only = match columns {
        [only] => Some(only.as_str()),
        _ => None,
    };
    of_value(only, "foreignKey")
}
