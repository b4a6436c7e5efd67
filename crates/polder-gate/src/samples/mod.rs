//! Sample rows of a contract: good ones that every rule accepts, and bad ones that show what each rule refuses.
//!
//! They are declared as the custom property `polder.samples` of an object, or in a document beside the contract
//! (`<name>.samples.yaml` beside `<name>.odcs.yaml`), which has the same form under each object's name:
//!
//! ```yaml
//! good:
//!   - {order_id: A-1, amount: 20.50}
//! bad:
//!   - {rule: amount.minimum, change: {amount: -1}}     # the first good row, with these values
//!   - {rule: order_id.unique, rows: [{order_id: A-1, amount: 1.00}]}
//!   - {rule: fresh, now: 2026-02-01T00:00:00Z}         # the good rows, looked at later
//! skip:
//!   - {rule: enough_orders, reason: a sample has no million rows}
//! ```

mod gather;
mod mistakes;
mod prove;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use polder_contract::{CustomProperty, DatasetContract, Place};
use polder_core::Result;
use polder_core::document::{Diagnostic, MapReader, Node, Reader, Source, parse};

pub use gather::{contract_of, gather};
pub use mistakes::problems;
pub use prove::{SampleResult, SampleVerdict, prove};
use rows::Rows;

/// The custom property that holds samples.
pub const PROPERTY: &str = "polder.samples";

/// The samples of one object.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Rows that break no rule.
    good: Vec<SampleRow>,
    /// Rows that break the rules that they name, and no other.
    bad: Vec<BadSample>,
    /// Rules that no sample can show, with why.
    skip: Vec<Skipped>,
    /// When the table is looked at, for rules about its age; without it, at the newest time in its rows.
    now: Option<DateTime<Utc>>,
    /// Whether something in their document is wrong, so that what seems to be missing may only be misspelt.
    flawed: bool,
}

/// A row as written.
#[derive(Debug, Clone)]
struct SampleRow {
    /// A mapping from column to value.
    node: Node,
    place: Place,
}

/// Rows that break rules.
#[derive(Debug, Clone)]
struct BadSample {
    /// The rules' ids, each with its place.
    rules: Vec<(String, Place)>,
    rows: Vec<BadRow>,
    /// When the table is looked at, where that is what is wrong.
    now: Option<DateTime<Utc>>,
    place: Place,
}

#[derive(Debug, Clone)]
enum BadRow {
    /// All that it holds.
    Whole(SampleRow),
    /// The first good row with other values.
    Changed(SampleRow),
}

#[derive(Debug, Clone)]
struct Skipped {
    rule: String,
    reason: String,
    place: Place,
}

impl Samples {
    /// The samples that a contract carries on its object for this dataset, and what is wrong with them.
    pub fn of_contract(contract: &DatasetContract) -> (Option<Self>, Vec<Diagnostic>) {
        let of = &contract.contract;
        let source = Source::new(of.source_path.clone(), of.text.clone());
        let reader = Reader::new(&source);
        let declared = contract.object().custom_properties.iter();
        let samples = declared
            .filter(|custom: &&CustomProperty| custom.property == PROPERTY)
            .filter_map(|custom| Self::read(&reader, &custom.value))
            .reduce(Self::join);
        (samples, reader.finish())
    }

    /// The samples of a document beside a contract, by the name of the object and where that stands, and what is wrong with
    /// them.
    pub(crate) fn of_document(source: &Source) -> (Vec<(String, Place, Self)>, Vec<Diagnostic>) {
        let document = match parse(source) {
            Ok(document) => document,
            Err(problems) => return (Vec::new(), problems),
        };
        let reader = Reader::new(source);
        let mut samples = Vec::new();
        if let Some(top) = reader.map(&document) {
            for entry in top.entries() {
                let place = Place {
                    file: source.path.as_path().into(),
                    span: entry.key_span,
                };
                samples.extend(Self::read(&reader, &entry.value).map(|samples| (entry.key.clone(), place, samples)));
            }
        }
        (samples, reader.finish())
    }

    /// The good rows as a table, for rules of other datasets that refer to this one; nothing where they are wrong.
    ///
    /// # Errors
    /// As [`prove`].
    pub fn table(&self, contract: &DatasetContract) -> Result<Option<Arc<dyn TableProvider>>> {
        let rows = Rows::new(contract)?.batch(&self.good, &mut Vec::new())?;
        rows.map(|rows| prove::table(&rows)).transpose()
    }

    /// These samples and others of the same object together.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.good.extend(other.good);
        self.bad.extend(other.bad);
        self.skip.extend(other.skip);
        self.now = self.now.or(other.now);
        self.flawed |= other.flawed;
        self
    }

    fn read(reader: &Reader<'_>, node: &Node) -> Option<Self> {
        let map = reader.map_at(node, "samples".to_owned())?;
        let good = map.list("good").iter().filter_map(|node| row(reader, node)).collect();
        let bad = map
            .list("bad")
            .iter()
            .filter_map(|node| BadSample::read(reader, node))
            .collect();
        let skip = map
            .list("skip")
            .iter()
            .filter_map(|node| Skipped::read(reader, node))
            .collect();
        let now = instant(reader, &map);
        map.finish();
        Some(Self {
            good,
            bad,
            skip,
            now,
            flawed: reader.has_errors(),
        })
    }
}

impl BadSample {
    fn read(reader: &Reader<'_>, node: &Node) -> Option<Self> {
        let map = reader.map_at(node, "bad".to_owned())?;
        let rules = rule_ids(reader, &map);
        let mut rows: Vec<BadRow> = Vec::new();
        let whole = map.node("row").into_iter().chain(map.list("rows"));
        rows.extend(whole.filter_map(|node| row(reader, node)).map(BadRow::Whole));
        let changed = map.node("change").into_iter().chain(map.list("changes"));
        rows.extend(changed.filter_map(|node| row(reader, node)).map(BadRow::Changed));
        let now = instant(reader, &map);
        map.finish();
        if rows.is_empty() && now.is_none() {
            let help = "add `row` (all its values), `change` (the first good row with these values), or `now`";
            reader.error(
                node.span,
                "missing-value",
                "the bad sample has no row",
                Some(help.to_owned()),
            );
            return None;
        }
        Some(Self {
            rules: rules?,
            rows,
            now,
            place: place(reader, node),
        })
    }
}

impl Skipped {
    fn read(reader: &Reader<'_>, node: &Node) -> Option<Self> {
        let map = reader.map_at(node, "skip".to_owned())?;
        let rule = map.required_string("rule");
        let reason = map.required_string("reason");
        let place = place(reader, node.get("rule").unwrap_or(node));
        map.finish();
        Some(Self {
            rule: rule?,
            reason: reason?,
            place,
        })
    }
}

/// The instant under `now`, where it is given.
fn instant(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>) -> Option<DateTime<Utc>> {
    let text = map.optional_string("now")?;
    let now = DateTime::parse_from_rfc3339(&text).ok();
    if now.is_none() {
        let message = format!("`{text}` is not an instant");
        let help = "write it as 2026-01-31T12:00:00Z".to_owned();
        reader.error(map.span_of("now"), "wrong-value", message, Some(help));
    }
    now.map(|now| now.to_utc())
}

/// One rule or a list of them.
fn rule_ids(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>) -> Option<Vec<(String, Place)>> {
    let node = map.required_node("rule")?;
    let nodes = node.as_list().unwrap_or(std::slice::from_ref(node));
    let rules: Vec<_> = nodes
        .iter()
        .filter_map(|node| Some((node.as_str()?.to_owned(), place(reader, node))))
        .collect();
    if rules.len() == nodes.len() && !rules.is_empty() {
        return Some(rules);
    }
    let message = "`bad.rule` must be the id of a rule, or a list of them";
    reader.error(node.span, "wrong-type", message, None);
    None
}

fn row(reader: &Reader<'_>, node: &Node) -> Option<SampleRow> {
    let _ = reader.map_at(node, "row".to_owned())?;
    Some(SampleRow {
        node: node.clone(),
        place: place(reader, node),
    })
}

/// Where an element begins, to the end of its line: a whole list is no place to look at.
fn place(reader: &Reader<'_>, node: &Node) -> Place {
    let mut span = node.span;
    let text = reader.source().text.get(span.start..span.end).unwrap_or_default();
    if let Some(line) = text.find('\n') {
        span.end = span.start + line;
    }
    Place {
        file: reader.source().path.as_path().into(),
        span,
    }
}
