//! What a step has to do, and why: told from logs, progress, and what the query's names mean by its sources' columns. No row
//! is read.

use std::collections::BTreeSet;

use polder_contract::DatasetContract;
use polder_core::{DatasetName, ErrorKind, Result, RunId};
use polder_delivery::{is_settled, is_told};
use polder_lake::{Changes, Commit, DataFile, Operation, Progress, Table};

use crate::definition::Pipeline;
use crate::engine::Engine;
use crate::meaning::meaning;
use crate::progress::{Definition, NO_TABLE, TableMark};
use crate::source::Source;
use crate::step::Action;

/// Why everything is built when the user says so.
pub(crate) const FORCED: &str = "forced";

/// Why nothing is built when everything is built in.
pub(crate) const NOTHING_NEW: &str = "nothing new";

/// Why everything is built where rows that are added could not be told from those that a broken run refused.
pub(crate) const UNSETTLED: &str = "it is not known whether the run that refused rows last was completed";

/// Why everything is built where refused rows are open that the last run may have accepted, or rows are not open that an
/// earlier quarantine had.
const UNTOLD: &str = "the last run ended before it brought quarantine up to date, or quarantine was made anew";

/// Everything that a build begins from.
pub(crate) struct Assessment {
    pub(crate) contract: DatasetContract,
    pub(crate) definition: Definition,
    pub(crate) sources: Vec<TrackedSource>,
    /// Under [`Definition::builder_id`] in the target.
    builder: Option<i64>,
    /// By which form of the definition the target tells how far it is built.
    recorded: Definition,
    pub(crate) action: Action,
    pub(crate) why: String,
}

/// A source with what happened to it since it was last built in.
pub(crate) struct TrackedSource {
    pub(crate) source: Source,
    /// What stands in the target under the ids of this very definition.
    expected: Record,
    pub(crate) change: Change,
}

/// How far a source is built in, as a target records it.
#[derive(Clone, Copy, Default)]
struct Record {
    /// Which table of it is.
    table: Option<i64>,
    /// Which version, of the table that is there now.
    version: Option<i64>,
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
    /// Whether the definition as it is built what is there.
    pub(crate) fn is_of_this_definition(&self) -> bool {
        self.builder == Some(self.recorded.builder())
    }

    /// How far everything is built in once it is as it is now.
    pub(crate) fn progress(&self) -> Vec<Progress> {
        let builder = Progress {
            id: self.definition.builder_id(),
            expected: self.builder,
            next: self.definition.builder(),
        };
        let sources = self
            .sources
            .iter()
            .flat_map(|tracked| tracked.progress(&self.definition));
        std::iter::once(builder).chain(sources).collect()
    }

    /// Lets a table in which everything is built in tell so by its definition as it is hashed now, where an earlier Polder
    /// wrote it: what names mean is not known of it until then, so no change of that would be found.
    ///
    /// # Errors
    /// What the lake reports.
    pub(crate) async fn renew_record(&self, engine: &Engine, pipeline: &Pipeline) -> Result<()> {
        let is_current = self.recorded == self.definition || !self.is_of_this_definition();
        let has_changes = |tracked: &TrackedSource| !matches!(tracked.change, Change::None);
        if is_current || self.sources.iter().any(has_changes) {
            return Ok(());
        }
        let Some(mut table) = engine.lake.load(&pipeline.dataset).await? else {
            return Ok(());
        };
        // It brings no data, and says so: how fresh the table is hangs on that.
        let said = [
            ("origin", pipeline.name.to_string()),
            ("accepted", "0".to_owned()),
            ("rejected", "0".to_owned()),
        ];
        let commit = Commit {
            progress: self.progress(),
            metadata: said.map(|(key, value)| (key.to_owned(), value)).into(),
            ..Commit::new(RunId::new(), Operation::Append)
        };
        match table.commit(commit).await {
            // Whoever came first says it too.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            other => other.map(drop),
        }
    }

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
    async fn load(
        source: Source,
        target: Option<&Table>,
        definition: &Definition,
        recorded: &Definition,
    ) -> Result<Self> {
        let (name, mark) = (&source.dataset, source.mark());
        let expected = Record::of(&source, target, definition).await?;
        let record = match recorded == definition {
            true => expected,
            false => Record::of(&source, target, recorded).await?,
        };
        let now = mark.as_ref().map_or(NO_TABLE, TableMark::number);
        let change = match (&source.table, record.table, record.version) {
            (_, None, _) => Change::Unknown(format!("it is not known how far {name} was built in")),
            (None, Some(NO_TABLE), _) => Change::None,
            (Some(_), Some(NO_TABLE), _) => Change::Appeared,
            (None, Some(_), _) => Change::Unknown(format!("the table of {name} is gone")),
            (Some(table), Some(built_in), Some(version)) if built_in == now => since(table, version).await?,
            (Some(_), Some(_), _) => Change::Unknown(made_anew(name)),
        };
        Ok(Self {
            source,
            expected,
            change,
        })
    }

    /// What is recorded when the source is built in as it is now.
    fn progress(&self, definition: &Definition) -> Vec<Progress> {
        let (name, mark) = (&self.source.dataset, self.source.mark());
        let table = Progress {
            id: definition.source_id(name),
            expected: self.expected.table,
            next: mark.as_ref().map_or(NO_TABLE, TableMark::number),
        };
        let version = mark.zip(self.source.version()).map(|(mark, version)| Progress {
            id: definition.version_id(name, &mark),
            expected: self.expected.version,
            next: i64::try_from(version).unwrap_or(i64::MAX),
        });
        std::iter::once(table).chain(version).collect()
    }
}

impl Record {
    async fn of(source: &Source, target: Option<&Table>, definition: &Definition) -> Result<Self> {
        let Some(target) = target else {
            return Ok(Self::default());
        };
        let table = target.progress(&definition.source_id(&source.dataset)).await?;
        let version = match source.mark() {
            Some(mark) => target.progress(&definition.version_id(&source.dataset, &mark)).await?,
            None => None,
        };
        Ok(Self { table, version })
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

/// What a pipeline has to do now, or once the datasets are built that are built `ahead`.
///
/// # Errors
/// `NotFound` for a dataset without a contract; `Document` for a query that does not plan; what the lake reports.
pub(crate) async fn assess(
    engine: &Engine,
    pipeline: &Pipeline,
    reads: &[DatasetName],
    ahead: &BTreeSet<DatasetName>,
    full: bool,
) -> Result<Assessment> {
    let contract = engine.contract(&pipeline.dataset)?;
    let mut loaded = Vec::with_capacity(reads.len());
    for dataset in reads {
        loaded.push(Source::load(&engine.lake, &engine.contracts, dataset).await?);
    }
    let definition = Definition::of(pipeline, &contract, &meaning(engine, pipeline, &loaded, ahead).await?);
    let target = engine.lake.load(&pipeline.dataset).await?;
    let builder = match &target {
        Some(target) => target.progress(&definition.builder_id()).await?,
        None => None,
    };
    let former = Definition::former(pipeline, &contract);
    let recorded = match builder == Some(former.builder()) {
        true => former,
        false => definition.clone(),
    };
    let mut sources = Vec::with_capacity(reads.len());
    for source in loaded {
        sources.push(TrackedSource::load(source, target.as_ref(), &definition, &recorded).await?);
    }
    let (mut action, mut why) = decide(pipeline, &recorded, builder, &sources, full);
    if (action == Action::Incremental || why == NOTHING_NEW)
        && let Some(in_the_way) = not_settled(engine, pipeline, target.as_ref()).await?
    {
        (action, why) = (Action::Full, in_the_way.to_owned());
    }
    Ok(Assessment {
        contract,
        definition,
        sources,
        builder,
        recorded,
        action,
        why,
    })
}

/// Why neither an increment nor nothing at all would leave in quarantine what a build of everything leaves there, where that is
/// so: rows that are added could not be told from those that a broken run refused, and what is not computed again may have
/// some.
///
/// # Errors
/// What the lake reports.
pub(crate) async fn not_settled(
    engine: &Engine,
    pipeline: &Pipeline,
    target: Option<&Table>,
) -> Result<Option<&'static str>> {
    let (Some(target), name) = (target, pipeline.name.to_string()) else {
        return Ok(None);
    };
    Ok(match is_settled(&engine.lake, target, &name).await? {
        true => None,
        false if is_told(&engine.lake, target, &name).await? => Some(UNSETTLED),
        false => Some(UNTOLD),
    })
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
