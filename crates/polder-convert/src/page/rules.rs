//! What a page says of an object's rules.

use std::cmp::Reverse;
use std::sync::Arc;

use polder_contract::rule::{Metric, OnFailure, Rule, RuleKind, RuleSeverity, SetTest};
use polder_contract::{Contract, DatasetContract, Operator, SchemaObject};
use polder_core::Layer;
use polder_core::document::{self, Node};

use super::values::{custom, definitions, items, schedule, shown, text};
use super::{Block, Row, Text};

/// The rules of an object in words: those of `quality` and of keys one by one, and what happens where a value is not as its column
/// asks. What a column asks stands beside it already.
pub(super) fn rules(contract: &Contract, index: usize, node: &Node, name: &str) -> Vec<Block> {
    let Some(object) = contract.objects.get(index) else {
        return Vec::new();
    };
    // Streams fill bronze, pipelines the other layers; a store of its own does as it does.
    let is_stream = object
        .dataset
        .as_ref()
        .is_some_and(|dataset| dataset.layer() == Layer::Bronze);
    let compiled = if object.dataset.is_some() {
        DatasetContract {
            contract: Arc::new(contract.clone()),
            object: index,
        }
        .rules()
    } else {
        object.rules()
    };
    let (mut rows, mut of_columns) = (Vec::new(), Vec::new());
    match compiled {
        Ok(compiled) => {
            for rule in compiled.iter() {
                match quality(node, rule) {
                    None if !is_key(rule) => of_columns.push((rule.column.clone(), consequence(rule, is_stream))),
                    declared => rows.push(rule_row(rule, declared, is_stream)),
                }
            }
        }
        // What cannot be compiled is shown as it is written.
        Err(_) => rows = declared(node, None),
    }
    let said = [unkept(of_columns), misfits(object)];
    let mut blocks: Vec<_> = said.into_iter().flatten().map(Block::Paragraph).collect();
    if !rows.is_empty() {
        blocks.push(Block::Table {
            caption: format!("Rules of {name}"),
            headers: vec!["Rule", "Column", "Asks for", "Where it fails", "Classed"],
            rows,
        });
    }
    blocks
}

/// What happens where values are not as their columns ask, in a sentence: what most do, and the columns that do otherwise.
fn unkept(of_columns: Vec<(Option<String>, String)>) -> Option<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (column, fails) in of_columns {
        let column = column.unwrap_or_default();
        match groups.iter_mut().find(|(known, _)| *known == fails) {
            Some((_, columns)) if columns.contains(&column) => {}
            Some((_, columns)) => columns.push(column),
            None => groups.push((fails, vec![column])),
        }
    }
    groups.sort_by_key(|(_, columns)| Reverse(columns.len()));
    let mut groups = groups.into_iter();
    let (most, _) = groups.next()?;
    let others = groups.map(|(fails, columns)| format!("; for {}: {fails}", columns.join(", ")));
    Some(format!(
        "Where a value is not as its column asks: {most}{}.",
        others.collect::<String>()
    ))
}

/// Where a value that does not fit its type refuses all that comes with it, in a sentence; of columns with values inside one
/// word counts for all of these.
fn misfits(object: &SchemaObject) -> Option<String> {
    let rejecting = object
        .properties
        .iter()
        .filter(|column| object.on_misfit(column) == OnFailure::Reject);
    let names: Vec<_> = rejecting.map(|column| column.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let places = match names.len() == object.properties.len() {
        true => String::new(),
        false => format!(" in {}", names.join(", ")),
    };
    Some(format!(
        "Where a value{places} does not fit its type: the batch is refused."
    ))
}

/// Whether a rule is that of a key: what happens where it is broken stands nowhere else on the page.
fn is_key(rule: &Rule) -> bool {
    matches!(rule.id.rsplit('.').next(), Some("primaryKey" | "unique" | "foreignKey"))
}

/// What a rule of `quality` is as declared, by the place where it stands.
fn quality<'n>(node: &'n Node, rule: &Rule) -> Option<&'n Node> {
    let spans = |node: &Node| node.span.start <= rule.place.span.start && rule.place.span.end <= node.span.end;
    if !spans(node) {
        return None;
    }
    match (node.as_map(), node.as_list()) {
        (Some(entries), _) => entries.iter().find_map(|entry| match entry.key.as_str() {
            "quality" => entry.value.as_list()?.iter().find(|declared| spans(declared)),
            _ => quality(&entry.value, rule),
        }),
        (_, Some(items)) => items.iter().find_map(|item| quality(item, rule)),
        _ => None,
    }
}

/// What a rule says of itself for those who sort rules and for schedulers, and all that it says beyond the standard, in words.
fn classed(rule: &Rule, declared: Option<&Node>) -> String {
    let Some(declared) = declared else {
        return String::new();
    };
    let said = |key: &str| text(declared, key);
    let parts = [
        ("dimension", rule.dimension.clone()),
        ("severity", said("severity")),
        ("business impact", said("businessImpact")),
        ("method", said("method")),
        ("schedule", schedule(declared)),
        ("tags", declared.get("tags").map(shown).filter(|tags| !tags.is_empty())),
    ];
    let parts = parts
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}: {}", value?)))
        .chain(declared.get("customProperties").map(custom))
        .chain(definitions(declared));
    parts.collect::<Vec<_>>().join("; ")
}

/// Whether the test asks that no value comes twice.
fn is_one_of_each(test: &SetTest) -> bool {
    let none = matches!(&test.operator, Operator::MustBe(number) if number.parse() == Ok(0.0_f64));
    matches!(test.metric, Metric::Duplicates { .. }) && none
}

/// What happens where a rule fails.
fn consequence(rule: &Rule, is_stream: bool) -> String {
    match (&rule.kind, rule.severity, rule.on_failure) {
        (RuleKind::NotRun { why }, ..) => format!("not run: {why}"),
        (_, RuleSeverity::Warning | RuleSeverity::Info, _) | (_, _, OnFailure::Warn) => "a warning".to_owned(),
        (RuleKind::Row(_), _, OnFailure::Quarantine) => "the row goes to quarantine".to_owned(),
        (RuleKind::Row(_), _, OnFailure::Reject) => "the batch is refused".to_owned(),
        (RuleKind::Set(test), _, OnFailure::Quarantine) if is_stream && is_one_of_each(test) => {
            "the first row stays, later ones go to quarantine".to_owned()
        }
        (RuleKind::Set(_), ..) => "the commit is refused".to_owned(),
    }
}

fn rule_row(rule: &Rule, declared: Option<&Node>, is_stream: bool) -> Row {
    let mut asks = rule.says.clone();
    if let Some(values) = declared.and_then(|declared| values(rule, declared)) {
        asks = format!("{asks} ({values})");
    }
    // What is said in words alone is its own description.
    if let Some(text) = rule.description.as_ref().filter(|text| !asks.contains(text.trim())) {
        asks = if asks.is_empty() {
            text.clone()
        } else {
            format!("{asks}. {text}")
        };
    }
    Row {
        depth: 0,
        cells: vec![
            named(rule, declared),
            Text::Code(rule.column.clone().unwrap_or_default()),
            with_query(asks, rule, declared),
            Text::Plain(consequence(rule, is_stream)),
            Text::Plain(classed(rule, declared)),
        ],
    }
}

/// A rule's id, with its name where that is another one.
fn named(rule: &Rule, declared: Option<&Node>) -> Text {
    let id = Text::Code(rule.id.clone());
    let declared = declared.filter(|declared| declared.get("id").is_some());
    match declared.and_then(|declared| text(declared, "name")) {
        Some(name) => Text::Several(vec![id, Text::Plain(name)], " "),
        None => id,
    }
}

/// Which values a rule takes for valid or missing, where its own words do not say all of it.
fn values(rule: &Rule, declared: &Node) -> Option<String> {
    /// So many listed values are in the words of a rule about single values.
    const SAID: usize = 10;
    let arguments = declared.get("arguments").unwrap_or(declared);
    let is_figure = matches!(&rule.kind, RuleKind::Set(_));
    let list = |key: &str, word: fn(&str) -> String| {
        let values = items(arguments, key);
        let is_said = values.is_empty() || (!is_figure && values.len() <= SAID);
        let words = values
            .iter()
            .map(|value| value.scalar_text().map_or_else(|| "null".to_owned(), word));
        (!is_said).then(|| words.collect::<Vec<_>>().join(", "))
    };
    let missing = list("missingValues", |value| format!("\"{value}\"")).map(|values| format!("missing: {values}"));
    let valid = list("validValues", str::to_owned).map(|values| format!("one of {values}"));
    let pattern = text(arguments, "pattern").filter(|_| is_figure);
    let valid: Vec<_> = valid
        .into_iter()
        .chain(pattern.map(|pattern| format!("matches {pattern}")))
        .collect();
    missing.or_else(|| (!valid.is_empty()).then(|| format!("valid: {}", valid.join("; "))))
}

/// What a rule asks for, with the query that it asks it of, or as another tool's rule says it, where it has one.
fn with_query(asks: String, rule: &Rule, declared: Option<&Node>) -> Text {
    let of_other_tool = declared
        .and_then(|declared| declared.get("implementation"))
        .filter(|_| matches!(rule.kind, RuleKind::NotRun { .. }))
        .map(|said| said.scalar_text().map_or_else(|| document::write(said), str::to_owned));
    let query = declared.and_then(|declared| text(declared, "query"));
    match query.or(of_other_tool) {
        Some(query) => Text::Several(vec![Text::Plain(asks), Text::Query(query)], " "),
        None => Text::Plain(asks),
    }
}

/// Quality rules as declared.
fn declared(node: &Node, column: Option<&str>) -> Vec<Row> {
    let mut rows: Vec<Row> = items(node, "quality")
        .iter()
        .map(|rule| {
            let name = ["id", "name", "metric", "rule", "type"]
                .iter()
                .find_map(|key| text(rule, key));
            let asks: Vec<String> = rule
                .as_map()
                .unwrap_or_default()
                .iter()
                .filter(|entry| !matches!(entry.key.as_str(), "id" | "name" | "type" | "severity"))
                .map(|entry| format!("{}: {}", entry.key, shown(&entry.value)))
                .collect();
            Row {
                depth: 0,
                cells: vec![
                    Text::Code(name.unwrap_or_default()),
                    Text::Code(column.unwrap_or_default().to_owned()),
                    Text::Plain(asks.join("; ")),
                    Text::Plain(text(rule, "severity").unwrap_or_default()),
                    Text::Plain(String::new()),
                ],
            }
        })
        .collect();
    for property in items(node, "properties") {
        let name = text(property, "name").unwrap_or_default();
        let path = column.map_or(name.clone(), |outer| format!("{outer}.{name}"));
        rows.extend(declared(property, Some(&path)));
    }
    rows
}
