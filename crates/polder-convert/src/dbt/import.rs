//! From dbt to contracts.

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::bounds::Bounds;
use crate::dialect::Dialect;
use crate::document::Document;
use crate::draft::{Draft, ImportOptions, add_rule, allowed_values, custom, push};
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
            columns.push(self.column(name, &column)?);
        }
        for constraint in model.items("constraints") {
            constrain(&constraint, self.options.dialect, None, &mut columns, &mut object);
        }
        for key in ["data_tests", "tests"] {
            model.items(key).iter().for_each(|test| model_test(test, &mut object));
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

    fn column(&self, model: &str, column: &View<'a>) -> Result<Map<String, Value>> {
        let name = column.text("name").ok_or_else(|| missing_name(column))?;
        let mut property = Map::from_iter([("name".to_owned(), json!(name))]);
        about(column, &mut property);
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
            constrain(&constraint, self.options.dialect, Some(name), &mut columns, &mut object);
        }
        let [mut property] = columns;
        for key in ["data_tests", "tests"] {
            column
                .items(key)
                .iter()
                .for_each(|test| column_test(test, model, &mut property));
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

fn texts(view: &View<'_>, key: &str) -> Vec<String> {
    let list = view.take(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn constrain(
    constraint: &View<'_>,
    dialect: Dialect,
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
            let Ok(is_rule) = apply_check(expression, dialect, name, columns, object) else {
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
            if !foreign_key(constraint, &names, columns, object) {
                return;
            }
        }
        _ => return,
    }
    constraint.take("columns");
    constraint.take("type");
}

/// Takes a foreign key over, where it says which columns it leads to.
fn foreign_key(
    constraint: &View<'_>,
    from: &[String],
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

/// The name of a test and its arguments; older and newer files write these in two places.
fn test_parts<'a>(test: &View<'a>) -> Option<(&'a str, Option<View<'a>>)> {
    if let Some(name) = test.value.as_str() {
        return Some((name, None));
    }
    let (name, body) = test.entries().into_iter().next()?;
    let arguments = body.get("arguments").unwrap_or(body);
    Some((name, Some(arguments)))
}

fn column_test(test: &View<'_>, model: &str, property: &mut Map<String, Value>) {
    let Some((name, arguments)) = test_parts(test) else {
        return;
    };
    match (name, &arguments) {
        ("not_null", arguments) => {
            property.insert("required".to_owned(), json!(true));
            settle(test, arguments.as_ref());
        }
        ("unique", arguments) => {
            property.insert("unique".to_owned(), json!(true));
            settle(test, arguments.as_ref());
        }
        ("accepted_values", Some(arguments)) => {
            if let Some(values) = arguments.take("values").and_then(Value::as_array) {
                let is_text = property.get("logicalType") == Some(&json!("string"));
                let values = values.iter().map(|value| match value {
                    Value::String(_) => value.clone(),
                    other if is_text => json!(other.to_string()),
                    other => other.clone(),
                });
                allowed_values(property, values.collect());
            }
            arguments.take("quote");
        }
        ("relationships", Some(arguments)) => {
            let to = arguments.value.get("to").and_then(Value::as_str).and_then(referenced);
            let field = arguments.value.get("field").and_then(Value::as_str);
            if let (Some(to), Some(field)) = (to, field)
                && to != model
            {
                arguments.take("to");
                arguments.take("field");
                push(property, "relationships", json!({"to": format!("{to}.{field}")}));
            }
        }
        _ => other_test(test, property),
    }
}

/// A test without arguments is taken whole; of its settings (`where`, `severity`) each is named as lost.
fn settle(test: &View<'_>, arguments: Option<&View<'_>>) {
    let bare = arguments.is_none_or(|arguments| arguments.value.as_object().is_none_or(Map::is_empty));
    if bare {
        test.keep();
    }
}

fn model_test(test: &View<'_>, object: &mut Map<String, Value>) {
    let Some((name, arguments)) = test_parts(test) else {
        return;
    };
    match (name, arguments) {
        ("dbt_utils.unique_combination_of_columns", Some(arguments)) => {
            let columns = texts(&arguments, "combination_of_columns");
            add_rule(
                object,
                json!({"metric": "duplicateValues", "arguments": {"properties": columns}, "mustBe": 0}),
            );
        }
        _ => other_test(test, object),
    }
}

/// A test of a package stays one of dbt's.
fn other_test(test: &View<'_>, element: &mut Map<String, Value>) {
    test.keep();
    let implementation = match test.value {
        Value::String(name) => json!(name),
        other => other.clone(),
    };
    add_rule(
        element,
        json!({"type": "custom", "engine": "dbt", "implementation": implementation}),
    );
}

/// The model that `ref('model')` or `source('schema', 'table')` names.
fn referenced(text: &str) -> Option<&str> {
    let inside = text.trim().trim_start_matches(['{', ' ']).trim_end_matches(['}', ' ']);
    let (arguments, rest) = inside.split_once('(')?.1.rsplit_once(')')?;
    if !rest.trim().is_empty() {
        return None;
    }
    let name = arguments.split(',').next_back()?.trim().trim_matches(['\'', '"']);
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (fits && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}
