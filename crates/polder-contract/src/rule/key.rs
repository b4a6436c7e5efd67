//! What can be a key: values of which a row has one each.

use super::compiler::Compiler;
use super::{PathStep, written};
use crate::column_type::ColumnType;
use crate::place::Place;
use crate::schema::{Property, SchemaObject};

/// The code of a key that is made of values with others inside.
pub(crate) const NESTED_KEY: &str = "nested-key";

/// Fields that a hint names at most.
const NAMED: usize = 4;

impl SchemaObject {
    /// Why the value at the end of the steps is no key, nor a part of one; none where it may be.
    pub fn no_key(&self, steps: &[PathStep]) -> Option<String> {
        let path = written(steps);
        if steps.iter().any(|step| !matches!(step, PathStep::Field(_))) {
            return Some(format!("a row has many values `{path}`, so they are no key of it"));
        }
        let kind = match self.value(steps)?.column_type().ok()? {
            ColumnType::Struct(_) => "an object",
            ColumnType::List(_) => "a list",
            ColumnType::Map(..) => "a map",
            _ => return None,
        };
        Some(format!("`{path}` is {kind}, and keys are made of single values"))
    }
}

/// Refuses a key of which no value may occur twice where it has values inside, each of its columns at its place, and
/// tells whether it did. Objects that are bound to no dataset are of stores with other types: nothing is written by
/// them, and tests leave the rule out.
pub(super) fn refused(compiler: &mut Compiler<'_>, rule: &str, columns: &[String], places: &[&Place]) -> bool {
    refused_with(compiler, rule, columns, places, unique)
}

/// The same of a key that is held against those of another dataset.
pub(super) fn reference_refused(
    compiler: &mut Compiler<'_>,
    rule: &str,
    columns: &[String],
    places: &[&Place],
) -> bool {
    refused_with(compiler, rule, columns, places, |found| match found {
        Ok(fields) => format!("begin it at the values inside: {}", fields.join(", ")),
        Err(_) => "leave it out, or let a column of one value refer to the other dataset".to_owned(),
    })
}

fn refused_with(
    compiler: &mut Compiler<'_>,
    rule: &str,
    columns: &[String],
    places: &[&Place],
    help: fn(Result<Vec<String>, &str>) -> String,
) -> bool {
    let object = compiler.object;
    if object.dataset.is_none() {
        return false;
    }
    let mut refused = false;
    for (column, place) in columns.iter().zip(places) {
        if let Some(why) = object.path(column).and_then(|steps| object.no_key(&steps)) {
            let help = help(single_values(object, columns));
            compiler.report(vec![place.error(NESTED_KEY, format!("{rule}: {why}"), Some(&help))]);
            refused = true;
        }
    }
    refused
}

/// The single values that a key is made of, those inside of objects among them; what to do where it has none.
fn single_values(object: &SchemaObject, columns: &[String]) -> Result<Vec<String>, &'static str> {
    let mut named = Vec::new();
    for column in columns {
        let Some(value) = object.path(column).and_then(|steps| object.value(&steps)) else {
            continue;
        };
        let before = named.len();
        match value.column_type() {
            Ok(ColumnType::List(_)) => return Err(LIST),
            Ok(ColumnType::Struct(_)) => fields(value, column, &mut named),
            Ok(ColumnType::Map(..)) => {}
            _ => named.push(column.clone()),
        }
        if named.len() == before {
            return Err(ALONE);
        }
    }
    if named.len() > NAMED {
        named.truncate(NAMED);
        named.push("…".to_owned());
    }
    Ok(named)
}

/// What to say instead of a key of which no value may occur twice.
fn unique(found: Result<Vec<String>, &str>) -> String {
    match found {
        Ok(fields) => match fields.as_slice() {
            [only] => format!("name the field inside: `unique: true` of `{only}`"),
            fields => format!(
                "name the fields inside; a key of several is a rule of the object: {{metric: duplicateValues, \
                 arguments: {{properties: [{}]}}, mustBe: 0}}",
                fields.join(", ")
            ),
        },
        Err(instead) => instead.to_owned(),
    }
}

const LIST: &str = "leave it out, or let a column of one value stand for the list; that the items of one list differ is \
                    said by `uniqueItems`";
const ALONE: &str = "leave it out, or let a column of one value stand for it";

/// The single values inside an object, by their paths.
fn fields(object: &Property, path: &str, found: &mut Vec<String>) {
    for field in &object.properties {
        let path = format!("{path}.{}", field.name);
        match field.column_type() {
            Ok(ColumnType::Struct(_)) => fields(field, &path, found),
            Ok(ColumnType::List(_) | ColumnType::Map(..)) | Err(_) => {}
            Ok(_) => found.push(path),
        }
    }
}
