//! Rules about columns: times, money, personal data, what may not land.

use polder_contract::{ColumnType, Contract, LogicalType};
use polder_core::document::Node;

use super::{NameWords, finding, plain};
use crate::detect::{Class, detect};
use crate::found::Found;
use crate::subject::{Column, Object, custom, list, says};
use crate::words;

/// The custom property that names the one currency of an object, a code of ISO 4217.
const CURRENCY: &str = "polder.currency";
/// The custom property that says how a column's values are hidden from those who may not see them.
pub(super) const MASK: &str = "polder.mask";

/// The words that tell what a column holds: those of its name, and each tag and the business name as well.
fn told(column: &Column<'_>) -> Vec<Vec<String>> {
    let tags = list(column.node, "tags").iter().filter_map(Node::as_str);
    let business = column.node.get("businessName").and_then(Node::as_str);
    std::iter::once(column.property.name.as_str())
        .chain(tags)
        .chain(business)
        .map(words::of)
        .collect()
}

/// What a column holds by its name or tags, if it is one of these things. An ending excuses what it ends only: a name
/// that ends in `hash` does not take back what a tag says.
fn holds<'w>(column: &Column<'_>, wanted: &'w NameWords, unless_ending: &NameWords) -> Option<&'w str> {
    told(column)
        .iter()
        .filter(|words| !unless_ending.0.ends(words))
        .find_map(|words| wanted.0.find(words))
}

/// As [`holds`], or what a column is by its whole name or a whole tag.
fn is_or_holds<'w>(
    column: &Column<'_>,
    names: &'w NameWords,
    wanted: &'w NameWords,
    unless_ending: &NameWords,
) -> Option<&'w str> {
    let whole = || told(column).iter().find_map(|words| names.0.is(words));
    holds(column, wanted, unless_ending).or_else(whole)
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
    if text && endings.0.ends(&words::of(&column.property.name)) {
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
        if holds(column, wanted, unless_ending).is_none() {
            continue;
        }
        let is = match column.property.column_type() {
            Ok(ColumnType::Decimal { .. }) => None,
            Ok(kind @ (ColumnType::Float64 | ColumnType::Int32 | ColumnType::Int64)) => Some(kind.to_string()),
            // Text may be about money without being an amount, unless its name ends so.
            Ok(kind @ ColumnType::String) if wanted.0.ends(&words::of(&column.property.name)) => Some(kind.to_string()),
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
    let named = columns
        .iter()
        .any(|column| told(column).iter().any(|words| currency.0.find(words).is_some()));
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
