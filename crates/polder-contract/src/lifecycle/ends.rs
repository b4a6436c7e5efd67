//! The dates of a contract's life among its service levels: of the contract as a whole, or of single objects of it.
//!
//! A level's own `element` says what it is about; `slaDefaultElement` does not count here: it is meant for what is
//! measured, and often names a column.

use chrono::{DateTime, Utc};
use polder_core::document::{Diagnostic, Node, Span};

use crate::contract::Contract;
use crate::dates::instant;
use crate::place::{Place, items, text};
use crate::service_level::service_level_name;
use crate::unheeded::lost_elements;

/// When a contract comes into force, by the canonical name of its service level.
pub(super) const AVAILABLE: &str = "generalavailability";
/// When support ends.
pub(super) const SUPPORT: &str = "endofsupport";
/// When it is over.
pub(super) const LIFE: &str = "endoflife";

/// A date among the service levels.
#[derive(Debug, Clone)]
pub(super) struct LifeDate {
    /// The canonical name of the service level.
    name: String,
    /// The positions of the objects that it is about; nothing where it is about the whole contract.
    objects: Option<Vec<usize>>,
    /// Its own `element`, where it has one.
    element: Option<Node>,
    /// Whether it names a column.
    of_column: bool,
    /// Where it is written.
    pub(super) span: Span,
    /// As it is written.
    pub(super) written: String,
    /// The instant, where it is one.
    pub(super) instant: Option<DateTime<Utc>>,
}

impl Contract {
    /// The date of this name: an object's own first, else the whole contract's.
    pub(super) fn life_date(&self, name: &str, object: Option<usize>) -> Option<LifeDate> {
        let of = |dates: &[LifeDate], object: Option<usize>| {
            dates
                .iter()
                .find(|date| match (&date.objects, object) {
                    (None, None) => date.name == name,
                    (Some(objects), Some(object)) => date.name == name && objects.contains(&object),
                    _ => false,
                })
                .cloned()
        };
        let dates = self.life_dates();
        object
            .and_then(|object| of(&dates, Some(object)))
            .or_else(|| of(&dates, None))
    }

    /// When each of its objects is over; of a contract without objects when it is.
    pub(crate) fn ends(&self) -> Vec<Option<DateTime<Utc>>> {
        let whole = self.objects.is_empty().then_some(None);
        let scopes = whole.into_iter().chain((0..self.objects.len()).map(Some));
        scopes.map(|scope| self.life_date(LIFE, scope)?.instant).collect()
    }

    /// When the last of its objects that have an end is over.
    pub(super) fn last_end(&self) -> Option<DateTime<Utc>> {
        self.ends().into_iter().flatten().max()
    }

    /// When all of its objects are over; nothing where one goes on.
    pub(super) fn over_at(&self) -> Option<DateTime<Utc>> {
        let ends: Option<Vec<_>> = self.ends().into_iter().collect();
        ends?.into_iter().max()
    }

    /// What is wrong with the dates: those that are none, those about a column or about what is not in the schema, and
    /// those that are said twice.
    pub(super) fn date_problems(&self, document: &Place) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let dates = self.life_dates();
        for (index, date) in dates.iter().enumerate() {
            let place = document.at(date.span);
            if date.instant.is_none() {
                let help = "write it as 2027-06-30, or with a time as 2027-06-30T12:00:00Z";
                problems.push(place.error("lifecycle", "this is no date", Some(help)));
            }
            if date.of_column {
                let help = "let `element` name an object, or leave it out for the whole contract";
                problems.push(place.error("lifecycle", "a column has no life of its own", Some(help)));
            }
            // Who reads what was meant is not told of the end, and it is written on.
            if let Some(element) = date.element.as_ref().filter(|_| date.name != AVAILABLE) {
                problems.extend(lost_elements(self, element, document));
            }
            let twice = |other: &&LifeDate| {
                other.name == date.name
                    && match (&other.objects, &date.objects) {
                        (None, None) => true,
                        (Some(others), Some(these)) => these.iter().any(|object| others.contains(object)),
                        _ => false,
                    }
            };
            if let Some(first) = dates[..index].iter().find(twice) {
                let message = format!("this date is given twice: `{}` and `{}`", first.written, date.written);
                problems.push(place.error("lifecycle", message, Some("keep one of them")));
            }
        }
        problems
    }

    fn life_dates(&self) -> Vec<LifeDate> {
        items(&self.document, "slaProperties")
            .iter()
            .zip(&self.service_levels)
            .filter_map(|(node, level)| {
                let name = service_level_name(&level.property);
                if ![AVAILABLE, SUPPORT, LIFE].contains(&name.as_str()) {
                    return None;
                }
                let value = node.get("value")?;
                let written = value.scalar_text().map(str::to_owned).unwrap_or_default();
                let mut date = LifeDate {
                    instant: instant(&written, name != AVAILABLE),
                    name,
                    objects: None,
                    element: node.get("element").cloned(),
                    of_column: false,
                    span: value.span,
                    written,
                };
                if text(node, "element").is_some_and(|element| !element.trim().is_empty()) {
                    let only = self.objects.len() == 1;
                    let mut about = Vec::new();
                    for (index, object) in self.objects.iter().enumerate() {
                        if let Some(columns) = level.columns_of(object, only) {
                            date.of_column |= !columns.is_empty();
                            about.push(index);
                        }
                    }
                    date.objects = (about.len() < self.objects.len() || about.is_empty()).then_some(about);
                }
                Some(date)
            })
            .collect()
    }
}
