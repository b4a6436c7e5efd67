//! The tests of models and columns. A test that a contract cannot say as it is becomes nothing stricter: it is left out,
//! and named.

use serde_json::{Map, Value, json};

use super::known::{Known, NOT_HERE, referenced};
use crate::dialect::Dialect;
use crate::draft::{add_rule, push_once};
use crate::loss::{NOT_RUN, View};
use crate::sql::apply_check;

/// A test with its arguments; older and newer files write these in two places.
struct Test<'v, 'a> {
    view: &'v View<'a>,
    name: &'a str,
    body: Option<View<'a>>,
    arguments: Option<View<'a>>,
}

/// What becomes of rows that fail a test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Fails,
    Warns,
}

/// What a test says of itself and a contract has no word for, but which changes nothing of what it asks.
const ASIDE: [&str; 2] = ["warn_if", "quote"];

impl<'v, 'a> Test<'v, 'a> {
    fn read(view: &'v View<'a>) -> Option<Self> {
        if let Some(name) = view.value.as_str() {
            let (body, arguments) = (None, None);
            return Some(Self {
                view,
                name,
                body,
                arguments,
            });
        }
        let (name, body) = view.entries().into_iter().next()?;
        let arguments = body.get("arguments").unwrap_or_else(|| body.clone());
        let (body, arguments) = (Some(body), Some(arguments));
        Some(Self {
            view,
            name,
            body,
            arguments,
        })
    }

    /// A setting, be it under `config` or beside the arguments.
    fn setting(&self, key: &str) -> Option<View<'a>> {
        let body = self.body.as_ref()?;
        body.get("config")
            .and_then(|config| config.get(key))
            .or_else(|| body.get(key))
    }

    /// How much it weighs; nothing where it asks nothing of every row, which is named.
    fn weight(&self) -> Option<Weight> {
        if self
            .setting("enabled")
            .is_some_and(|enabled| enabled.value != &Value::Bool(true))
        {
            self.view.lose("a test that is switched off asks nothing");
            return None;
        }
        for (key, why) in [
            (
                "where",
                "it holds for some rows only, and a contract's limits for all of them: left out",
            ),
            ("limit", "it looks at some of the failing rows only: left out"),
            ("fail_calc", "it counts in its own way: left out"),
        ] {
            if self.setting(key).is_some() {
                self.view.lose(why);
                return None;
            }
        }
        let every = |view: &View<'_>| {
            let text: Option<String> = view.value.as_str().map(|text| text.split_whitespace().collect());
            text.is_some_and(|text| matches!(text.as_str(), "!=0" | ">0" | ">=1"))
        };
        if self.setting("error_if").is_some_and(|condition| !every(&condition)) {
            self.view
                .lose("it lets some rows fail, and a contract's limits none: left out");
            return None;
        }
        let severity = self.setting("severity");
        match severity
            .as_ref()
            .map(|severity| severity.value.as_str().map(str::to_lowercase))
        {
            None => Some(Weight::Fails),
            Some(Some(word)) if word == "error" => Some(Weight::Fails),
            Some(Some(word)) if word == "warn" => Some(Weight::Warns),
            Some(_) => {
                self.view.lose("how much it weighs is told elsewhere: left out");
                None
            }
        }
    }

    /// Whether it says nothing beside these arguments, but for what it is called and that it fails.
    fn is_plain(&self, arguments: &[&str]) -> bool {
        let Some(body) = &self.body else { return false };
        let fails = |view: &View<'_>| {
            let word = view.value.as_str();
            word.is_some_and(|word| word.eq_ignore_ascii_case("error"))
        };
        let said = |entries: Vec<(&str, View<'_>)>| {
            entries.iter().all(|(key, value)| match *key {
                "config" | "arguments" | "name" | "description" => true,
                "severity" => fails(value),
                key => arguments.contains(&key),
            })
        };
        let config = body.get("config").map(|config| config.entries()).unwrap_or_default();
        let config = config.iter().all(|(key, value)| *key == "severity" && fails(value));
        let given = body.get("arguments").map(|given| given.entries()).unwrap_or_default();
        config && said(body.entries()) && given.iter().all(|(key, _)| arguments.contains(key))
    }

    /// Takes it, with these arguments. What else it says of itself is named.
    fn keep(&self, taken: &[&str]) {
        let settings = ["config", "arguments"].map(|key| self.body.as_ref().and_then(|body| body.get(key)));
        let places = settings.iter().flatten().chain(&self.body);
        for (key, value) in places.flat_map(|place| place.entries()) {
            let said = ["config", "arguments", "severity", "error_if", "enabled"];
            if said.contains(&key) || taken.contains(&key) || value.value.is_null() {
                continue;
            }
            match ASIDE.contains(&key) {
                true => value.keep(),
                false => value.lose("a contract has no place for it"),
            }
        }
        self.view.keep();
    }
}

/// A rule that fails the rows, or only warns.
fn weighed(mut rule: Value, weight: Weight) -> Value {
    if weight == Weight::Warns {
        rule["severity"] = json!("warning");
    }
    rule
}

/// A test of a column.
pub(super) fn of_column(view: &View<'_>, known: &Known, property: &mut Map<String, Value>) {
    let Some(test) = Test::read(view) else {
        return;
    };
    match test.name {
        "not_null" | "unique" => {
            let Some(weight) = test.weight() else { return };
            let (flag, metric) = match test.name {
                "not_null" => ("required", "nullValues"),
                _ => ("unique", "duplicateValues"),
            };
            match weight {
                Weight::Fails => drop(property.insert(flag.to_owned(), json!(true))),
                Weight::Warns => add_rule(property, weighed(json!({"metric": metric, "mustBe": 0}), weight)),
            }
            test.keep(&[]);
        }
        "accepted_values" => {
            let listed = test.arguments.as_ref().and_then(|of| of.get("values"));
            let Some(values) = listed.as_ref().and_then(|listed| listed.value.as_array()) else {
                return;
            };
            let Some(weight) = test.weight() else { return };
            let is_text = property.get("logicalType") == Some(&json!("string"));
            let values: Vec<Value> = values
                .iter()
                .map(|value| match value {
                    Value::String(_) => value.clone(),
                    other if is_text => json!(other.to_string()),
                    other => other.clone(),
                })
                .collect();
            let rule = json!({"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0});
            add_rule(property, weighed(rule, weight));
            test.keep(&["values"]);
        }
        "relationships" => {
            let argument = |key: &str| test.arguments.as_ref().and_then(|of| of.value.get(key)?.as_str());
            let (Some(to), Some(field)) = (argument("to").and_then(referenced), argument("field")) else {
                return;
            };
            let Some(weight) = test.weight() else { return };
            if !known.has(to, field) {
                view.lose(NOT_HERE);
                return;
            }
            let mut relationship = json!({"to": format!("{to}.{field}")});
            if weight == Weight::Warns {
                relationship["customProperties"] = json!([{"property": "polder.onFailure", "value": "warn"}]);
            }
            // A constraint may have said the same.
            push_once(property, "relationships", relationship);
            test.keep(&["to", "field"]);
        }
        "dbt_utils.accepted_range" if test.is_plain(&["min_value", "max_value", "inclusive"]) => {
            if !range(&test, property) {
                return other(view, property);
            }
            test.keep(&["min_value", "max_value", "inclusive"]);
        }
        "dbt_expectations.expect_column_values_to_match_regex" if test.is_plain(&["regex"]) => {
            if !pattern(&test, property) {
                return other(view, property);
            }
            test.keep(&["regex"]);
        }
        _ => other(view, property),
    }
}

/// Bounds as limits of the column, where these say the same; else nothing is changed.
fn range(test: &Test<'_, '_>, property: &mut Map<String, Value>) -> bool {
    let argument = |key: &str| {
        test.arguments
            .as_ref()
            .and_then(|of| of.get(key))
            .map(|view| view.value)
    };
    let inclusive = match argument("inclusive") {
        None | Some(Value::Bool(true)) => "=",
        Some(Value::Bool(false)) => "",
        Some(_) => return false,
    };
    let Some(name) = property.get("name").and_then(Value::as_str) else {
        return false;
    };
    let name = name.replace('"', "\"\"");
    let mut conditions = Vec::new();
    for (key, sign) in [("min_value", ">"), ("max_value", "<")] {
        match argument(key) {
            None => {}
            Some(Value::Number(bound)) => conditions.push(format!("\"{name}\" {sign}{inclusive} {bound}")),
            // An expression of the database.
            Some(_) => return false,
        }
    }
    if conditions.is_empty() {
        return false;
    }
    let mut limited = [property.clone()];
    let mut row_rules = Map::new();
    let read = apply_check(
        &conditions.join(" AND "),
        Dialect::Postgres,
        None,
        &mut limited,
        &mut row_rules,
    );
    if !matches!(read, Ok(false)) {
        return false;
    }
    let [limited] = limited;
    *property = limited;
    true
}

/// A regular expression as the column's pattern, where every database reads it alike; else nothing is changed.
fn pattern(test: &Test<'_, '_>, property: &mut Map<String, Value>) -> bool {
    let regex = test.arguments.as_ref().and_then(|of| of.get("regex"));
    let Some(regex) = regex.as_ref().and_then(|regex| regex.value.as_str()) else {
        return false;
    };
    if property.get("logicalType") != Some(&json!("string")) || !is_common(regex) {
        return false;
    }
    let options = property.entry("logicalTypeOptions").or_insert_with(|| json!({}));
    let Some(options) = options.as_object_mut() else {
        return false;
    };
    if options.contains_key("pattern") {
        return false;
    }
    options.insert("pattern".to_owned(), json!(regex));
    true
}

/// Whether a regular expression means the same to all databases and to a contract: no backslashes, which text in SQL may
/// swallow, no groups with a meaning of their own, no classes by name, no dot that may match a line feed.
fn is_common(regex: &str) -> bool {
    let mut bracket = false;
    let mut before = None;
    for c in regex.chars() {
        match c {
            '\\' => return false,
            '[' if bracket => return false,
            '[' => bracket = true,
            ']' if bracket && matches!(before, Some('[' | '^')) => return false,
            ']' if !bracket => return false,
            ']' => bracket = false,
            '&' | '~' if bracket => return false,
            '.' if !bracket => return false,
            // Groups of a special kind, and repetitions that are lazy or possessive.
            '?' | '+' if !bracket && matches!(before, Some('(' | '?' | '+' | '*' | '}')) => return false,
            c if c.is_control() || !c.is_ascii() => return false,
            _ => {}
        }
        before = Some(c);
    }
    !regex.is_empty() && !bracket && polder_contract::rule::regex(regex).is_ok()
}

/// A test of a model.
pub(super) fn of_model(view: &View<'_>, object: &mut Map<String, Value>) {
    let Some(test) = Test::read(view) else {
        return;
    };
    match (test.name, &test.arguments) {
        ("dbt_utils.unique_combination_of_columns", Some(arguments)) => {
            let Some(weight) = test.weight() else { return };
            let columns = texts(arguments, "combination_of_columns");
            let rule = json!({"metric": "duplicateValues", "arguments": {"properties": columns}, "mustBe": 0});
            add_rule(object, weighed(rule, weight));
            test.keep(&["combination_of_columns"]);
        }
        _ => other(view, object),
    }
}

/// A test of a package stays one of dbt's, which is said: nothing here runs it.
fn other(test: &View<'_>, element: &mut Map<String, Value>) {
    test.lose(NOT_RUN);
    let implementation = match test.value {
        Value::String(name) => json!(name),
        other => other.clone(),
    };
    add_rule(
        element,
        json!({"type": "custom", "engine": "dbt", "implementation": implementation}),
    );
}

/// The texts of the list under a key, taken.
fn texts(view: &View<'_>, key: &str) -> Vec<String> {
    let list = view.take(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
