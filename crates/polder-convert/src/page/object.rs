//! What a page says of one object: its columns, what is nested in them, and its rules in words.

use polder_contract::Contract;
use polder_core::document::Node;
use polder_core::units::counted;

use super::refers::targets;
use super::rules::rules;
use super::values::{beside, custom, definitions, flag, items, sentence, shown, text};
use super::{Block, Row, Section, Site, Text, Word};

/// What is told of a relationship beside its detail; the standard knows one type of it.
const RELATIONSHIP: [&str; 3] = ["from", "to", "type"];

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
                Text::Plain(beside(relationship, &RELATIONSHIP)),
            ],
        })
        .collect();
    if !relationships.is_empty() {
        blocks.push(Block::Table {
            caption: format!("Relationships of {name}"),
            headers: vec!["From", "To", "Detail"],
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
        let detail = beside(relationship, &RELATIONSHIP);
        meaning.extend((!detail.is_empty()).then(|| Word::Note(sentence(&detail))));
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
        .filter_map(|item| Some(with_detail(text(item, "synonym")?, &beside(item, &["synonym"]))))
        .collect();
    (!names.is_empty()).then(|| format!("Also known as {}", names.join(", ")))
}

/// A word with what else is known of it.
fn with_detail(word: String, detail: &str) -> String {
    match detail.is_empty() {
        true => word,
        false => format!("{word} ({detail})"),
    }
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
    let required = options.and_then(|options| options.get("required")).map(shown);
    words.extend(required.map(|fields| format!("has {fields}")));
    words.extend(option("pattern").map(|pattern| format!("matches {pattern}")));
    words.extend(option("format").map(|format| format!("format {format}")));
    words.extend(
        option("uniqueItems")
            .filter(|flag| *flag == "true")
            .map(|_| "items differ".to_owned()),
    );
    words.extend(option("timezone").map(|flag| match flag {
        "false" => "without a time zone".to_owned(),
        _ => "with a time zone".to_owned(),
    }));
    words.extend(option("defaultTimezone").map(|zone| format!("time zone {zone}")));
    let allowed: Vec<String> = items(node, "enum")
        .iter()
        .filter_map(|item| {
            let detail = [text(item, "label"), Some(beside(item, &["value", "label"]))];
            let detail: Vec<_> = detail.into_iter().flatten().filter(|part| !part.is_empty()).collect();
            Some(with_detail(text(item, "value")?, &detail.join(": ")))
        })
        .collect();
    if !allowed.is_empty() {
        words.push(format!("one of {}", allowed.join(", ")));
    }
    words.join("; ")
}
