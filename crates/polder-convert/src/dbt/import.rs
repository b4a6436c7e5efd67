//! From dbt to contracts.

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::data_tests;
use super::known::{Known, NOT_HERE, referenced};
use crate::bounds::Bounds;
use crate::document::Document;
use crate::draft::{Draft, ImportOptions, add_rule, custom, push};
use crate::kind::Kind;
use crate::loss::{Converted, Tracker, View};
use crate::sql::{apply_check, read_type_text};

/// A contract of everything that a file describes as a table.
pub(crate) fn import(source: &Document<'_>, options: &ImportOptions) -> Result<Converted<String>> {
    let document = source.yaml()?;
    let tracker = Tracker::default();
    let root = tracker.root(&document);
    root.take("version");
    let reader = Reader {
        options,
        tracker: &tracker,
        bounds: Bounds::default(),
        known: Known::of(&root),
    };
    let mut draft = Draft::default();
    for key in ["models", "seeds", "snapshots"] {
        for model in root.items(key) {
            draft.objects.push(reader.model(&model, None)?);
        }
    }
    for source in root.items("sources") {
        let schema = source
            .text("schema")
            .or_else(|| source.value.get("name").and_then(Value::as_str));
        source.take("name");
        let database = source.text("database");
        let prefix: Vec<&str> = database.into_iter().chain(schema).collect();
        for table in source.items("tables") {
            draft.objects.push(reader.model(&table, Some(&prefix.join(".")))?);
        }
    }
    if draft.objects.is_empty() {
        return Err(Error::new(
            ErrorKind::Document,
            "the file describes no models, seeds, snapshots or sources",
        ));
    }
    let value = draft.write(options, &tracker)?;
    let losses = tracker.finish(&document, |_| "a contract has no place for it".to_owned());
    Ok(Converted { value, losses })
}

struct Reader<'r> {
    options: &'r ImportOptions,
    tracker: &'r Tracker,
    bounds: Bounds,
    known: Known,
}

fn missing_name(view: &View<'_>) -> Error {
    Error::new(ErrorKind::Document, format!("{}: there is no `name`", view.path))
}

impl<'a> Reader<'_> {
    fn model(&self, model: &View<'a>, prefix: Option<&str>) -> Result<Map<String, Value>> {
        let name = model.text("name").ok_or_else(|| missing_name(model))?;
        let mut object = Map::from_iter([("name".to_owned(), json!(name))]);
        let physical = model.text("identifier").or_else(|| model.text("alias"));
        if let Some(prefix) = prefix {
            object.insert(
                "physicalName".to_owned(),
                json!(format!("{prefix}.{}", physical.unwrap_or(name))),
            );
        } else if let Some(physical) = physical {
            object.insert("physicalName".to_owned(), json!(physical));
        }
        about(model, &mut object);
        // Every contract is enforced here.
        let contract = model.get("config").and_then(|config| config.get("contract"));
        if let Some(enforced) = contract.and_then(|contract| contract.get("enforced"))
            && enforced.value == &Value::Bool(true)
        {
            enforced.keep();
        }
        let mut columns = Vec::new();
        for column in model.items("columns") {
            columns.push(self.column(&column)?);
        }
        for constraint in model.items("constraints") {
            self.constrain(&constraint, None, &mut columns, &mut object);
        }
        for key in ["data_tests", "tests"] {
            model
                .items(key)
                .iter()
                .for_each(|test| data_tests::of_model(test, &mut object));
        }
        for column in &mut columns {
            if let Some(rules) = column.remove("polder.object") {
                for rule in rules.as_array().into_iter().flatten() {
                    add_rule(&mut object, rule.clone());
                }
            }
        }
        object.insert(
            "properties".to_owned(),
            columns.into_iter().map(Value::Object).collect(),
        );
        Ok(object)
    }

    fn column(&self, column: &View<'a>) -> Result<Map<String, Value>> {
        let name = column.text("name").ok_or_else(|| missing_name(column))?;
        let mut property = Map::from_iter([("name".to_owned(), json!(name))]);
        about(column, &mut property);
        // How the name is written in SQL; here it is as it stands.
        column.flag("quote");
        match column.text("data_type") {
            Some(text) => {
                read_type_text(
                    text,
                    self.options.dialect,
                    self.tracker,
                    &self.bounds,
                    &column.path,
                    &mut property,
                )?;
            }
            None => {
                column.lose_part("data_type", "not given", "a column of no known type is written as text");
                Kind::String.write(&mut property);
            }
        }
        let mut columns = [property];
        let mut object = Map::new();
        for constraint in column.items("constraints") {
            self.constrain(&constraint, Some(name), &mut columns, &mut object);
        }
        let [mut property] = columns;
        for key in ["data_tests", "tests"] {
            column
                .items(key)
                .iter()
                .for_each(|test| data_tests::of_column(test, &self.known, &mut property));
        }
        // A check of a column can speak of the row: such a rule is the object's.
        if let Some(rules) = object.remove("quality") {
            property.insert("polder.object".to_owned(), rules);
        }
        Ok(property)
    }
}

/// Description, tags and meta.
fn about(view: &View<'_>, element: &mut Map<String, Value>) {
    if let Some(text) = view.text("description").filter(|text| !text.is_empty()) {
        element.insert("description".to_owned(), json!(text));
    }
    let config = view.get("config");
    for place in [Some(view), config.as_ref()].into_iter().flatten() {
        match place.get("tags") {
            Some(tags) if tags.value.is_string() => {
                tags.keep();
                push(element, "tags", tags.value.clone());
            }
            Some(tags) => {
                for tag in tags.list().iter().filter(|tag| tag.value.is_string()) {
                    tag.keep();
                    push(element, "tags", tag.value.clone());
                }
            }
            None => {}
        }
        for (key, value) in place.get("meta").map(|meta| meta.entries()).unwrap_or_default() {
            value.keep();
            custom(element, key, value.value.clone());
        }
    }
}

impl Reader<'_> {
    fn constrain(
        &self,
        constraint: &View<'_>,
        column: Option<&str>,
        columns: &mut [Map<String, Value>],
        object: &mut Map<String, Value>,
    ) {
        let Some(kind) = constraint.value.get("type").and_then(Value::as_str) else {
            return;
        };
        let listed = constraint.get("columns");
        let mut names: Vec<String> = listed
            .iter()
            .flat_map(View::list)
            .filter_map(|name| name.value.as_str().map(str::to_owned))
            .collect();
        names.extend(column.map(str::to_owned));
        let of_columns = |columns: &mut [Map<String, Value>], set: &mut dyn FnMut(usize, &mut Map<String, Value>)| {
            for (index, name) in names.iter().enumerate() {
                if let Some(found) = columns.iter_mut().find(|known| known.get("name") == Some(&json!(name))) {
                    set(index, found);
                }
            }
        };
        let several = names.len() > 1;
        match kind {
            "not_null" => of_columns(columns, &mut |_, property| {
                property.insert("required".to_owned(), json!(true));
            }),
            "unique" if several => add_rule(
                object,
                json!({"metric": "duplicateValues", "arguments": {"properties": names}, "mustBe": 0}),
            ),
            "unique" => of_columns(columns, &mut |_, property| {
                property.insert("unique".to_owned(), json!(true));
            }),
            "primary_key" => of_columns(columns, &mut |index, property| {
                property.insert("primaryKey".to_owned(), json!(true));
                if several {
                    property.insert("primaryKeyPosition".to_owned(), json!(index + 1));
                }
            }),
            "check" => {
                let Some(expression) = constraint.value.get("expression").and_then(Value::as_str) else {
                    return;
                };
                let name = constraint.value.get("name").and_then(Value::as_str);
                let Ok(is_rule) = apply_check(expression, self.options.dialect, name, columns, object) else {
                    return;
                };
                constraint.take("expression");
                if is_rule {
                    constraint.take("name");
                }
                constraint.take("type");
                return;
            }
            "foreign_key" => {
                if !foreign_key(constraint, &names, &self.known, columns, object) {
                    return;
                }
            }
            _ => return,
        }
        constraint.take("columns");
        constraint.take("type");
    }
}

/// Takes a foreign key over, where it says which columns it leads to.
fn foreign_key(
    constraint: &View<'_>,
    from: &[String],
    known: &Known,
    columns: &mut [Map<String, Value>],
    object: &mut Map<String, Value>,
) -> bool {
    let to = constraint.value.get("to").and_then(Value::as_str).and_then(referenced);
    let to_columns: Vec<&str> = constraint
        .value
        .get("to_columns")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let (Some(to), true) = (to, !from.is_empty() && from.len() == to_columns.len()) else {
        return false;
    };
    if !to_columns.iter().all(|column| known.has(to, column)) {
        constraint.lose(NOT_HERE);
        return false;
    }
    match (from, to_columns.as_slice()) {
        ([one], [target]) => {
            let known = columns.iter_mut().find(|known| known.get("name") == Some(&json!(one)));
            let Some(property) = known else { return false };
            push(property, "relationships", json!({"to": format!("{to}.{target}")}));
        }
        _ => {
            let Some(table) = object.get("name").and_then(Value::as_str) else {
                return false;
            };
            let from: Vec<String> = from.iter().map(|column| format!("{table}.{column}")).collect();
            let to: Vec<String> = to_columns.iter().map(|column| format!("{to}.{column}")).collect();
            push(object, "relationships", json!({"from": from, "to": to}));
        }
    }
    constraint.take("to");
    constraint.take("to_columns");
    true
}
