//! The first accepted rows, searched for what the mesh's policies let no row hold.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::array::{BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use chrono::NaiveDate;
use polder_core::document::Severity;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt, clock};
use polder_policy::{Caught, Landing, Sample};
use serde_json::json;

use crate::delivery::Delivery;

/// The platform column that holds what the source said; the others are Polder's own words.
const KEY: &str = "_key";
/// What commits call what was found and landed.
const FOUND: &str = "found";

/// What was found so far in rows that are written together.
#[derive(Debug, Default)]
pub(crate) struct Searched(Sample);

impl Searched {
    /// Searches the first accepted rows of a batch, as far as policies ask for more. `place` says where a row of the
    /// batch came from.
    ///
    /// # Errors
    /// `CheckFailed`, where a policy refuses what is found.
    pub(crate) fn search(
        &mut self,
        delivery: &Delivery,
        batch: &RecordBatch,
        accepted: &BooleanArray,
        place: impl Fn(usize) -> Option<String>,
    ) -> Result<()> {
        let Some(landing) = &delivery.landing else {
            return Ok(());
        };
        let wanted = usize::try_from(self.0.wants(landing)).unwrap_or(usize::MAX);
        let rows: Vec<usize> = accepted.values().set_indices().take(wanted).collect();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(());
        };
        let said = of_the_source(delivery, batch)?;
        let said = match last - first == rows.len() - 1 {
            true => said.slice(*first, rows.len()),
            false => {
                let rows: UInt64Array = rows.iter().map(|row| *row as u64).collect();
                take_record_batch(&said, &rows)
                    .context(ErrorKind::Internal, || "cannot take the accepted rows".to_owned())?
            }
        };
        let before = self.0.rows();
        self.0.search(landing, &said);
        let caught = self.0.caught(landing, today());
        let refusing: Vec<Caught<'_>> = caught
            .filter(|caught| caught.policy.severity == Severity::Error)
            .collect();
        let Some(Caught { policy, .. }) = refusing.first() else {
            return Ok(());
        };
        let found = refusing.iter().map(|caught| {
            let of_batch = caught.sighting.first_row.checked_sub(before);
            let row = of_batch.and_then(|row| rows.get(usize::try_from(row).ok()?));
            let said = delivery.told(caught);
            match row.and_then(|row| place(*row)) {
                Some(place) => format!("{said}, first in {place}"),
                None => said,
            }
        });
        let found: Vec<String> = found.collect();
        let message = format!(
            "policy {} refuses what {} delivers to {}: {}",
            policy.id,
            delivery.origin,
            delivery.dataset,
            found.join("; ")
        );
        let help = format!("nothing was committed. {}", policy.remedy.trim());
        Err(Error::new(ErrorKind::CheckFailed, message).with_help(help))
    }

    /// What is to be said of what was found and lands all the same, each by its policy, column and kind; `rows` are
    /// written in all.
    pub(crate) fn remarks(&self, delivery: &Delivery, rows: u64) -> BTreeMap<String, String> {
        let searched = self.0.rows();
        let of = match rows > searched {
            true => format!("the first {searched} of {}", counted(rows, "row")),
            false => counted(searched, "row"),
        };
        let remark = |caught: Caught<'_>| {
            let (id, sighting) = (&caught.policy.id, caught.sighting);
            let text = format!(
                "policy {id}: {}, in {} of {of} searched; `polder policy show {id}` says what to do",
                delivery.told(&caught),
                counted(sighting.values, "value"),
            );
            // Whoever delivers is given the text, and shows it; logs have nothing of the row.
            tracing::info!(
                dataset = %delivery.dataset, origin = %delivery.origin, policy = %id, column = %sighting.column,
                holds = %sighting.kind, values = sighting.values, rows = searched, "found in rows that land"
            );
            (format!("{id}: {} {}", sighting.column, sighting.kind), text)
        };
        self.caught(delivery).map(remark).collect()
    }

    /// The same for the log of the table, where there is anything.
    pub(crate) fn metadata(&self, delivery: &Delivery) -> Option<(String, String)> {
        let found: Vec<_> = self
            .caught(delivery)
            .map(|Caught { policy, sighting }| {
                json!({
                    "policy": policy.id,
                    "column": sighting.column,
                    "holds": sighting.kind.as_str(),
                    "values": sighting.values,
                    "rows": self.0.rows(),
                })
            })
            .collect();
        (!found.is_empty()).then(|| (FOUND.to_owned(), json!(found).to_string()))
    }

    fn caught<'a>(&'a self, delivery: &'a Delivery) -> impl Iterator<Item = Caught<'a>> {
        let landing: Option<&Landing> = delivery.landing.as_ref();
        landing.into_iter().flat_map(|landing| self.0.caught(landing, today()))
    }
}

impl Delivery {
    /// What was found, without its mask where not everybody may see the column.
    fn told(&self, caught: &Caught<'_>) -> String {
        let column = &caught.sighting.column;
        let hidden = self.discretion.hides_column(&self.contract, &self.dataset, column);
        caught.says(!hidden)
    }
}

/// The day by which exceptions end.
fn today() -> NaiveDate {
    clock::now().date_naive()
}

/// The columns that hold what the source said.
fn of_the_source<'b>(delivery: &Delivery, batch: &'b RecordBatch) -> Result<Cow<'b, RecordBatch>> {
    let contract = delivery.gate.schema();
    let schema = batch.schema();
    let of_source = |name: &str| name == KEY || contract.index_of(name).is_ok();
    let fields = schema.fields().iter().enumerate();
    let columns: Vec<usize> = fields
        .filter(|(_, field)| of_source(field.name()))
        .map(|(place, _)| place)
        .collect();
    if columns.len() == schema.fields().len() {
        return Ok(Cow::Borrowed(batch));
    }
    let said = batch.project(&columns);
    said.map(Cow::Owned)
        .context(ErrorKind::Internal, || "cannot take the source's columns".to_owned())
}
