//! What a page says of one object: its columns, what is nested in them, and its rules in words.

use std::cmp::Reverse;
use std::sync::Arc;

use polder_contract::rule::{Metric, OnFailure, Rule, RuleKind, RuleSeverity, SetTest};
use polder_contract::{Contract, DatasetContract, Operator, SchemaObject};
use polder_core::Layer;
use polder_core::document::Node;
use polder_core::units::counted;

use super::refers::targets;
use super::values::{custom, definitions, flag, items, sentence, shown, text};
use super::{Block, Row, Section, Site, Text, Word};

/// The id of an object's section, by which links lead to it.
pub(super) fn anchor(index: usize) -> String {
    format!("object-{}", index + 1)
}

/// An object's section. On a site, references lead to what they refer to.
pub(super) fn object(contract: &Contract, index: usize, node: &Node, site: Option<&Site<'_>>) -> Section {
    let name = text(node, "name").unwrap_or_default();
    let mut blocks = Vec::new();
    blocks.extend(text(node, "description").map(Block::Paragraph));
    let mut facts = Vec::new();
    for (key, label) in [
        ("businessName", "Business name"),
        ("physicalType", "Kind"),
        ("dataGranularityDescription", "One row is"),
        ("tags", "Tags"),
        ("context", "Context"),
        ("customProperties", "Custom properties"),
    ] {
        let value = node.get(key).map(|value| match key {
            "customProperties" => custom(value),
            _ => shown(value),
        });
        facts.extend(value.map(|value| (label.to_owned(), Text::Plain(value))));
    }
    if !facts.is_empty() {
        blocks.push(Block::Facts(facts));
    }
    let more = [also_known(node), definitions(node)];
    blocks.extend(more.into_iter().flatten().map(|text| Block::Paragraph(sentence(&text))));
    let mut rows = Vec::new();
    let refers = |to: Option<&Node>| targets(to, contract, site);
    for property in items(node, "properties") {
        columns(property, None, 0, &refers, &mut rows);
    }
    if !rows.is_empty() {
        blocks.push(Block::Table {
            caption: format!("Columns of {name}"),
            headers: vec!["Column", "Type", "Meaning", "Limits"],
            rows,
        });
    }
    let relationships: Vec<Row> = items(node, "relationships")
        .iter()
        .map(|relationship| Row {
            depth: 0,
            cells: vec![
                Text::Code(relationship.get("from").map(shown).unwrap_or_default()),
                refers(relationship.get("to")),
            ],
        })
        .collect();
    if !relationships.is_empty() {
        blocks.push(Block::Table {
            caption: format!("Relationships of {name}"),
            headers: vec!["From", "To"],
            rows: relationships,
        });
    }
    blocks.extend(rules(contract, index, node, &name));
    Section {
        id: anchor(index),
        title: name,
        code: text(node, "physicalName"),
        blocks,
    }
}

/// A property and everything inside it, a row each. `refers` says what relationships refer to.
fn columns(node: &Node, role: Option<&str>, depth: usize, refers: &dyn Fn(Option<&Node>) -> Text, rows: &mut Vec<Row>) {
    let name = match (role, text(node, "name")) {
        (Some(role), _) => Text::Plain(role.to_owned()),
        (None, name) => Text::Code(name.unwrap_or_default()),
    };
    let kind = match (text(node, "physicalType"), text(node, "logicalType")) {
        (Some(physical), Some(logical)) if physical != logical => format!("{logical} ({physical})"),
        (Some(word), _) | (None, Some(word)) => word,
        (None, None) => String::new(),
    };
    let mut meaning = Vec::new();
    // Columns of a key must have a value, whether they say so or not. Values inside others make no key.
    let asks_value = flag(node, "required") || (depth == 0 && flag(node, "primaryKey"));
    for (is_so, word) in [
        (flag(node, "primaryKey"), "key"),
        (asks_value, "required"),
        (flag(node, "unique"), "unique"),
        (flag(node, "partitioned"), "partition"),
        (flag(node, "criticalDataElement"), "critical"),
    ] {
        if is_so {
            meaning.push(Word::Badge(word.to_owned()));
        }
    }
    meaning.extend(text(node, "classification").map(Word::Badge));
    let business = text(node, "businessName").filter(|business| Some(business) != text(node, "name").as_ref());
    meaning.extend(business.map(|business| Word::Text(format!("{business}."))));
    meaning.extend(text(node, "description").map(|text| Word::Text(sentence(&text))));
    if let Some(physical) = text(node, "physicalName").filter(|physical| Some(physical) != text(node, "name").as_ref())
    {
        meaning.push(Word::Note(format!("In the table: {physical}.")));
    }
    for relationship in items(node, "relationships") {
        meaning.push(Word::Refers(refers(relationship.get("to"))));
    }
    if let Some(logic) = text(node, "transformLogic") {
        meaning.push(Word::Note(format!("Made by: {logic}.")));
    }
    if let Some(examples) = node.get("examples") {
        meaning.push(Word::Note(format!("For example {}.", shown(examples))));
    }
    if let Some(tags) = node.get("tags").map(shown).filter(|tags| !tags.is_empty()) {
        meaning.push(Word::Note(format!("Tags: {tags}.")));
    }
    for (key, label) in [
        ("semanticType", "Semantic type"),
        ("encryptedName", "Encrypted as"),
        ("transformSourceObjects", "From"),
        ("transformDescription", "How"),
    ] {
        if let Some(value) = node.get(key).map(shown).filter(|value| !value.is_empty()) {
            meaning.push(Word::Note(sentence(&format!("{label}: {value}"))));
        }
    }
    meaning.extend(also_known(node).map(|text| Word::Note(sentence(&text))));
    meaning.extend(definitions(node).map(|text| Word::Note(sentence(&text))));
    if let Some(own) = node.get("customProperties") {
        meaning.push(Word::Note(format!("{}.", custom(own))));
    }
    rows.push(Row {
        depth,
        cells: vec![name, Text::Code(kind), Text::Words(meaning), Text::Plain(limits(node))],
    });
    for property in items(node, "properties") {
        columns(property, None, depth + 1, refers, rows);
    }
    if let Some(inner) = node.get("items") {
        columns(inner, Some("each item"), depth + 1, refers, rows);
    }
    if let Some(map) = node.get("map") {
        for (key, role) in [("key", "each key"), ("value", "each value")] {
            if let Some(side) = map.get(key) {
                columns(side, Some(role), depth + 1, refers, rows);
            }
        }
    }
}

fn also_known(node: &Node) -> Option<String> {
    let names: Vec<String> = items(node, "synonyms")
        .iter()
        .filter_map(|item| text(item, "synonym"))
        .collect();
    (!names.is_empty()).then(|| format!("Also known as {}", names.join(", ")))
}

/// Limits of a value in words.
fn limits(node: &Node) -> String {
    let mut words = Vec::new();
    let options = node.get("logicalTypeOptions");
    let option = |key: &str| options.and_then(|options| options.get(key)).and_then(Node::scalar_text);
    for (key, word) in [
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "a multiple of"),
    ] {
        words.extend(option(key).map(|value| format!("{word} {value}")));
    }
    for (least, greatest, what) in [
        ("minLength", "maxLength", "character"),
        ("minItems", "maxItems", "item"),
        ("minProperties", "maxProperties", "field"),
    ] {
        words.extend(match (option(least), option(greatest)) {
            (Some(least), Some(greatest)) if least == greatest => Some(format!("exactly {}", counted(least, what))),
            (Some(least), Some(greatest)) => Some(format!("{least} to {}", counted(greatest, what))),
            (Some(least), None) => Some(format!("at least {}", counted(least, what))),
            (None, Some(greatest)) => Some(format!("at most {}", counted(greatest, what))),
            (None, None) => None,
        });
    }
    words.extend(option("pattern").map(|pattern| format!("matches {pattern}")));
    words.extend(option("format").map(|format| format!("format {format}")));
    words.extend(
        option("uniqueItems")
            .filter(|flag| *flag == "true")
            .map(|_| "items differ".to_owned()),
    );
    words.extend(
        option("timezone")
            .filter(|flag| *flag == "false")
            .map(|_| "without a time zone".to_owned()),
    );
    words.extend(option("defaultTimezone").map(|zone| format!("time zone {zone}")));
    let allowed: Vec<String> = items(node, "enum")
        .iter()
        .filter_map(|item| {
            let value = text(item, "value")?;
            Some(text(item, "label").map_or(value.clone(), |label| format!("{value} ({label})")))
        })
        .collect();
    if !allowed.is_empty() {
        words.push(format!("one of {}", allowed.join(", ")));
    }
    words.join("; ")
}

/// The rules of an object in words: those of `quality` and of keys one by one, and what happens where a value is not as its column
/// asks. What a column asks stands beside it already.
fn rules(contract: &Contract, index: usize, node: &Node, name: &str) -> Vec<Block> {
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

/// What a rule says of itself for those who sort rules and for schedulers, in words.
fn classed(rule: &Rule, declared: Option<&Node>) -> String {
    let said = |key: &str| declared.and_then(|declared| text(declared, key));
    let schedule = said("schedule").map(|schedule| match said("scheduler") {
        Some(scheduler) => format!("{schedule} ({scheduler})"),
        None => schedule,
    });
    let parts = [
        ("dimension", rule.dimension.clone()),
        ("severity", said("severity")),
        ("business impact", said("businessImpact")),
        ("schedule", schedule),
    ];
    let parts = parts
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}: {}", value?)));
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
            Text::Code(rule.id.clone()),
            Text::Code(rule.column.clone().unwrap_or_default()),
            with_query(asks, declared),
            Text::Plain(consequence(rule, is_stream)),
            Text::Plain(classed(rule, declared)),
        ],
    }
}

/// What a rule asks for, with the query that it asks it of, where it has one.
fn with_query(asks: String, declared: Option<&Node>) -> Text {
    match declared.and_then(|declared| text(declared, "query")) {
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
