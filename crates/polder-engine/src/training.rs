//! Training and prediction through the domains' models.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt as _;
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result, ResultExt as _, RunId, clock};
use polder_domain::{Domain, Inputs, Model, Parameters, Trained, batch_from_frame, frame_from_batches};
use polder_query::{Session, query_error};

use crate::admission::reproducible;
use crate::assess::{FORCED, NOTHING_NEW};
use crate::definition::ModelDefinition;
use crate::engine::Engine;
use crate::model::ModelRecord;
use crate::source::{Source, versions};
use crate::sql::place::SqlText;
use crate::step::Action;

/// What a training begins from.
pub(crate) struct Training {
    pub(crate) action: Action,
    pub(crate) why: String,
    pub(crate) sources: Vec<Source>,
}

/// What a training came to.
pub(crate) enum Learned {
    /// A new version of the model.
    Version(Box<ModelRecord>),
    /// Nothing yet, and why.
    TooLittle(String),
}

impl Engine {
    /// Answers a request from a model: from the given version, else the promoted one, else the newest.
    ///
    /// # Errors
    /// `NotFound` for a model or version that is not there; `Usage` for a request that the model does not understand;
    /// `Data` for an artefact that it cannot read.
    pub async fn predict(&self, name: &ObjectName, version: Option<u64>, request: Parameters) -> Result<RecordBatch> {
        let store = self.model_store();
        let record = store.find(name, version).await?;
        let artifact = store.artifact(&record).await?;
        let frame = self
            .blocking(&record.implementation, move |model| model.predict(&artifact, &request))
            .await?;
        batch_from_frame(&frame)
    }

    /// Whether a model is to be trained: not when its newest version learned by the same definition from the same
    /// dataset versions.
    pub(crate) async fn assess_training(
        &self,
        model: &ModelDefinition,
        reads: &BTreeSet<DatasetName>,
        full: bool,
    ) -> Result<Training> {
        let mut sources = Vec::with_capacity(reads.len());
        for dataset in reads {
            sources.push(Source::load(&self.lake, &self.contracts, dataset).await?);
        }
        let absent: Vec<_> = sources
            .iter()
            .filter(|source| source.table.is_none())
            .map(|source| source.dataset.to_string())
            .collect();
        let (action, why) = if !absent.is_empty() {
            (Action::Skip, format!("no data yet in {}", absent.join(", ")))
        } else if full {
            (Action::Full, FORCED.to_owned())
        } else {
            let store = self.model_store();
            match store.newest(&model.name).await? {
                None => (Action::Full, "first training".to_owned()),
                Some(version) => compared(&store.find(&model.name, Some(version)).await?, model, &sources).await?,
            }
        };
        Ok(Training { action, why, sources })
    }

    /// Trains a model from its sources as they are pinned, and keeps it as its next version. Data that is too little to learn
    /// from is no failure of anybody's: it gives the model's words instead.
    pub(crate) async fn train_model(
        &self,
        model: &ModelDefinition,
        training: &Training,
        run: RunId,
    ) -> Result<Learned> {
        let tables = training
            .sources
            .iter()
            .map(|source| Ok((source.dataset.clone(), source.provider()?)))
            .collect::<Result<Vec<_>>>()?;
        let session = self.session.with_tables(tables);
        let mut frames = Vec::with_capacity(model.inputs.len());
        for (name, input) in &model.inputs {
            let (schema, batches) = rows(&session, &SqlText::value(&model.document, &input.sql, input.span)).await?;
            frames.push((name.clone(), frame_from_batches(&schema, &batches)?));
        }
        let inputs = Inputs::from_iter(frames);
        let parameters = Parameters::new(model.parameters.clone());
        let given = parameters.clone();
        let trained = self
            .blocking(&model.implementation, move |implementation| {
                implementation.train(&inputs, &given)
            })
            .await;
        let Trained {
            artifact,
            mut metrics,
            mut notes,
        } = match trained {
            Err(error) if error.kind() == ErrorKind::Data => return Ok(Learned::TooLittle(error.report())),
            other => other?,
        };
        // JSON has no infinities: a figure that could not be measured is told in words.
        metrics.retain(|metric, value| {
            if !value.is_finite() {
                notes.push(format!("{metric} could not be measured"));
            }
            value.is_finite()
        });
        let record = ModelRecord {
            name: model.name.clone(),
            version: 0,
            run_id: run,
            trained_at: clock::now(),
            implementation: model.implementation.clone(),
            definition: model.hash(),
            parameters,
            metrics,
            notes,
            inputs: versions(&training.sources),
            sha256: String::new(),
        };
        let record = self.model_store().keep(record, artifact).await?;
        Ok(Learned::Version(Box::new(record)))
    }

    /// The implementation of this name.
    pub(crate) fn implementation(&self, name: &ObjectName) -> Option<&dyn Model> {
        implementation(&self.domains, name)
    }

    /// The names of all implementations.
    pub(crate) fn implementations(&self) -> Vec<String> {
        let models = self
            .domains
            .iter()
            .flat_map(|domain| domain.models.iter().map(|model| (domain.name, model.name())));
        models.map(|(domain, model)| format!("{domain}.{model}")).collect()
    }

    /// Lets an implementation compute where it does not hold up others.
    async fn blocking<T: Send + 'static>(
        &self,
        name: &ObjectName,
        compute: impl FnOnce(&dyn Model) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (domains, wanted) = (Arc::clone(&self.domains), name.clone());
        let computed = tokio::task::spawn_blocking(move || match implementation(&domains, &wanted) {
            Some(model) => compute(model),
            None => Err(
                Error::new(ErrorKind::NotFound, format!("no domain implements {wanted}"))
                    .with_help("the binary lists the domains that it was built with"),
            ),
        });
        computed
            .await
            .context(ErrorKind::Internal, || format!("{name} ended with a panic"))?
    }
}

fn implementation<'d>(domains: &'d [Domain], name: &ObjectName) -> Option<&'d dyn Model> {
    let domain = domains.iter().find(|domain| domain.name == name.domain())?;
    domain
        .models
        .iter()
        .find(|model| model.name() == name.name())
        .map(AsRef::as_ref)
}

/// What the newest version says about training again. A version of an input that holds the same rows as the one that
/// was learned from (only progress was recorded, or files were compacted) is nothing new.
async fn compared(newest: &ModelRecord, model: &ModelDefinition, sources: &[Source]) -> Result<(Action, String)> {
    if newest.definition != model.hash() {
        return Ok((Action::Full, "definition changed".to_owned()));
    }
    let mut changed = Vec::new();
    for source in sources {
        let Some(table) = &source.table else { continue };
        let same = match newest.inputs.get(&source.dataset) {
            Some(learned) if *learned == table.version() => true,
            Some(learned) if *learned < table.version() => {
                table.changes(*learned).await?.is_some_and(|changes| changes.is_empty())
            }
            _ => false,
        };
        if !same {
            changed.push(format!("{} is at version {}", source.dataset, table.version()));
        }
    }
    Ok(
        match changed.is_empty() && newest.inputs.len() == versions(sources).len() {
            true => (Action::Skip, NOTHING_NEW.to_owned()),
            false if changed.is_empty() => (Action::Full, "it reads other datasets".to_owned()),
            false => (Action::Full, changed.join(", ")),
        },
    )
}

/// The rows of one input.
async fn rows(session: &Session, text: &SqlText<'_>) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let planned = session.sql(text.sql).await;
    let planned = planned.map_err(|error| Error::document(vec![text.failure(&error, "sql")]).with_source(error))?;
    let found = reproducible(text, planned.logical_plan(), &session.references(text.sql)?);
    if !found.is_empty() {
        return Err(Error::document(found));
    }
    let rows = planned.execute_stream().await.map_err(query_error)?;
    let schema = rows.schema();
    let batches = rows.try_collect().await.map_err(query_error)?;
    Ok((schema, batches))
}
