//! From dbt to contracts.

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::data_tests;
use super::freshness;
use super::known::{Known, NOT_HERE, referenced};
use super::nested::{self, Names};
use crate::bounds::Bounds;
use crate::document::Document;
use crate::draft::{Draft, ImportOptions, add_rule, custom, push};
use crate::kind::{Kind, OF_TYPE};
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
            let object = reader.model(&table, Some(&prefix.join(".")))?;
            if let Some(level) = freshness::level(&source, &table, &object) {
                push(&mut draft.root, "slaProperties", level);
            }
            draft.objects.push(object);
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
        let mut rules = Vec::new();
        let types = model.get("config").and_then(|config| config.get("column_types"));
        let mut columns = self.columns(&model.items("columns"), types.as_ref(), &mut rules)?;
        for constraint in model.items("constraints") {
            self.constrain(&constraint, None, &mut columns, &mut object);
        }
        for key in ["data_tests", "tests"] {
            model
                .items(key)
                .iter()
                .for_each(|test| data_tests::of_model(test, &mut object));
        }
        rules.into_iter().for_each(|rule| add_rule(&mut object, rule));
        object.insert(
            "properties".to_owned(),
            columns.into_iter().map(Value::Object).collect(),
        );
        Ok(object)
    }

    /// The columns, and what is a rule of the row in them. Fields that stand among them go where they belong.
    fn columns(
        &self,
        listed: &[View<'a>],
        types: Option<&View<'a>>,
        rules: &mut Vec<Value>,
    ) -> Result<Vec<Map<String, Value>>> {
        let names = Names::of(listed, self.options.dialect);
        let mut columns: Vec<Map<String, Value>> = Vec::new();
        let mut fields = Vec::new();
        for column in listed {
            let name = column.text("name").ok_or_else(|| missing_name(column))?;
            let Some((of, way)) = names.way(name) else {
                let mut property = Map::from_iter([("name".to_owned(), json!(name))]);
                if column.value.get("data_type").is_none_or(Value::is_null)
                    && let Some(given) = types.and_then(|types| types.get(name))
                {
                    self.given_type(&given, &mut property)?;
                }
                self.column(column, &mut property, names.has_fields(name), rules)?;
                columns.push(property);
                continue;
            };
            fields.push((column, name, of, way));
        }
        // Objects before their fields, whatever the order in the file.
        fields.sort_by_key(|(_, _, _, way)| way.len());
        for (column, name, of, way) in fields {
            let at = columns
                .iter()
                .position(|known| known.get("name").and_then(Value::as_str) == Some(of));
            let at = at.unwrap_or_else(|| {
                let mut made = Map::from_iter([("name".to_owned(), json!(of))]);
                nested::bare(None, &mut made);
                columns.push(made);
                columns.len() - 1
            });
            match nested::field(&mut columns[at], &way) {
                Some(property) => self.column(column, property, names.has_fields(name), rules)?,
                None => column.lose(format!("`{of}` is of a type without fields: left out")),
            }
        }
        // Types that a seed is told, of columns that nothing else is said of.
        for (name, given) in types.map(|types| types.entries()).unwrap_or_default() {
            let is = |known: &Map<String, Value>| known.get("name").and_then(Value::as_str) == Some(name);
            if !columns.iter().any(is) {
                let mut property = Map::from_iter([("name".to_owned(), json!(name))]);
                self.given_type(&given, &mut property)?;
                columns.push(property);
            }
        }
        Ok(columns)
    }

    /// The type that a seed's configuration gives to a column.
    fn given_type(&self, given: &View<'a>, property: &mut Map<String, Value>) -> Result<()> {
        let Some(text) = given.value.as_str() else {
            return Ok(());
        };
        given.keep();
        let dialect = self.options.dialect;
        read_type_text(text, dialect, self.tracker, &self.bounds, &given.path, property)
    }

    /// Writes what is said of a column, or of a field, into its property; rules of the row are put out.
    fn column(
        &self,
        column: &View<'a>,
        property: &mut Map<String, Value>,
        has_fields: bool,
        rules: &mut Vec<Value>,
    ) -> Result<()> {
        about(column, property);
        // How the name is written in SQL; here it is as it stands.
        column.flag("quote");
        let typed = property.contains_key("logicalType");
        let data_type = column.value.get("data_type").and_then(Value::as_str);
        if !typed && has_fields && nested::bare(data_type, property) {
            column.take("data_type");
        } else if let Some(text) = column.text("data_type") {
            let mut read = Map::new();
            let (dialect, path) = (self.options.dialect, &column.path);
            // What its struct says stands there in full.
            let bare = typed && nested::bare(Some(text), &mut Map::new());
            if !bare {
                read_type_text(text, dialect, self.tracker, &self.bounds, path, &mut read)?;
            }
            let other = |key: &str| read.get(key).is_some_and(|value| property.get(key) != Some(value));
            if !typed {
                property.extend(read);
            } else if OF_TYPE.iter().any(|key| other(key)) {
                column.lose_part("data_type", text, "the type of its struct says something else");
            }
        } else if !typed {
            column.lose_part("data_type", "not given", "a column of no known type is written as text");
            Kind::String.write(property);
        }
        let is_field = column.value.get("name") != property.get("name");
        let mut object = Map::new();
        for constraint in column.items("constraints") {
            if is_field && constraint.value.get("type") == Some(&json!("primary_key")) {
                constraint.lose("a contract's primary key is of columns");
                continue;
            }
            if is_field && constraint.value.get("type") == Some(&json!("check")) {
                // Its words are of the row, where a column may have the field's name.
                self.constrain(&constraint, None, &mut [], &mut object);
                continue;
            }
            let name = property.get("name").and_then(Value::as_str).map(str::to_owned);
            let mut columns = [std::mem::take(property)];
            self.constrain(&constraint, name.as_deref(), &mut columns, &mut object);
            let [changed] = columns;
            *property = changed;
        }
        for key in ["data_tests", "tests"] {
            column
                .items(key)
                .iter()
                .for_each(|test| data_tests::of_column(test, &self.known, property));
        }
        // A check of a column can speak of the row: such a rule is the object's.
        if let Some(own) = object.remove("quality").as_mut().and_then(Value::as_array_mut) {
            rules.append(own);
        }
        Ok(())
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
                if let Some(found) = nested::find(columns, name) {
                    set(index, found);
                }
            }
        };
        // What is said of a column that is not there is left, and so named.
        if kind != "check" && names.iter().any(|name| nested::find(columns, name).is_none()) {
            return;
        }
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
