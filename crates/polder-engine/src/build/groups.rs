//! `replace_groups`: groups that a change touches are computed anew, and only the files that hold them are rewritten.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{filter_record_batch, not};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident};
use polder_core::{ErrorKind, Result, ResultExt as _};
use polder_delivery::{Extent, Outcome};
use polder_gate::Gate;
use polder_lake::{DataFile, Operation};

use crate::sql::scans::rows_of;
use crate::step::Action;

use super::bag::Bag;
use super::keys::KeySet;
use super::{Build, Built, Deltas, built, next, push};

/// New rows: those that are held, and the stream of the rest when there are too many.
struct NewRows {
    held: Vec<RecordBatch>,
    rest: Option<SendableRecordBatchStream>,
}

impl Build<'_> {
    /// Builds the whole table; writes nothing but progress when the rows are those that it has.
    pub(super) async fn replace_table(&mut self) -> Result<Built> {
        let fresh = self.new_rows(self.query.full()?, None).await?;
        let files = self.delivery.table().files()?;
        // Somebody who asks for everything, or changed the definition, wants new files.
        let may_be_same = self.assessment.is_of_this_definition() && self.assessment.why != crate::assess::FORCED;
        if may_be_same && self.same(&fresh, &files, None).await? {
            return self.advance(Extent::Everything).await;
        }
        self.write(fresh, files, None, Operation::Replace).await
    }

    /// Builds the groups that the changes touch.
    pub(super) async fn replace_groups(&mut self, deltas: &Deltas) -> Result<Built> {
        let Some(touched) = self.touched(deltas).await? else {
            let why = format!("{}, in many groups", self.assessment.why);
            let mut whole = self.replace_table().await?;
            (whole.action, whole.why) = (Action::Full, why);
            return Ok(whole);
        };
        tracing::debug!(pipeline = %self.pipeline.name, groups = touched.len(), "groups touched");
        if touched.len() == 0 {
            return self.advance(Extent::Some).await;
        }
        let touched = Arc::new(touched);
        let fresh = self
            .new_rows(self.query.filtered(touched.prefilter())?, Some(&touched))
            .await?;
        let files = self.files_with(&touched).await?;
        if self.same(&fresh, &files, Some(&touched)).await? {
            return self.advance(Extent::Groups(touched)).await;
        }
        self.write(fresh, files, Some(&touched), Operation::Replace).await
    }

    /// The keys of the groups that the changes touch; `None` when there are too many to hold.
    async fn touched(&self, deltas: &Deltas) -> Result<Option<KeySet>> {
        let mut keys = KeySet::new(&self.schema, &self.pipeline.key)?;
        for plan in self.query.touched_keys(deltas, &self.pipeline.key)? {
            let mut rows = self.stream(plan).await?;
            while let Some(batch) = next(&mut rows, || self.message()).await? {
                keys.add(&batch)?;
                if keys.len() > self.limits.touched_groups {
                    return Ok(None);
                }
            }
        }
        Ok(Some(keys))
    }

    /// The files of the table that hold rows of these groups.
    async fn files_with(&self, touched: &KeySet) -> Result<Vec<DataFile>> {
        let mut holding = Vec::new();
        for file in self.delivery.table().files()? {
            let mut rows = self.old_rows(std::slice::from_ref(&file), touched.prefilter()).await?;
            while let Some(batch) = next(&mut rows, || self.message()).await? {
                if touched.contains(&batch)?.has_true() {
                    holding.push(file);
                    break;
                }
            }
        }
        Ok(holding)
    }

    /// Rows of some files of the table, in the contract's columns, as far as they meet a condition.
    async fn old_rows(&self, files: &[DataFile], condition: Option<Expr>) -> Result<SendableRecordBatchStream> {
        let provider = self.delivery.table().files_provider(files)?;
        // The table may still have columns that the contract no longer has.
        let columns: Vec<_> = self.schema.fields().iter().map(|field| ident(field.name())).collect();
        let plan = rows_of(provider).and_then(|rows| {
            let rows = LogicalPlanBuilder::from(rows).project(columns)?;
            match condition {
                Some(condition) => rows.filter(condition)?.build(),
                None => rows.build(),
            }
        });
        self.stream(plan.context(ErrorKind::Internal, || self.message())?).await
    }

    /// Computes rows, of these groups only, until there are too many to hold.
    async fn new_rows(&self, plan: LogicalPlan, groups: Option<&KeySet>) -> Result<NewRows> {
        let mut rows = self.stream(plan).await?;
        let (mut held, mut bytes) = (Vec::new(), 0);
        while bytes <= self.limits.held_bytes {
            let Some(batch) = next(&mut rows, || self.message()).await? else {
                return Ok(NewRows { held, rest: None });
            };
            let batch = self.of_groups(batch, groups, true)?;
            bytes += batch.get_array_memory_size();
            held.push(batch);
        }
        Ok(NewRows { held, rest: Some(rows) })
    }

    /// Whether the held rows, all accepted, are the very rows that these groups have in these files.
    async fn same(&self, fresh: &NewRows, files: &[DataFile], groups: Option<&KeySet>) -> Result<bool> {
        if fresh.rest.is_some() {
            return Ok(false);
        }
        let gate = Gate::compile(&self.assessment.contract)?;
        let (mut new, mut old) = (Bag::new(&self.schema)?, Bag::new(&self.schema)?);
        for batch in &fresh.held {
            let verdict = gate.check(batch)?;
            if !verdict.violations.is_empty() {
                return Ok(false);
            }
            new.add(&verdict.batch)?;
        }
        let mut rows = self.old_rows(files, groups.and_then(KeySet::prefilter)).await?;
        while let Some(batch) = next(&mut rows, || self.message()).await? {
            old.add(&self.of_groups(batch, groups, true)?)?;
        }
        Ok(new.equals(&old))
    }

    /// Writes new rows in place of these files; rows of other groups in them are kept.
    async fn write(
        &mut self,
        fresh: NewRows,
        files: Vec<DataFile>,
        groups: Option<&Arc<KeySet>>,
        operation: Operation,
    ) -> Result<Built> {
        let kept = match groups {
            Some(_) => Some(self.old_rows(&files, None).await?),
            None => None,
        };
        let progress = self.assessment.progress();
        let (message, name, observer) = (self.message(), &self.pipeline.name, self.observer);
        let mut kept_rows = 0;
        let mut shipment = self.delivery.shipment(self.run).await?;
        if let (Some(mut rows), Some(groups)) = (kept, groups) {
            while let Some(batch) = next(&mut rows, || message.clone()).await? {
                push(&mut shipment, &of_groups(batch, groups, false)?).await?;
            }
            kept_rows = shipment.rows();
        }
        for batch in &fresh.held {
            push(&mut shipment, batch).await?;
            observer.rows(name, shipment.rows() - kept_rows + shipment.rejected());
        }
        if let Some(mut rows) = fresh.rest {
            while let Some(batch) = next(&mut rows, || message.clone()).await? {
                let batch = match groups {
                    Some(groups) => of_groups(batch, groups, true)?,
                    None => batch,
                };
                push(&mut shipment, &batch).await?;
                observer.rows(name, shipment.rows() - kept_rows + shipment.rejected());
            }
        }
        let receipt = shipment
            .commit(Outcome {
                progress,
                remove: files,
                operation,
                kept: kept_rows,
                extent: match groups {
                    Some(groups) => Extent::Groups(Arc::<KeySet>::clone(groups)),
                    None => Extent::Everything,
                },
            })
            .await?;
        Ok(built(self.assessment.action, self.assessment.why.clone(), receipt))
    }

    fn of_groups(&self, batch: RecordBatch, groups: Option<&KeySet>, inside: bool) -> Result<RecordBatch> {
        match groups {
            Some(groups) => of_groups(batch, groups, inside),
            None => Ok(batch),
        }
    }
}

/// The rows inside, or outside, of these groups.
fn of_groups(batch: RecordBatch, groups: &KeySet, inside: bool) -> Result<RecordBatch> {
    let found = groups.contains(&batch)?;
    let selected = if inside { Ok(found) } else { not(&found) };
    selected
        .and_then(|selected| filter_record_batch(&batch, &selected))
        .context(ErrorKind::Internal, || "cannot choose rows".to_owned())
}
