//! Keeps the catalog informed while commands build. The data does not depend on it: when the catalog cannot be reached, the
//! work goes on, one warning says so, and `polder catalog sync` makes up for it.

use std::sync::atomic::{AtomicBool, Ordering};

use polder_catalog::{Catalog, ModelState, Node, RunEnd, RunStart, Step};
use polder_core::{DatasetName, Error, Result};
use polder_engine::ModelRecord;

use crate::inventory::{Describer, model_version};
use crate::output;
use crate::platform::Platform;

/// Writes to the catalog, if there is one to write to.
pub(crate) struct Recorder {
    catalog: Option<Catalog>,
    describer: Option<Describer>,
    warned: AtomicBool,
}

impl Recorder {
    /// A recorder for a mesh. It never fails: without a catalog it records nothing.
    pub(crate) async fn open(platform: &Platform) -> Self {
        let mut recorder = Self {
            catalog: None,
            describer: None,
            warned: AtomicBool::new(false),
        };
        match (platform.catalog().await, Describer::new(platform)) {
            (Ok(catalog), Ok(describer)) => {
                recorder.catalog = Some(catalog);
                recorder.describer = Some(describer);
            }
            (Err(error), _) | (_, Err(error)) => recorder.warn(&error),
        }
        recorder
    }

    /// A run from its start to its end; one that was begun is only ended.
    pub(crate) async fn run(&self, start: &RunStart, end: &RunEnd) {
        if let Some(catalog) = &self.catalog {
            let written = async {
                catalog.begin_run(start).await?;
                catalog.finish_run(start.id, end).await
            };
            self.heed(written.await);
        }
    }

    /// A run that begins now: whoever looks sees it running, also if nothing is ever heard of its end.
    pub(crate) async fn begin(&self, start: &RunStart) {
        if let Some(catalog) = &self.catalog {
            self.heed(catalog.begin_run(start).await);
        }
    }

    /// How a dataset stands now; of one that has no table yet, nothing.
    pub(crate) async fn dataset(&self, name: &DatasetName) {
        if let (Some(catalog), Some(describer)) = (&self.catalog, &self.describer) {
            let written = async {
                let dataset = describer.dataset(name).await?;
                if dataset.version.is_some() {
                    catalog.record_dataset(&dataset).await
                } else {
                    Ok(())
                }
            };
            self.heed(written.await);
        }
    }

    /// What a step reads and writes.
    pub(crate) async fn lineage(&self, step: &Step, inputs: &[Node], output: &Node) {
        if let Some(catalog) = &self.catalog {
            self.heed(catalog.record_lineage(step, inputs, output).await);
        }
    }

    /// A trained version of a model.
    pub(crate) async fn model(&self, record: &ModelRecord, state: ModelState) {
        if let Some(catalog) = &self.catalog {
            self.heed(catalog.record_model(&model_version(record, state)).await);
        }
    }

    fn heed(&self, written: Result<()>) {
        if let Err(error) = written {
            self.warn(&error);
        }
    }

    fn warn(&self, error: &Error) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            output::remark(&format!(
                "warning: the catalog does not hear of this ({}); `polder catalog sync` makes up for it",
                error.report()
            ));
        }
    }
}
