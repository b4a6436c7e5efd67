//! Deciding about rejected rows: replaying and discarding them.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use polder_contract::DatasetContract;
use polder_core::{DatasetName, Error, ErrorKind, Layer, Result, ResultExt, RunId};
use polder_delivery::{Discard, Patch, Quarantine, Replay, Replayed, Selection};
use polder_query::{RowPatch, RuleQueries, query_error};

use super::look::{find, rejected_by, tables};
use super::{DiscardArgs, ReplayArgs, Which, quoted};
use crate::output::{self, Listing, counted};
use crate::platform::Platform;
use crate::progress::Bars;
use crate::recorder::Recorder;

/// What a patch is to delivery.
struct SqlPatch(RowPatch);

impl Patch for SqlPatch {
    fn columns(&self) -> &[String] {
        self.0.columns()
    }

    fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        self.0.apply(rows)
    }
}

/// Judges rows anew and takes those that pass. Gives 1 where a selected row stays open.
pub(super) async fn replay(platform: &Platform, args: &ReplayArgs, quiet: bool) -> Result<ExitCode> {
    let Some((dataset, mut quarantine)) = open(platform, &args.dataset, args.dry_run).await? else {
        output::line(&format!("nothing was rejected from {}", args.dataset))?;
        return Ok(ExitCode::SUCCESS);
    };
    let contract = contract(platform, &dataset)?;
    let patch = match &args.set {
        Some(text) => {
            let schema = polder_gate::arrow_schema(contract.object())?;
            Some(SqlPatch(RowPatch::parse(text, &schema)?))
        }
        None => None,
    };
    let bar = Bars::new(quiet).bar(&format!("replay {dataset}"), None);
    let advance = |rows: u64| bar.inc(rows);
    let session = platform.session()?;
    let replay = Replay {
        contract: &contract,
        queries: Arc::new(RuleQueries::new(&session, &contract)),
        selection: selection(platform, &quarantine, &args.which).await?,
        patch: patch.as_ref().map(|patch| patch as &dyn Patch),
        resolution: match &args.set {
            Some(text) => format!("set {text}"),
            None => format!("contract version {}", contract.version()),
        },
        by: who(args.by.as_deref()),
        run: RunId::new(),
        judged: Some(&advance),
    };
    let replayed = match args.dry_run {
        true => quarantine.rehearse(&replay).await,
        false => quarantine.replay(&replay).await,
    };
    bar.finish_and_clear();
    let replayed = replayed?;
    if !args.dry_run && replayed.version.is_some() {
        let recorder = Recorder::open(platform).await;
        recorder.dataset(&dataset).await;
        recorder.dataset(&dataset.quarantine()).await;
    }
    listing(&replayed, args.dry_run).print(args.format.format, "no open row is selected")?;
    for remark in replayed.remarks.values() {
        output::remark(&format!("{dataset}: {remark}"));
    }
    if !quiet && replayed.selected > 0 {
        output::remark(&sentence(&dataset, &replayed, args.dry_run));
    }
    let stay = replayed.selected - replayed.passed;
    Ok(ExitCode::from(u8::from(stay > 0)))
}

/// Marks rows as discarded.
pub(super) async fn discard(platform: &Platform, args: &DiscardArgs, quiet: bool) -> Result<()> {
    if args.which.is_everything() && !args.all {
        return Err(
            Error::new(ErrorKind::Usage, "nothing says which rows are to be discarded")
                .with_help("choose them by --rule, --where or --id, or say --all"),
        );
    }
    let Some((dataset, mut quarantine)) = open(platform, &args.dataset, false).await? else {
        return output::line(&format!("nothing was rejected from {}", args.dataset));
    };
    let discard = Discard {
        selection: selection(platform, &quarantine, &args.which).await?,
        reason: args.reason.clone(),
        by: who(args.by.as_deref()),
        run: RunId::new(),
    };
    let rows = quarantine.discard(&discard).await?;
    if rows > 0 {
        Recorder::open(platform).await.dataset(&dataset.quarantine()).await;
    }
    if !quiet || rows > 0 {
        output::line(&format!(
            "{} of {dataset} discarded by {}: {}",
            counted(rows, "row"),
            discard.by,
            discard.reason
        ))?;
    }
    Ok(())
}

/// `as_it_is`: nothing is written, not even the columns that a quarantine of an earlier Polder lacks.
async fn open(platform: &Platform, name: &str, as_it_is: bool) -> Result<Option<(DatasetName, Quarantine)>> {
    let name: DatasetName = name.parse()?;
    let Some(table) = find(platform, &tables(platform).await?, &name)? else {
        return Ok(None);
    };
    let dataset = match name.layer() {
        Layer::Quarantine => rejected_by(&table),
        _ => name,
    };
    let lake = platform.lake()?;
    let quarantine = match as_it_is {
        true => Quarantine::open_as_it_is(&lake, &dataset).await?,
        false => Quarantine::open(&lake, &dataset).await?,
    };
    Ok(quarantine.map(|quarantine| (dataset, quarantine)))
}

/// The contract that judges now; rows that a pipeline computed are not replayed but computed anew.
fn contract(platform: &Platform, dataset: &DatasetName) -> Result<DatasetContract> {
    let engine = platform.engine()?;
    if let Some(pipeline) = engine.pipelines().iter().find(|pipeline| pipeline.dataset == *dataset) {
        let message = format!(
            "{dataset} is built by the pipeline {}: its refused rows are not replayed, they are computed anew",
            pipeline.name
        );
        return Err(Error::new(ErrorKind::Usage, message).with_help(format!(
            "mend the contract or the query, then `polder run --select {} --full`: every row is judged again, and what \
             the contract then takes is no longer open in quarantine",
            pipeline.name
        )));
    }
    platform.contracts()?.get(dataset).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("{dataset} has no contract any more"))
            .with_help("rows are judged by a contract: write one, or discard them")
    })
}

/// The rows that are meant; a condition in SQL is asked now.
async fn selection(platform: &Platform, quarantine: &Quarantine, which: &Which) -> Result<Selection> {
    let mut selection = Selection {
        rule: which.rule.clone(),
        ids: (!which.id.is_empty()).then(|| which.id.iter().cloned().collect()),
    };
    if which.condition.is_some() {
        let query = format!(
            "SELECT _quarantine_id FROM {} WHERE {}",
            quarantine.table().name(),
            which.conditions().join(" AND ")
        );
        let unread = || "the quarantine's keys cannot be read".to_owned();
        let frame = platform.session()?.sql(&query).await?;
        let mut ids = HashSet::new();
        for batch in frame.collect().await.map_err(query_error)? {
            let column = cast(batch.column(0), &DataType::Utf8).context(ErrorKind::Internal, unread)?;
            ids.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        selection.ids = Some(ids);
    }
    Ok(selection)
}

/// Who decides: as said, else the user of this session.
fn who(by: Option<&str>) -> String {
    let of_session = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = by.map(str::to_owned).or_else(of_session);
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

fn listing(replayed: &Replayed, dry_run: bool) -> Listing {
    let mut listing = Listing::new(["outcome", "rule", "rows", "example"]);
    let words = if dry_run {
        ["would pass", "would be refused"]
    } else {
        ["replayed", "refused again"]
    };
    let mut row = |outcome: &str, rule: &str, rows: u64, example: &str| {
        listing.row([
            outcome.to_owned(),
            rule.to_owned(),
            rows.to_string(),
            example.to_owned(),
        ]);
    };
    if replayed.passed > 0 {
        row(words[0], "", replayed.passed, "");
    }
    for (rule, (rows, example)) in &replayed.refused {
        row(words[1], rule, *rows, example);
    }
    for (why, rows) in &replayed.unfit {
        row("cannot be replayed", "", *rows, why);
    }
    for (rule, rows) in &replayed.warned {
        row("passed with a warning", rule, *rows, "");
    }
    listing
}

fn sentence(dataset: &DatasetName, replayed: &Replayed, dry_run: bool) -> String {
    let refused: u64 = replayed.refused.values().map(|(rows, _)| rows).sum();
    let unfit: u64 = replayed.unfit.values().sum();
    let version = replayed
        .version
        .map_or_else(String::new, |version| format!(" (now version {version})"));
    let verb = if dry_run { "would come" } else { "came" };
    let mut text = format!(
        "{} of {} {verb} into {dataset}{version}",
        replayed.passed,
        counted(replayed.selected, "row")
    );
    if refused + unfit > 0 {
        text.push_str(&format!(
            ", {} stay{} open",
            refused + unfit,
            if refused + unfit == 1 { "s" } else { "" }
        ));
    }
    if refused > 0 {
        let rule = replayed.refused.keys().next().map_or("", String::as_str);
        text.push_str(&format!(
            "; `polder quarantine show {dataset} --rule {}` shows them",
            quoted(rule)
        ));
    }
    text
}
