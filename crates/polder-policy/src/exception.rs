//! Exceptions: what a policy lets pass, why, and until when.

use chrono::NaiveDate;
use polder_contract::Place;
use polder_core::DatasetName;
use polder_core::document::{MapReader, Node, Reader};

use crate::applies::matches;

/// One exception of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The datasets that are excused, by name; a `*` stands for any characters.
    pub dataset: String,
    /// The column that is excused; the whole dataset where none is named. A `*` stands for any characters.
    pub column: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: NaiveDate,
    /// Where it is declared.
    pub place: Place,
}

impl Exception {
    /// Reads one exception; what is wrong with it is reported.
    pub(crate) fn read(reader: &Reader<'_>, node: &Node) -> Option<Self> {
        let map = reader.map(node)?;
        let dataset = map.required_string("dataset");
        let column = map.optional_string("column");
        let reason = map.required_string("reason");
        let until = until(reader, &map);
        map.finish();
        Some(Self {
            dataset: dataset?,
            column,
            reason: reason?,
            until: until?,
            place: Place {
                file: reader.source().path.as_path().into(),
                span: node.get("dataset").map_or(node.span, |dataset| dataset.span),
            },
        })
    }

    /// Whether it excuses a finding about this dataset and, where it is about one, this column.
    pub(crate) fn excuses(&self, dataset: &DatasetName, column: Option<&str>) -> bool {
        let named = matches(&self.dataset, &dataset.to_string());
        named
            && match (&self.column, column) {
                (None, _) => true,
                (Some(glob), Some(column)) => matches(glob, column),
                (Some(_), None) => false,
            }
    }
}

fn until(reader: &Reader<'_>, map: &MapReader<'_, '_, '_>) -> Option<NaiveDate> {
    let text = map.required_string("until")?;
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    if date.is_none() {
        let message = format!("`{text}` is not a date");
        let help = "write the last day on which the exception holds, such as 2027-03-31";
        reader.error(map.span_of("until"), "wrong-value", message, Some(help.to_owned()));
    }
    date
}
