//! Rules about columns: times, money, personal data, what may not land.

use polder_contract::{ColumnType, Contract, LogicalType, Property};
use polder_core::document::Node;

use super::{NameWords, finding, plain};
use crate::detect::{Class, detect};
use crate::found::Found;
use crate::plurals::Values;
use crate::subject::{Column, Object, Part, custom, list, says};
use crate::words::{self, Forms};

/// The custom property that names the one currency of an object, a code of ISO 4217.
const CURRENCY: &str = "polder.currency";
/// The custom property that says how a column's values are hidden from those who may not see them.
pub(super) const MASK: &str = "polder.mask";

/// Words that part the name of a map: `price_by_size` has prices for values and sizes for keys.
const PARTING: [&str; 2] = ["by", "per"];

/// Words that tell what something holds.
struct Saying {
    words: Vec<String>,
    /// Where they stand.
    of: Source,
    /// Which forms of a declared word count.
    forms: Forms,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Name,
    Tag,
    BusinessName,
}

impl Saying {
    fn names(&self) -> bool {
        self.of == Source::Name
    }

    /// What is left of it for a part of the list or map that it is said of.
    fn of_part(mut self, part: Part) -> Option<Self> {
        let parting = self.words.iter().position(|word| PARTING.contains(&word.as_str()));
        self.words = match (part, parting) {
            (Part::Item, _) | (Part::Value, None) => self.words,
            (Part::Value, Some(at)) => self.words[..at].to_vec(),
            (Part::Key, Some(at)) => self.words[at + 1..].to_vec(),
            (Part::Key, None) => return None,
        };
        Some(self)
    }
}

/// What a property says itself: its name, each tag and the business name.
fn says_of_itself(property: &Property, node: &Node, forms: Forms) -> impl Iterator<Item = Saying> {
    let name = (property.name.clone(), Source::Name);
    let tags = list(node, "tags").iter().filter_map(Node::as_str);
    let tags = tags.map(|tag| (tag.to_owned(), Source::Tag));
    let business = node.get("businessName").and_then(Node::as_str);
    let business = business.map(|name| (name.to_owned(), Source::BusinessName));
    std::iter::once(name)
        .chain(tags)
        .chain(business)
        .map(move |(text, of)| Saying {
            words: words::of(&text),
            of,
            // A tag in the plural is a topic.
            forms: if of == Source::Tag { Forms::AsDeclared } else { forms },
        })
}

/// What a column says itself. A whole number under a plural is a count of those things.
fn told(column: &Column<'_>) -> Vec<Saying> {
    let forms = match column.property.column_type() {
        Ok(ColumnType::Int32 | ColumnType::Int64) if column.within.is_empty() => Forms::AsDeclared,
        _ => Forms::Plural,
    };
    says_of_itself(column.property, column.node, forms).collect()
}

/// What a column says itself of things, as far as it is not a count, a share or another measure of them.
fn told_of_things(column: &Column<'_>) -> Vec<Saying> {
    use ColumnType::{Decimal, Float64, Int32, Int64, List, Map, Struct};
    let forms = match column.property.column_type() {
        _ if !column.within.is_empty() => Forms::Plural,
        Ok(Int32 | Int64 | Float64 | Decimal { .. }) => Forms::Things(Values::Numbers),
        Ok(List(_) | Map(..) | Struct(_)) | Err(_) => Forms::Plural,
        Ok(_) => Forms::Things(Values::Texts),
    };
    says_of_itself(column.property, column.node, forms).collect()
}

/// What a column says itself, and what the lists and maps say that it is a part of.
fn told_all(column: &Column<'_>) -> Vec<Saying> {
    let mut told = told(column);
    let mut around: Vec<Saying> = Vec::new();
    for within in &column.within {
        around.extend(says_of_itself(within.property, within.node, Forms::Plural));
        around = around
            .into_iter()
            .filter_map(|saying| saying.of_part(within.part))
            .collect();
    }
    told.extend(around);
    told
}

/// What something holds by what is said of it, if it is one of these things. An ending excuses what it ends only: a name
/// that ends in `hash` does not take back what a tag says.
fn holds<'w>(told: &[Saying], wanted: &'w NameWords, unless_ending: &NameWords) -> Option<&'w str> {
    told.iter()
        .filter(|saying| !unless_ending.0.ends(&saying.words, Forms::Plural))
        .find_map(|saying| wanted.0.find(&saying.words, saying.forms))
}

/// As [`holds`], or what a column is by its whole name or a whole tag.
fn is_or_holds<'w>(
    column: &Column<'_>,
    names: &'w NameWords,
    wanted: &'w NameWords,
    unless_ending: &NameWords,
) -> Option<&'w str> {
    let told = told_of_things(column);
    // Such words mean much in the plural: a list of them is one, `tokens` of a text is not.
    let forms = match column.property.logical_type {
        Some(LogicalType::Array) => Forms::Plural,
        _ => Forms::AsDeclared,
    };
    let whole = || told.iter().find_map(|saying| names.0.is(&saying.words, forms));
    holds(&told, wanted, unless_ending).or_else(whole)
}

pub(super) fn instants(object: &Object<'_>, column: &Column<'_>, found: &mut Vec<Found>) {
    let property = column.property;
    let local = property
        .column_type()
        .is_ok_and(|kind| kind == ColumnType::TimestampLocal);
    let zone = property.options.default_timezone.as_ref();
    let utc = |zone: &str| ["utc", "etc/utc", "z", "gmt", "etc/gmt"].contains(&zone.to_lowercase().as_str());
    if local {
        let place = property
            .physical_type
            .as_ref()
            .map_or(&property.place, |written| &written.place);
        let message = format!(
            "`{}` of {} is a local timestamp, not an instant in UTC",
            column.path, object.dataset
        );
        found.push(finding(message, place, Some(&column.path)));
    } else if let Some(zone) = zone.filter(|zone| !utc(&zone.text)) {
        let message = format!(
            "`{}` of {} is in the zone {}, not in UTC",
            column.path, object.dataset, zone.text
        );
        found.push(finding(message, &zone.place, Some(&column.path)));
    }
}

pub(super) fn dates_as_text(endings: &NameWords, object: &Object<'_>, column: &Column<'_>, found: &mut Vec<Found>) {
    let text = column
        .property
        .column_type()
        .is_ok_and(|kind| kind == ColumnType::String);
    let ends = |saying: &Saying| {
        // `opening_times` of a plain text are none; a list of texts has one time in each.
        let forms = if column.within.is_empty() {
            Forms::AsDeclared
        } else {
            Forms::Plural
        };
        saying.names() && endings.0.ends(&saying.words, forms)
    };
    if text && told_all(column).iter().any(ends) {
        let message = format!(
            "`{}` of {} is text and named like a date or time",
            column.path, object.dataset
        );
        found.push(finding(message, &column.property.place, Some(&column.path)));
    }
}

pub(super) fn money(
    wanted: &NameWords,
    unless_ending: &NameWords,
    currency: &NameWords,
    contract: &Contract,
    object: &Object<'_>,
    columns: &[Column<'_>],
    found: &mut Vec<Found>,
) {
    let mut first: Option<&Column<'_>> = None;
    for column in columns {
        let told = told_all(column);
        if holds(&told, wanted, unless_ending).is_none() {
            continue;
        }
        let ends = |saying: &Saying| {
            let forms = if column.within.is_empty() {
                Forms::AsDeclared
            } else {
                Forms::Plural
            };
            saying.names() && wanted.0.ends(&saying.words, forms)
        };
        let is = match column.property.column_type() {
            Ok(ColumnType::Decimal { .. }) => None,
            Ok(kind @ (ColumnType::Float64 | ColumnType::Int32 | ColumnType::Int64)) => Some(kind.to_string()),
            // Text may be about money without being an amount, unless its name ends so.
            Ok(kind @ ColumnType::String) if told.iter().any(ends) => Some(kind.to_string()),
            _ => continue,
        };
        first = first.or(Some(column));
        if let Some(is) = is {
            let place = column
                .property
                .physical_type
                .as_ref()
                .map_or(&column.property.place, |written| &written.place);
            let message = format!(
                "`{}` of {} holds money and is {is}, not a decimal",
                column.path, object.dataset
            );
            found.push(finding(message, place, Some(&column.path)));
        }
    }
    let Some(first) = first else { return };
    let named = columns.iter().any(|column| {
        told(column)
            .iter()
            .any(|saying| currency.0.find(&saying.words, Forms::Plural).is_some())
    });
    let fixed = custom(object.node, CURRENCY).or_else(|| custom(&contract.document, CURRENCY));
    let fixed = fixed
        .and_then(Node::as_str)
        .is_some_and(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()));
    if !named && !fixed {
        let message = format!(
            "`{}` of {} holds money, and nothing says in which currency",
            first.path, object.dataset
        );
        found.push(finding(message, &first.property.place, Some(&first.path)));
    }
}

/// The rule about personal data.
pub(super) struct PersonalData<'r> {
    pub(super) words: &'r NameWords,
    pub(super) names: &'r NameWords,
    pub(super) unless_ending: &'r NameWords,
    pub(super) open: &'r [String],
    pub(super) restricted: &'r [String],
}

impl PersonalData<'_> {
    pub(super) fn check(&self, object: &Object<'_>, column: &Column<'_>, found: &mut Vec<Found>) {
        let property = column.property;
        let class = property
            .classification
            .as_deref()
            .map(plain)
            .filter(|class| !class.is_empty());
        let classified = class.as_ref().is_some_and(|class| !self.open.contains(class));
        if !classified && let Some(why) = self.personal(column) {
            let state = if class.is_some() {
                "classified as open"
            } else {
                "not classified"
            };
            let message = format!(
                "`{}` of {} holds personal data ({why}) and is {state}",
                column.path, object.dataset
            );
            found.push(finding(message, &property.place, Some(&column.path)));
        }
        let restricted = class.as_ref().is_some_and(|class| self.restricted.contains(class));
        if restricted && !is_masked(column.node) {
            let message = format!(
                "`{}` of {} is {} and nothing says how it is masked",
                column.path,
                object.dataset,
                class.unwrap_or_default()
            );
            found.push(finding(message, &property.place, Some(&column.path)));
        }
    }

    /// Why the column is taken for personal data.
    fn personal(&self, column: &Column<'_>) -> Option<String> {
        if column.property.logical_type == Some(LogicalType::Boolean) {
            return None;
        }
        if let Some(word) = is_or_holds(column, self.names, self.words, self.unless_ending) {
            return Some(format!("by the word `{word}`"));
        }
        let examples = list(column.node, "examples").iter().filter_map(Node::scalar_text);
        let kinds = examples
            .flat_map(detect)
            .filter(|finding| finding.kind.class() == Class::Personal);
        kinds
            .map(|finding| format!("an example is {}", finding.kind.noun()))
            .next()
    }
}

/// Whether a property says how its values are hidden.
fn is_masked(node: &Node) -> bool {
    let own = custom(node, MASK)
        .and_then(Node::as_str)
        .is_some_and(|mask| !mask.trim().is_empty());
    own || ["encryptedName", "transformLogic", "transformDescription"]
        .iter()
        .any(|key| says(node, key))
}

pub(super) fn forbidden(
    names: &NameWords,
    wanted: &NameWords,
    unless_ending: &NameWords,
    classifications: &[String],
    object: &Object<'_>,
    column: &Column<'_>,
    found: &mut Vec<Found>,
) {
    let property = column.property;
    let class = property.classification.as_deref().map(plain);
    let why = if let Some(class) = class.filter(|class| classifications.contains(class)) {
        format!("is classified as {class}")
    } else if property.logical_type == Some(LogicalType::Boolean) {
        return;
    } else if let Some(word) = is_or_holds(column, names, wanted, unless_ending) {
        format!("is named `{word}`")
    } else {
        return;
    };
    let message = format!("`{}` of {} {why}: such data may not land", column.path, object.dataset);
    found.push(finding(message, &property.place, Some(&column.path)));
}
