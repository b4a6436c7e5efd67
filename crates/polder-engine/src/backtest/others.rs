//! The other datasets that a contract's rules read, as they were.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use polder_contract::DatasetContract;
use polder_core::{DatasetName, ErrorKind, Result};
use polder_lake::{CommitRecord, Table, Version};
use polder_query::{RuleQueries, Session};

use crate::engine::Engine;

/// The other datasets that a contract's rules read, as they were.
pub(super) struct Others {
    /// Where they are read: in the order of the mesh's contracts, but for those of the contract itself.
    pub(super) session: Session,
    /// Their commits, newest first; none of a dataset without a table.
    histories: BTreeMap<DatasetName, Vec<CommitRecord>>,
    /// The versions that were asked for last.
    loaded: BTreeMap<DatasetName, (u64, Table)>,
}

/// Tables that stand for datasets.
pub(super) type Given = Vec<(DatasetName, Arc<dyn TableProvider>)>;

impl Others {
    pub(super) async fn of(engine: &Engine, contract: &DatasetContract) -> Result<Self> {
        let mut histories = BTreeMap::new();
        for dataset in RuleQueries::new(&engine.session, contract).others().into_keys() {
            let history = match engine.lake.load(&dataset).await? {
                Some(table) => table.history(usize::MAX).await?,
                None => Vec::new(),
            };
            histories.insert(dataset, history);
        }
        let own = DatasetContract::all(&contract.contract);
        Ok(Self {
            session: engine.session.under(&own),
            histories,
            loaded: BTreeMap::new(),
        })
    }

    /// Each of them as of the newest commit at that time or before, and those of which that is not known, with why.
    pub(super) async fn at(
        &mut self,
        engine: &Engine,
        time: DateTime<Utc>,
    ) -> Result<(Given, BTreeMap<DatasetName, String>)> {
        let (mut given, mut absent) = (Vec::new(), BTreeMap::new());
        for (dataset, history) in &self.histories {
            let Some(commit) = history.iter().find(|commit| commit.timestamp <= time) else {
                let why = match history.last() {
                    Some(oldest) if oldest.version > 0 => "is not in its log any more",
                    _ => "is not known: it had no table yet",
                };
                absent.insert(dataset.clone(), format!("what {dataset} was then {why}"));
                continue;
            };
            let table = match self.loaded.remove(dataset) {
                Some((version, table)) if version == commit.version => Some(table),
                _ => match engine.lake.load_at(dataset, Version::Number(commit.version)).await {
                    Ok(table) => table,
                    Err(error) if error.kind() == ErrorKind::NotFound => None,
                    Err(error) => return Err(error),
                },
            };
            let Some(table) = table else {
                absent.insert(
                    dataset.clone(),
                    format!("what {dataset} was then is not in its log any more"),
                );
                continue;
            };
            given.push((dataset.clone(), self.session.arranged(dataset, table.provider()?)));
            self.loaded.insert(dataset.clone(), (commit.version, table));
        }
        Ok((given, absent))
    }
}
