//! From contracts to dbt.

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::element::{Column, Table, asks_only, tables, why_lost};
use crate::loss::{Converted, Tracker, View};
use crate::sql::{column_type, limits, quoted};
use crate::yaml;

/// A `schema.yml` of models with enforced contracts, their types in a dialect.
pub(crate) fn export(contract: &Value, dialect: Dialect) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let tables = tables(&tracker.root(contract));
    if tables.is_empty() {
        return Err(Error::new(ErrorKind::Document, "the contract has no schema to export"));
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    let models: Vec<Value> = tables.iter().map(|table| model(table, &names, dialect)).collect();
    Ok(Converted {
        value: yaml::write(&json!({"version": 2, "models": models})),
        losses: tracker.finish(contract, |path| why(path, dialect)),
    })
}

/// Whether dbt writes check constraints into the tables of a database, see
/// <https://docs.getdbt.com/reference/resource-properties/constraints>.
fn has_checks(dialect: Dialect) -> bool {
    !matches!(
        dialect,
        Dialect::Snowflake | Dialect::BigQuery | Dialect::Redshift | Dialect::MySql
    )
}

fn no_checks(dialect: Dialect) -> String {
    format!("dbt has no check constraints for {dialect}")
}

/// Why what is left in a contract is lost, by its path.
fn why(path: &str, dialect: Dialect) -> String {
    let top_level = !path.contains(".items") && !path.contains(".map.") && path.matches(".properties[").count() == 1;
    match path.rsplit('.').next() {
        Some("pattern") => format!("the regular expressions of {dialect} are others than a contract's"),
        Some("multipleOf") => "a dbt model has no multiples of values".to_owned(),
        Some(
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "minLength" | "maxLength"
            | "logicalTypeOptions",
        ) => match (top_level, has_checks(dialect)) {
            (true, false) => no_checks(dialect),
            (false, _) => "a dbt model has limits of columns, not of what is inside them".to_owned(),
            (true, true) => why_lost(path, "a dbt model"),
        },
        _ => why_lost(path, "a dbt model"),
    }
}

fn model(table: &Table<'_>, names: &[&str], dialect: Dialect) -> Value {
    let mut model = Map::from_iter([("name".to_owned(), json!(table.name))]);
    if table.physical == Some(table.name) {
        table.view.take("physicalName");
    }
    let mut config = Map::from_iter([("contract".to_owned(), json!({"enforced": true}))]);
    about(&table.view, &mut model, &mut config);
    model.insert("config".to_owned(), Value::Object(config));
    let key = table.key();
    for column in &key {
        column.view.take("primaryKey");
        column.view.take("primaryKeyPosition");
    }
    let single_key = match key.as_slice() {
        [one] => Some(one.name),
        _ => None,
    };
    let mut constraints = Vec::new();
    if key.len() > 1 {
        let columns: Vec<&str> = key.iter().map(|column| column.name).collect();
        constraints.push(json!({"type": "primary_key", "columns": columns}));
    }
    let rules = table.view.items("quality");
    constraints.extend(rules.iter().filter_map(|rule| row_check(rule, dialect)));
    if !constraints.is_empty() {
        model.insert("constraints".to_owned(), Value::Array(constraints));
    }
    let tests: Vec<Value> = rules.iter().filter_map(model_test).collect();
    if !tests.is_empty() {
        model.insert("data_tests".to_owned(), Value::Array(tests));
    }
    let columns: Vec<Value> = table
        .columns
        .iter()
        .map(|one| column(one, single_key == Some(one.name), names, dialect))
        .collect();
    model.insert("columns".to_owned(), Value::Array(columns));
    Value::Object(model)
}

fn column(column: &Column<'_>, is_key: bool, names: &[&str], dialect: Dialect) -> Value {
    let mut out = Map::from_iter([("name".to_owned(), json!(column.name))]);
    let name = quoted(column.name, dialect);
    if has_checks(dialect) && name != column.name {
        // Else dbt writes it bare, and checks speak of no column.
        out.insert("quote".to_owned(), json!(true));
    }
    out.insert("data_type".to_owned(), json!(column_type(column, dialect)));
    let mut config = Map::new();
    about(&column.view, &mut out, &mut config);
    if !config.is_empty() {
        out.insert("config".to_owned(), Value::Object(config));
    }
    let mut constraints = Vec::new();
    if column.required {
        constraints.push(json!({"type": "not_null"}));
    }
    if is_key {
        constraints.push(json!({"type": "primary_key"}));
    }
    if has_checks(dialect) {
        let conditions = limits(column, &name, dialect).into_iter();
        constraints.extend(conditions.map(|condition| json!({"type": "check", "expression": condition})));
    }
    if !constraints.is_empty() {
        out.insert("constraints".to_owned(), Value::Array(constraints));
    }
    let mut tests = Vec::new();
    if column.view.flag("unique") {
        tests.push(json!("unique"));
    }
    if let Some(allowed) = column.allowed() {
        allowed.keep();
        let text = allowed.values.iter().all(|value| value.is_string());
        let mut arguments = Map::from_iter([("values".to_owned(), json!(allowed.values))]);
        if !text {
            arguments.insert("quote".to_owned(), json!(false));
        }
        tests.push(json!({"accepted_values": arguments}));
    }
    for relationship in column.view.items("relationships") {
        let to = relationship
            .value
            .get("to")
            .and_then(Value::as_str)
            .and_then(|to| to.split_once('.'));
        let plain = relationship
            .value
            .as_object()
            .is_some_and(|map| map.keys().all(|key| key == "to" || key == "type"));
        if let Some((table, field)) = to.filter(|(table, field)| plain && names.contains(table) && !field.contains('.'))
        {
            relationship.keep();
            tests.push(json!({"relationships": {"to": format!("ref('{table}')"), "field": field}}));
        }
    }
    tests.extend(column.view.items("quality").iter().filter_map(dbt_rule));
    if !tests.is_empty() {
        out.insert("data_tests".to_owned(), Value::Array(tests));
    }
    Value::Object(out)
}

/// Description, tags and meta.
fn about(view: &View<'_>, out: &mut Map<String, Value>, config: &mut Map<String, Value>) {
    if let Some(text) = view.text("description") {
        out.insert("description".to_owned(), json!(text));
    }
    if let Some(tags) = view.take("tags") {
        config.insert("tags".to_owned(), tags.clone());
    }
    let mut meta = Map::new();
    for item in view.items("customProperties") {
        let plain = item
            .value
            .as_object()
            .is_some_and(|map| map.keys().all(|key| key == "property" || key == "value"));
        let name = item.value.get("property").and_then(Value::as_str);
        if let (Some(name), Some(value), true) = (name, item.value.get("value"), plain) {
            item.keep();
            meta.insert(name.to_owned(), value.clone());
        }
    }
    if !meta.is_empty() {
        config.insert("meta".to_owned(), Value::Object(meta));
    }
}

/// A rule in SQL over a row as a check, where the dialect reads it as a contract does.
fn row_check(rule: &View<'_>, dialect: Dialect) -> Option<Value> {
    let map = rule.value.as_object()?;
    let implementation = map
        .get("implementation")
        .filter(|_| map.get("engine") == Some(&json!("polder")))?;
    let row = implementation.get("row")?.as_str()?;
    if !has_checks(dialect) {
        rule.lose(no_checks(dialect));
        return None;
    }
    if dialect == Dialect::Spark {
        rule.lose("functions and operators of Spark's SQL may mean something else");
        return None;
    }
    let plain = asks_only(map, &["type", "engine", "implementation"])
        && implementation.as_object().is_some_and(|given| given.len() == 1);
    if !plain {
        return None;
    }
    let mut check = Map::from_iter([
        ("type".to_owned(), json!("check")),
        ("expression".to_owned(), json!(row)),
    ]);
    for key in ["type", "engine", "implementation"] {
        rule.take(key);
    }
    if let Some(name) = rule.text("name") {
        check.insert("name".to_owned(), json!(name));
    }
    Some(Value::Object(check))
}

fn model_test(rule: &View<'_>) -> Option<Value> {
    let map = rule.value.as_object()?;
    let unique = map.get("metric").and_then(Value::as_str) == Some("duplicateValues")
        && map.get("mustBe").and_then(Value::as_i64) == Some(0)
        && map
            .keys()
            .all(|key| matches!(key.as_str(), "metric" | "type" | "arguments" | "mustBe"));
    if !unique {
        return dbt_rule(rule);
    }
    let arguments = map
        .get("arguments")?
        .as_object()
        .filter(|arguments| arguments.len() == 1)?;
    let columns = arguments.get("properties")?;
    rule.keep();
    Some(json!({"dbt_utils.unique_combination_of_columns": {"combination_of_columns": columns}}))
}

/// A rule that is one of dbt's own.
fn dbt_rule(rule: &View<'_>) -> Option<Value> {
    let map = rule.value.as_object()?;
    let own = map.get("engine").and_then(Value::as_str) == Some("dbt")
        && map
            .keys()
            .all(|key| matches!(key.as_str(), "type" | "engine" | "implementation"));
    if !own {
        return None;
    }
    rule.keep();
    map.get("implementation").cloned()
}
