//! What a step has to do, and why: told from logs, progress, and the query as it plans over its sources' columns. No row is
//! read.

use std::collections::BTreeSet;

use polder_contract::DatasetContract;
use polder_core::{DatasetName, Result};
use polder_delivery::is_settled;
use polder_lake::{Changes, DataFile, Progress, Table};

use crate::definition::{Materialization, Pipeline};
use crate::engine::Engine;
use crate::lineage::{self, Step};
use crate::progress::{Definition, NO_TABLE, TableMark};
use crate::source::Source;
use crate::step::{Action, StepKind};

/// Why everything is built when the user says so.
pub(crate) const FORCED: &str = "forced";

/// Why nothing is built when everything is built in.
pub(crate) const NOTHING_NEW: &str = "nothing new";

/// Why everything is built where rows that are added could not be told from those that a broken run refused.
pub(crate) const UNSETTLED: &str = "it is not known whether the run that refused rows last was completed";

/// Everything that a build begins from.
pub(crate) struct Assessment {
    pub(crate) contract: DatasetContract,
    pub(crate) definition: Definition,
    pub(crate) sources: Vec<TrackedSource>,
    /// Under [`Definition::builder_id`] in the target.
    pub(crate) builder: Option<i64>,
    pub(crate) action: Action,
    pub(crate) why: String,
}

/// A source with what happened to it since it was last built in.
pub(crate) struct TrackedSource {
    pub(crate) source: Source,
    /// Which table of it is built in, by the record of this very definition.
    built_in: Option<i64>,
    /// The recorded progress on the table that is there now.
    recorded: Option<i64>,
    pub(crate) change: Change,
}

/// What happened to a source.
pub(crate) enum Change {
    /// Nothing.
    None,
    /// It had no table before.
    Appeared,
    /// Files came and went.
    Files(Changes),
    /// Cannot be told, for this reason.
    Unknown(String),
}

impl Assessment {
    /// How many rows came to the sources, as far as their files say; nothing where one does not say it.
    pub(crate) fn new_rows(&self) -> Option<u64> {
        self.sources
            .iter()
            .map(|tracked| match &tracked.change {
                Change::None => Some(0),
                Change::Appeared => tracked.source.table.as_ref().and_then(Table::row_count),
                Change::Files(changes) => changes.added.iter().map(DataFile::rows).sum(),
                Change::Unknown(_) => None,
            })
            .sum()
    }
}

impl TrackedSource {
    async fn load(source: Source, target: Option<&Table>, definition: &Definition) -> Result<Self> {
        let name = &source.dataset;
        let mark = source.mark();
        let (mut built_in, mut recorded) = (None, None);
        if let Some(target) = target {
            built_in = target.progress(&definition.source_id(name)).await?;
            if let Some(mark) = &mark {
                recorded = target.progress(&definition.version_id(name, mark)).await?;
            }
        }
        let now = mark.as_ref().map_or(NO_TABLE, TableMark::number);
        let change = match (&source.table, built_in, recorded) {
            (_, None, _) => Change::Unknown(format!("it is not known how far {name} was built in")),
            (None, Some(NO_TABLE), _) => Change::None,
            (Some(_), Some(NO_TABLE), _) => Change::Appeared,
            (None, Some(_), _) => Change::Unknown(format!("the table of {name} is gone")),
            (Some(table), Some(built_in), Some(version)) if built_in == now => since(table, version).await?,
            (Some(_), Some(_), _) => Change::Unknown(made_anew(name)),
        };
        Ok(Self {
            source,
            built_in,
            recorded,
            change,
        })
    }

    /// What is recorded when the source is built in as it is now.
    pub(crate) fn progress(&self, definition: &Definition) -> Vec<Progress> {
        let (name, mark) = (&self.source.dataset, self.source.mark());
        let table = Progress {
            id: definition.source_id(name),
            expected: self.built_in,
            next: mark.as_ref().map_or(NO_TABLE, TableMark::number),
        };
        let version = mark.zip(self.source.version()).map(|(mark, version)| Progress {
            id: definition.version_id(name, &mark),
            expected: self.recorded,
            next: i64::try_from(version).unwrap_or(i64::MAX),
        });
        std::iter::once(table).chain(version).collect()
    }
}

async fn since(table: &Table, version: i64) -> Result<Change> {
    let name = table.name();
    let Some(version) = u64::try_from(version)
        .ok()
        .filter(|version| *version <= table.version())
    else {
        return Ok(Change::Unknown(made_anew(name)));
    };
    let changes = table.changes(version).await?;
    if let Some(changes) = &changes
        && !changes.added.is_empty()
    {
        // What was compacted away may be vacuumed at any time.
        let current: BTreeSet<_> = table.files()?.into_iter().map(|file| file.path().to_owned()).collect();
        if changes.added.iter().any(|file| !current.contains(file.path())) {
            return Ok(Change::Unknown(format!("new files of {name} were rewritten since")));
        }
    }
    Ok(match changes {
        None => Change::Unknown(format!(
            "the log of {name} does not tell what changed after version {version}: it does not reach back that far, or rows \
             went by deletion vector"
        )),
        Some(changes) if changes.is_empty() => Change::None,
        Some(changes) => Change::Files(changes),
    })
}

fn made_anew(name: &DatasetName) -> String {
    format!("{name} was made anew")
}

/// What a pipeline has to do now.
///
/// # Errors
/// `NotFound` for a dataset without a contract; what the lake reports.
pub(crate) async fn assess(
    engine: &Engine,
    pipeline: &Pipeline,
    reads: &[DatasetName],
    full: bool,
) -> Result<Assessment> {
    let contract = engine.contract(&pipeline.dataset)?;
    let mut loaded = Vec::with_capacity(reads.len());
    for dataset in reads {
        loaded.push(Source::load(&engine.lake, &engine.contracts, dataset).await?);
    }
    let definition = Definition::of(pipeline, &contract, &meaning(engine, pipeline, &loaded).await?);
    let target = engine.lake.load(&pipeline.dataset).await?;
    let builder = match &target {
        Some(target) => target.progress(&definition.builder_id()).await?,
        None => None,
    };
    let mut sources = Vec::with_capacity(reads.len());
    for source in loaded {
        sources.push(TrackedSource::load(source, target.as_ref(), &definition).await?);
    }
    let (mut action, mut why) = decide(pipeline, &definition, builder, &sources, full);
    if action == Action::Incremental && !tells_new_rows(engine, pipeline, target.as_ref()).await? {
        (action, why) = (Action::Full, UNSETTLED.to_owned());
    }
    Ok(Assessment {
        contract,
        definition,
        sources,
        builder,
        action,
        why,
    })
}

/// Which columns the query computes what from, in words that are equal as long as its names mean the same columns: a source's
/// contract may give them another meaning (`EXISTS (… WHERE b.w < v)`, `NATURAL JOIN`) though the query stays as it is. Empty
/// for a query that does not plan, which no build gets past.
///
/// # Errors
/// What the lake reports.
async fn meaning(engine: &Engine, pipeline: &Pipeline, sources: &[Source]) -> Result<Vec<String>> {
    let tables = sources
        .iter()
        .map(|source| Ok((source.dataset.clone(), source.provider()?)))
        .collect::<Result<Vec<_>>>()?;
    let planned = engine.session.with_tables(tables).sql(&pipeline.sql.text).await;
    let via = Step {
        kind: StepKind::Pipeline,
        name: pipeline.name.clone(),
    };
    let edges = planned.map(|frame| lineage::of_pipeline(&via, &pipeline.dataset, frame.logical_plan()));
    let edges = edges.ok().and_then(|edges| edges.ok()).unwrap_or_default();
    let words = edges
        .iter()
        .map(|edge| format!("{} {} {}", edge.from, edge.how.as_str(), edge.to));
    Ok(words.collect())
}

/// Whether an increment could tell its refused rows from those that are in quarantine. What groups refuse is recognised
/// when they are computed again; rows that are added must be new ones.
///
/// # Errors
/// What the lake reports.
pub(crate) async fn tells_new_rows(engine: &Engine, pipeline: &Pipeline, target: Option<&Table>) -> Result<bool> {
    match target {
        Some(target) if pipeline.materialization != Materialization::ReplaceGroups => {
            is_settled(&engine.lake, target, &pipeline.name.to_string()).await
        }
        _ => Ok(true),
    }
}

fn decide(
    pipeline: &Pipeline,
    definition: &Definition,
    builder: Option<i64>,
    sources: &[TrackedSource],
    full: bool,
) -> (Action, String) {
    if !sources.is_empty() && sources.iter().all(|tracked| tracked.source.table.is_none()) {
        let names: Vec<_> = sources
            .iter()
            .map(|tracked| tracked.source.dataset.to_string())
            .collect();
        return (Action::Skip, format!("no data yet in {}", names.join(", ")));
    }
    if full {
        return (Action::Full, FORCED.to_owned());
    }
    match builder {
        None => return (Action::Full, "first build".to_owned()),
        Some(built) if built != definition.builder() => return (Action::Full, "definition changed".to_owned()),
        Some(_) => {}
    }
    let unknown = sources.iter().find_map(|tracked| match &tracked.change {
        Change::Unknown(why) => Some(why.clone()),
        _ => None,
    });
    if let Some(why) = unknown {
        return (Action::Full, why);
    }
    let changed: Vec<_> = sources.iter().filter_map(change_in_words).collect();
    if changed.is_empty() {
        return (Action::Skip, NOTHING_NEW.to_owned());
    }
    let why = changed.join(", ");
    (
        if pipeline.is_incremental() {
            Action::Incremental
        } else {
            Action::Full
        },
        why,
    )
}

fn change_in_words(tracked: &TrackedSource) -> Option<String> {
    let name = &tracked.source.dataset;
    match &tracked.change {
        Change::None | Change::Unknown(_) => None,
        Change::Appeared => Some(format!("first rows in {name}")),
        Change::Files(changes) if changes.removed.is_empty() => Some(format!("new rows in {name}")),
        Change::Files(_) => Some(format!("changed rows in {name}")),
    }
}
