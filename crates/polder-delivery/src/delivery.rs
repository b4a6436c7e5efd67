//! One origin's way into one dataset.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, SchemaRef};
use polder_contract::DatasetContract;
use polder_core::{DatasetName, Error, ErrorKind, Result, clock};
use polder_gate::Gate;
use polder_gate::table::{NoQueries, Queries};
use polder_lake::{Lake, Table, TableOptions};
use polder_policy::{Landing, Policies};

use crate::columns::{REFUSED_COLUMNS, quarantine_schema};
use crate::discretion::Discretion;
use crate::fitness::{in_the_contract, table_columns};
use crate::known::{Contents, Known, Positions};
use crate::rules::Rules;

/// Where rows of one stream or pipeline go: the dataset's table, and its quarantine for what the contract refuses.
///
/// One delivery has one shipment open at a time. A second process that delivers from the same origin is noticed when
/// it commits: one of the two gets `Conflict`, must drop what it has pushed, [refresh](Self::refresh) and begin again
/// from the progress that it then reads.
pub struct Delivery {
    pub(crate) lake: Lake,
    pub(crate) dataset: DatasetName,
    pub(crate) contract: DatasetContract,
    pub(crate) origin: String,
    pub(crate) gate: Gate,
    pub(crate) rules: Rules,
    pub(crate) queries: Arc<dyn Queries>,
    pub(crate) discretion: Discretion,
    /// What no row may hold, where policies say so.
    pub(crate) landing: Option<Landing>,
    pub(crate) schema: SchemaRef,
    pub(crate) table: Table,
    pub(crate) quarantine: Option<Table>,
    pub(crate) known: Known,
    /// Whether only what its rows change is to be said: not that a rule which only warns did not hold before either.
    pub(crate) is_terse: bool,
}

/// What a contract makes of rows on their way.
struct Way {
    gate: Gate,
    rules: Rules,
    schema: SchemaRef,
    known: Known,
}

impl Way {
    fn compile(contract: &DatasetContract, platform: &[FieldRef]) -> Result<Self> {
        takes_rows(contract)?;
        let gate = Gate::compile(contract)?;
        let rules = Rules::compile(contract, !platform.is_empty())?;
        let schema = table_columns(contract, platform)?;
        Ok(Self {
            gate,
            rules,
            schema,
            known: match platform.is_empty() {
                true => Known::Contents(None),
                false => Known::Positions(Positions::default()),
            },
        })
    }
}

/// Whether rows may still be written under this contract.
pub(crate) fn takes_rows(contract: &DatasetContract) -> Result<()> {
    match contract
        .contract
        .lifecycle_of(contract.object)
        .refuses_writing(clock::now())
    {
        None => Ok(()),
        Some(why) => {
            let message = format!("{} takes no rows any more: {why}", contract.dataset());
            Err(Error::new(ErrorKind::CheckFailed, message)
                .with_help("write to the dataset that replaces it, or change the contract's status or end of life"))
        }
    }
}

/// Where a stream's next record of a partition is, as its shipments note it: topics by partition, files by path alone.
async fn lane_progress(table: &Table, origin: &str, topic: &str, partition: i32) -> Result<Option<i64>> {
    let by_partition = format!("stream/{origin}/{topic}/{partition}");
    match table.progress(&by_partition).await? {
        None if partition == 0 => table.progress(&format!("stream/{origin}/{topic}")).await,
        progress => Ok(progress),
    }
}

/// The progress id under which quarantine counts an origin's commits.
fn counted_progress(origin: &str) -> String {
    format!("quarantine/{origin}")
}

/// The progress id under which a dataset's table keeps how many of a pipeline's commits to quarantine are settled.
fn settled_progress(origin: &str) -> String {
    format!("settled/{origin}")
}

/// The progress id under which a dataset's table counts the builds that changed what is open in quarantine, and
/// quarantine those of them that it was told of.
pub(crate) fn rejudged_progress(origin: &str) -> String {
    format!("rejudged/{origin}")
}

/// Whether quarantine was told what became of rows in the builds of which the table says that it must be.
async fn knows_of_builds(table: &Table, quarantine: &Table, pipeline: &str) -> Result<bool> {
    let id = rejudged_progress(pipeline);
    Ok(table.progress(&id).await? == quarantine.progress(&id).await?)
}

/// Whether quarantine was told what the builds of a pipeline found of the rows that it holds. Where a process ended right
/// after its commit to the table it was not: then rows are open that a build accepted, or computes no more.
///
/// # Errors
/// What the lake reports.
pub async fn is_told(lake: &Lake, table: &Table, pipeline: &str) -> Result<bool> {
    let Some(quarantine) = lake.load(&table.name().quarantine()).await? else {
        return Ok(true);
    };
    match quarantine.progress(&counted_progress(pipeline)).await? {
        None => Ok(true),
        Some(_) => knows_of_builds(table, &quarantine, pipeline).await,
    }
}

/// Whether every row that a pipeline has in the quarantine of this table is of a shipment that was completed, as
/// [`Delivery::is_settled`] tells it, read from logs alone: nothing is opened or made.
///
/// # Errors
/// What the lake reports.
pub async fn is_settled(lake: &Lake, table: &Table, pipeline: &str) -> Result<bool> {
    let Some(quarantine) = lake.load(&table.name().quarantine()).await? else {
        return Ok(true);
    };
    match quarantine.progress(&counted_progress(pipeline)).await? {
        None => Ok(true),
        count => Ok(table.progress(&settled_progress(pipeline)).await? == count
            && knows_of_builds(table, &quarantine, pipeline).await?),
    }
}

impl Delivery {
    /// Opens the way from `origin` (the full name of a stream or pipeline) to the dataset of this contract. Creates
    /// the table, or adds the columns that the contract gained. Streams pass [`STREAM_COLUMNS`](crate::STREAM_COLUMNS)
    /// as platform columns, pipelines none.
    ///
    /// The contract is what is enforced as long as the delivery lives, whatever becomes of the document meanwhile: each
    /// of its commits names this version.
    ///
    /// # Errors
    /// `CheckFailed`, where the contract takes no rows any more (it is retired, or past its end of life); `Document`,
    /// where it cannot be enforced, clashes with a platform column or with the table that is there; what the lake
    /// reports otherwise.
    pub async fn open(lake: &Lake, contract: &DatasetContract, platform: &[FieldRef], origin: &str) -> Result<Self> {
        let way = Way::compile(contract, platform)?;
        let options = TableOptions {
            description: contract.object().description.clone(),
        };
        let table = lake
            .fit(contract.dataset(), Arc::clone(&way.schema), &options)
            .await?
            .map_err(|refusals| {
                let unfit = in_the_contract(contract, &refusals);
                Error::document(unfit.into_iter().map(|unfit| unfit.diagnostic).collect())
            })?;
        Self::over(lake, contract, way, table, origin).await
    }

    /// The same of the table as it is: nothing is made or changed, and a column that the table lacks is one of nulls.
    /// To judge rows, not to write them.
    ///
    /// # Errors
    /// As [`open`](Self::open); `NotFound`, where there is no table.
    pub(crate) async fn open_as_it_is(
        lake: &Lake,
        contract: &DatasetContract,
        platform: &[FieldRef],
        origin: &str,
    ) -> Result<Self> {
        let way = Way::compile(contract, platform)?;
        let Some(table) = lake.load(contract.dataset()).await? else {
            let message = format!("{} has no table", contract.dataset());
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_help("its stream makes one when it runs, and so does a replay that is no rehearsal"));
        };
        Self::over(lake, contract, way, table, origin).await
    }

    async fn over(lake: &Lake, contract: &DatasetContract, way: Way, table: Table, origin: &str) -> Result<Self> {
        let dataset = contract.dataset().clone();
        Ok(Self {
            lake: lake.clone(),
            contract: contract.clone(),
            origin: origin.to_owned(),
            gate: way.gate,
            rules: way.rules,
            queries: Arc::new(NoQueries),
            discretion: Discretion::default(),
            landing: None,
            schema: way.schema,
            table,
            quarantine: lake.load(&dataset.quarantine()).await?,
            known: way.known,
            is_terse: false,
            dataset,
        })
    }

    /// The same with somebody who answers the contract's rules that ask other tables or are queries. Without, such rules
    /// are not run, and reported as that.
    #[must_use]
    pub fn with_queries(mut self, queries: Arc<dyn Queries>) -> Self {
        self.queries = queries;
        self
    }

    /// The same, where refusals and remarks do not tell the values that not everybody may see.
    #[must_use]
    pub fn with_discretion(mut self, discretion: Discretion) -> Self {
        self.discretion = discretion;
        self
    }

    /// The same, where the first accepted rows of each shipment are searched for what these policies let no row hold.
    #[must_use]
    pub fn with_policies(mut self, policies: &Policies) -> Self {
        self.landing = policies.landing(&self.contract);
        self
    }

    /// The columns of a batch that is to be pushed: the contract's, then the platform's.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The dataset's table, as of the last refresh or commit.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How far a source was delivered, as of the last refresh or commit; `None` where nothing was.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn progress(&self, id: &str) -> Result<Option<i64>> {
        self.table.progress(id).await
    }

    /// Reads what others committed in the meantime.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn refresh(&mut self) -> Result<()> {
        // In this order: what others settle in the meantime is still open in the table that was read, so their
        // refused rows are recognised.
        self.table.refresh().await?;
        self.refresh_quarantine().await
    }

    pub(crate) async fn refresh_quarantine(&mut self) -> Result<()> {
        match &mut self.quarantine {
            Some(quarantine) => quarantine.refresh().await,
            None => {
                self.quarantine = self.lake.load(&self.dataset.quarantine()).await?;
                Ok(())
            }
        }
    }

    /// The progress id under which quarantine counts this origin's commits, and the dataset's table keeps the
    /// quarantine's version up to which they are settled.
    pub(crate) fn quarantine_progress(&self) -> String {
        counted_progress(&self.origin)
    }

    /// How many commits this origin has made to quarantine.
    pub(crate) async fn sequence(&self) -> Result<Option<i64>> {
        match &self.quarantine {
            Some(quarantine) => quarantine.progress(&self.quarantine_progress()).await,
            None => Ok(None),
        }
    }

    /// The progress id under which the dataset's table keeps how many of a pipeline's commits to quarantine are settled.
    pub(crate) fn settled_progress(&self) -> String {
        settled_progress(&self.origin)
    }

    /// How many of a pipeline's commits to quarantine are settled, as far as the table says.
    pub(crate) async fn settled_sequence(&self) -> Result<Option<i64>> {
        self.table.progress(&self.settled_progress()).await
    }

    /// Whether every row that this pipeline has in quarantine is of a shipment that was completed, and quarantine
    /// [was told](is_told) of all builds, as of the last refresh or commit. Where a process ended between the two commits, or an earlier Polder wrote the rows, nobody can tell
    /// which of them come again, unless all rows come again: then they are recognised. What streams have in quarantine
    /// is recognised by its position at any time.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn is_settled(&self) -> Result<bool> {
        match (&self.known, self.sequence().await?, &self.quarantine) {
            (Known::Positions(_), ..) | (_, None, _) | (.., None) => Ok(true),
            (Known::Contents(_), count, Some(quarantine)) => Ok(self.settled_sequence().await? == count
                && knows_of_builds(&self.table, quarantine, &self.origin).await?),
        }
    }

    /// The quarantine's version up to which every row of this origin belongs to a completed shipment.
    pub(crate) async fn settled(&self) -> Result<Option<u64>> {
        let settled = self.table.progress(&self.quarantine_progress()).await?;
        Ok(settled.and_then(|version| u64::try_from(version).ok()))
    }

    /// The quarantine table, made where it is not there yet; one of an earlier Polder gets the columns that it lacks.
    pub(crate) async fn quarantine_table(&mut self) -> Result<&mut Table> {
        let lacks_columns = |table: &Table| {
            let schema = table.schema();
            let refused = quarantine_schema();
            let mut columns = refused.fields().iter().take(REFUSED_COLUMNS);
            columns.any(|column| schema.index_of(column.name()).is_err())
        };
        if self.quarantine.as_ref().is_none_or(lacks_columns) {
            let description = format!(
                "Rows that the contract of {} refused, whole, with rule and reason.",
                self.dataset
            );
            let options = TableOptions {
                description: Some(description),
            };
            self.quarantine = Some(
                self.lake
                    .ensure(&self.dataset.quarantine(), quarantine_schema(), &options)
                    .await?,
            );
        }
        let dataset = &self.dataset;
        self.quarantine.as_mut().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                format!("the quarantine of {dataset} was not opened"),
            )
        })
    }

    /// Takes into the window what this origin wrote to quarantine since the window was last read, or, in a new
    /// process, since the last completed shipment.
    pub(crate) async fn read_window(&mut self, sequence: Option<i64>) -> Result<()> {
        let settled = self.settled().await?;
        let (Known::Positions(known), Some(quarantine)) = (&mut self.known, &self.quarantine) else {
            return Ok(());
        };
        let version = quarantine.version();
        if sequence.is_none() || (known.read_to.is_some() && known.sequence == sequence) {
            return Ok(());
        }
        // A version beyond the table's is of an earlier table in the same place.
        let since = known.read_to.or(settled).filter(|since| *since <= version);
        let changes = match since {
            Some(since) => quarantine.changes(since).await?,
            None => None,
        };
        // Other engines may have rewritten the files and removed them since; the whole table holds their rows too.
        let read = match changes {
            Some(changes) if changes.added.is_empty() => true,
            Some(changes) => match quarantine.files_provider(&changes.added) {
                Ok(files) => known.window.read(files, &self.origin).await.is_ok(),
                Err(_) => false,
            },
            None => false,
        };
        if !read {
            known.window.read(quarantine.provider()?, &self.origin).await?;
        }
        // Files that a replay or a discard wrote again hold rows that were settled long ago.
        for (topic, partition) in known.window.partitions() {
            if let Some(next) = lane_progress(&self.table, &self.origin, &topic, partition).await? {
                known.window.close_before(&topic, partition, next);
            }
        }
        (known.read_to, known.sequence) = (Some(version), sequence);
        Ok(())
    }

    /// The keys of a pipeline's rows in quarantine.
    pub(crate) async fn read_contents(&self) -> Result<Contents> {
        match &self.quarantine {
            Some(quarantine) => Contents::read(quarantine.provider()?, &self.origin).await,
            None => Ok(Contents::default()),
        }
    }
}
