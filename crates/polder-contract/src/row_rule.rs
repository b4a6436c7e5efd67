//! The rules that one row alone can break, and the list of those that it cannot.

use polder_core::document::{Diagnostic, Node, Value};
use regex::RegexBuilder;

use crate::bound;
use crate::column_type::ColumnType;
use crate::place::{Place, Written};
use crate::quality::{Operator, Quality, QualityKind};
use crate::schema::{LogicalType, Property, SchemaObject};

/// A rule about one value of a row. Nulls pass every check but [`RowCheck::Required`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRule {
    /// The rule's name: `<column>.<rule>`, or the id or name of the quality rule that it comes from.
    pub id: String,
    /// The column.
    pub column: String,
    /// What is checked.
    pub check: RowCheck,
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowCheck {
    /// Not null.
    Required,
    /// At least this. Numbers are as written, dates `YYYY-MM-DD`, instants by RFC 3339 in UTC.
    Minimum {
        /// The bound.
        value: String,
        /// Whether the bound itself is refused.
        exclusive: bool,
    },
    /// At most this, written as a minimum is.
    Maximum {
        /// The bound.
        value: String,
        /// Whether the bound itself is refused.
        exclusive: bool,
    },
    /// At least so many characters.
    MinLength(u64),
    /// At most so many characters.
    MaxLength(u64),
    /// The regular expression occurs in the text; it is anchored only where it says so.
    Pattern(String),
    /// One of these, as written.
    OneOf(Vec<String>),
    /// A multiple of this number.
    MultipleOf(String),
}

/// Compiled patterns may take so many bytes: an expression that needs more is meant to hurt.
const PATTERN_BYTES: usize = 1 << 20;

/// Formats of text that are held against a pattern.
const FORMATS: [(&str, &str); 5] = [
    (
        "uuid",
        "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    ),
    // As HTML defines an address for its input fields: what mail servers take in practice.
    (
        "email",
        "^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\
         (?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
    ),
    (
        "ipv4",
        "^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])$",
    ),
    (
        "hostname",
        "^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
    ),
    ("uri", "^[a-zA-Z][a-zA-Z0-9+.-]*:[^\\s]*$"),
];

/// Ranges of the widths that are narrower than any column.
const WIDTHS: [(&str, &str, &str); 6] = [
    ("i8", "-128", "127"),
    ("i16", "-32768", "32767"),
    ("u8", "0", "255"),
    ("u16", "0", "65535"),
    ("u32", "0", "4294967295"),
    ("u64", "0", "18446744073709551615"),
];

impl SchemaObject {
    /// The rules that one row alone can break, in the order of the columns.
    ///
    /// # Errors
    /// Every bound that is no value of its column's type, and every pattern that cannot be compiled.
    pub fn row_rules(&self) -> Result<Vec<RowRule>, Vec<Diagnostic>> {
        let mut rules = Vec::new();
        let mut problems = Vec::new();
        for property in &self.properties {
            match property.column_type() {
                Ok(column) => Rules {
                    property,
                    column,
                    rules: &mut rules,
                    problems: &mut problems,
                }
                .collect(),
                Err(error) => problems.extend(error.diagnostics().iter().cloned()),
            }
        }
        if problems.is_empty() { Ok(rules) } else { Err(problems) }
    }

    /// Declared rules that no row alone can break, or that cannot be checked here: each in words, with why. Whoever
    /// reports a verdict over rows reports these beside it, so that nothing passes in silence.
    pub fn not_row_rules(&self) -> Vec<String> {
        let mut open = Vec::new();
        for property in &self.properties {
            open_rules(property, &property.name, true, &mut open);
        }
        for quality in &self.quality {
            open.push(format!("{}.{}: {}", self.name, quality.label(), why_not_row(quality)));
        }
        open
    }
}

struct Rules<'a> {
    property: &'a Property,
    column: ColumnType,
    rules: &'a mut Vec<RowRule>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Rules<'_> {
    fn collect(&mut self) {
        let property = self.property;
        let options = &property.options;
        if property.required {
            self.add("required", RowCheck::Required);
        }
        self.width();
        self.bound("minimum", options.minimum.as_ref(), |value| RowCheck::Minimum {
            value,
            exclusive: false,
        });
        self.bound("exclusiveMinimum", options.exclusive_minimum.as_ref(), |value| {
            RowCheck::Minimum { value, exclusive: true }
        });
        self.bound("maximum", options.maximum.as_ref(), |value| RowCheck::Maximum {
            value,
            exclusive: false,
        });
        self.bound("exclusiveMaximum", options.exclusive_maximum.as_ref(), |value| {
            RowCheck::Maximum { value, exclusive: true }
        });
        self.bound("multipleOf", options.multiple_of.as_ref(), RowCheck::MultipleOf);
        if let Some(length) = options.min_length {
            self.add("minLength", RowCheck::MinLength(length));
        }
        if let Some(length) = options.max_length {
            self.add("maxLength", RowCheck::MaxLength(length));
        }
        if let Some(pattern) = &options.pattern {
            let id = format!("{}.pattern", property.name);
            self.pattern(id, &pattern.text, &pattern.place);
        }
        if let Some((_, pattern)) = text_format(property) {
            self.add("format", RowCheck::Pattern(pattern.to_owned()));
        }
        if !property.allowed.is_empty() {
            let values = property
                .allowed
                .iter()
                .map(|value| (value.text.clone(), value.place.clone()))
                .collect();
            self.one_of(format!("{}.enum", property.name), values);
        }
        for quality in property.quality.iter().filter(|quality| is_row_rule(quality)) {
            self.quality(quality);
        }
    }

    fn add(&mut self, rule: &str, check: RowCheck) {
        let column = self.property.name.clone();
        self.rules.push(RowRule {
            id: format!("{column}.{rule}"),
            column,
            check,
        });
    }

    fn named(&mut self, id: String, check: RowCheck) {
        self.rules.push(RowRule {
            id,
            column: self.property.name.clone(),
            check,
        });
    }

    /// A declared width is a range of values, whatever the column could hold.
    fn width(&mut self) {
        let format = self.property.options.format.as_ref().map(|format| format.text.as_str());
        if self.property.logical_type != Some(LogicalType::Integer) {
            return;
        }
        if let Some((_, low, high)) = WIDTHS.iter().find(|(name, _, _)| Some(*name) == format) {
            self.add(
                "format",
                RowCheck::Minimum {
                    value: (*low).to_owned(),
                    exclusive: false,
                },
            );
            self.add(
                "format",
                RowCheck::Maximum {
                    value: (*high).to_owned(),
                    exclusive: false,
                },
            );
        }
        if format == Some("i32") && self.column != ColumnType::Int32 {
            self.add(
                "format",
                RowCheck::Minimum {
                    value: i32::MIN.to_string(),
                    exclusive: false,
                },
            );
            self.add(
                "format",
                RowCheck::Maximum {
                    value: i32::MAX.to_string(),
                    exclusive: false,
                },
            );
        }
    }

    fn bound(&mut self, rule: &str, written: Option<&Written>, check: impl FnOnce(String) -> RowCheck) {
        let Some(written) = written else { return };
        let zone = self
            .property
            .options
            .default_timezone
            .as_ref()
            .map(|zone| zone.text.as_str());
        match bound::normal(&self.column, &written.text, zone) {
            Ok(value) => self.add(rule, check(value)),
            Err(problem) => self.refuse(
                &written.place,
                format!("{}.{rule}: {problem}", self.property.name),
                None,
            ),
        }
    }

    fn pattern(&mut self, id: String, pattern: &str, place: &Place) {
        if self.column != ColumnType::String {
            self.refuse(
                place,
                format!("{id}: a pattern needs a column of text, not {}", self.column),
                None,
            );
            return;
        }
        let pattern = portable(pattern);
        match RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES).build() {
            Ok(_) => self.named(id, RowCheck::Pattern(pattern)),
            Err(error) => {
                // The library draws the place over several lines; the last one says what is wrong.
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let help =
                    "patterns are matched in linear time: no look-around, no back references, no huge repetitions";
                self.refuse(
                    place,
                    format!("{id}: the pattern `{pattern}` cannot be used: {last}"),
                    Some(help),
                );
            }
        }
    }

    fn one_of(&mut self, id: String, values: Vec<(String, Place)>) {
        let ordered = !matches!(self.column, ColumnType::String | ColumnType::Boolean);
        let mut texts = Vec::new();
        for (text, place) in values {
            match if ordered {
                bound::normal(&self.column, &text, None)
            } else {
                Ok(text)
            } {
                Ok(text) => texts.push(text),
                Err(problem) => self.refuse(&place, format!("{id}: {problem}"), None),
            }
        }
        self.named(id, RowCheck::OneOf(texts));
    }

    fn quality(&mut self, quality: &Quality) {
        let name = quality.id.clone().or_else(|| quality.name.clone());
        let id = name.unwrap_or_else(|| format!("{}.{}", self.property.name, quality.label()));
        let QualityKind::Library { metric, arguments } = &quality.kind else {
            return;
        };
        if metric != "invalidValues" {
            self.named(id, RowCheck::Required);
            return;
        }
        let argument = |key| arguments.as_ref().and_then(|arguments: &Node| arguments.get(key));
        if let Some(values) = argument("validValues").and_then(Node::as_list) {
            let place = |node: &Node| quality.place.at(node.span);
            let values = values
                .iter()
                .filter_map(|node| Some((node.scalar_text()?.to_owned(), place(node))))
                .collect();
            self.one_of(id.clone(), values);
        }
        if let Some(pattern) = argument("pattern")
            && let Some(text) = pattern.as_str()
        {
            self.pattern(id, text, &quality.place.at(pattern.span));
        }
    }

    fn refuse(&mut self, place: &Place, message: String, help: Option<&str>) {
        self.problems.push(place.error("row-rule", message, help));
    }
}

/// The pattern as our engine reads it. ECMA-262 allows a slash to be escaped, which is none of our engine's escapes.
fn portable(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('/') => text.push('/'),
                Some(escaped) => text.extend(['\\', escaped]),
                None => text.push('\\'),
            },
            _ => text.push(character),
        }
    }
    text
}

/// The format of a text with its pattern, where there is one.
fn text_format(property: &Property) -> Option<(&'static str, &'static str)> {
    let format = property
        .options
        .format
        .as_ref()
        .filter(|_| property.logical_type == Some(LogicalType::String))?;
    FORMATS.into_iter().find(|(name, _)| *name == format.text)
}

/// Whether one row alone can break the rule: no failing value is allowed, and a failure is an error.
fn is_row_rule(quality: &Quality) -> bool {
    let QualityKind::Library { metric, arguments } = &quality.kind else {
        return false;
    };
    let none_allowed = match &quality.operator {
        Some(Operator::MustBe(figure) | Operator::LessOrEqual(figure)) => figure.parse() == Ok(0.0),
        _ => false,
    };
    let arguments = arguments.as_ref().and_then(Node::as_map).unwrap_or_default();
    let given = |key: &str| {
        arguments
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    };
    let only = |keys: &[&str]| arguments.iter().all(|entry| keys.contains(&entry.key.as_str()));
    let understood = match metric.as_str() {
        "nullValues" => arguments.is_empty(),
        "missingValues" => {
            let nulls = |node: &Node| node.as_list().is_some_and(|values| values.iter().all(Node::is_null));
            only(&["missingValues"]) && given("missingValues").is_none_or(nulls)
        }
        "invalidValues" => {
            let values = given("validValues");
            let listed = |node: &Node| {
                let single = |node: &Node| !matches!(node.value, Value::List(_) | Value::Map(_));
                node.as_list()
                    .is_some_and(|values| !values.is_empty() && values.iter().all(single))
            };
            let pattern = given("pattern");
            only(&["validValues", "pattern"])
                && (values.is_some() || pattern.is_some())
                && values.is_none_or(listed)
                && pattern.is_none_or(|node| node.as_str().is_some())
        }
        _ => false,
    };
    quality.is_error() && none_allowed && understood
}

fn why_not_row(quality: &Quality) -> String {
    match &quality.kind {
        QualityKind::Text => "a rule in words, for people".to_owned(),
        QualityKind::Sql { .. } => "a query over the table".to_owned(),
        QualityKind::Custom { engine, .. } => format!("a rule of {engine}"),
        QualityKind::Library { .. } if !quality.is_error() => {
            format!(
                "its severity is {}, so no row is refused",
                quality.severity.as_deref().unwrap_or_default()
            )
        }
        QualityKind::Library { metric, .. } => format!("{metric} is a figure over the table"),
    }
}

fn open_rules(property: &Property, name: &str, column: bool, open: &mut Vec<String>) {
    let mut add = |rule: &str, why: &str| open.push(format!("{name}.{rule}: {why}"));
    if property.unique {
        add("unique", "a rule over the table");
    }
    if property.primary_key.is_some() {
        add("primaryKey", "a rule over the table");
    }
    let options = &property.options;
    let inside = "a rule about values inside another";
    if !column {
        let declared = [
            ("minimum", options.minimum.is_some()),
            ("exclusiveMinimum", options.exclusive_minimum.is_some()),
            ("maximum", options.maximum.is_some()),
            ("exclusiveMaximum", options.exclusive_maximum.is_some()),
            ("multipleOf", options.multiple_of.is_some()),
            ("minLength", options.min_length.is_some()),
            ("maxLength", options.max_length.is_some()),
            ("pattern", options.pattern.is_some()),
            ("format", text_format(property).is_some()),
            ("enum", !property.allowed.is_empty()),
        ];
        declared
            .iter()
            .filter(|(_, given)| *given)
            .for_each(|(rule, _)| add(rule, inside));
    }
    let counted = [
        ("minItems", options.min_items.is_some_and(|least| least > 0)),
        ("maxItems", options.max_items.is_some()),
        ("uniqueItems", options.unique_items),
        ("minProperties", options.min_properties.is_some_and(|least| least > 0)),
        ("maxProperties", options.max_properties.is_some()),
        ("required", !options.required.is_empty()),
    ];
    counted
        .iter()
        .filter(|(_, given)| *given)
        .for_each(|(rule, _)| add(rule, inside));
    if let Some(format) = &options.format
        && property.logical_type == Some(LogicalType::String)
        && text_format(property).is_none()
    {
        add("format", &format!("no check is known for the format {}", format.text));
    }
    for quality in &property.quality {
        if !is_row_rule(quality) {
            add(quality.label(), &why_not_row(quality));
        } else if !column {
            add(quality.label(), inside);
        }
    }
    for child in &property.properties {
        open_rules(child, &format!("{name}.{}", child.name), false, open);
    }
    if let Some(items) = &property.items {
        open_rules(items, &format!("{name}[]"), false, open);
    }
}
