//! Deciding about rejected rows: replaying and discarding them.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use polder_catalog::{RunEnd, RunStart, RunStatus};
use polder_contract::DatasetContract;
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt, RunId, clock};
use polder_delivery::{Discard, Patch, Quarantine, Replay, Replayed, Selection};
use polder_gate::arrow_schema;
use polder_ingest::Rereader;
use polder_query::{RuleQueries, query_error};

use super::look::{KNOWN, about_columns, find, is_a_rule, rows, tables};
use super::set::{fields_of_records, patch};
use super::who::who;
use super::{DiscardArgs, ReplayArgs, Which, quoted};
use crate::inventory::{replay_step, replayed_by};
use crate::output::{self, Listing, cells};
use crate::platform::Platform;
use crate::progress::Bars;
use crate::recorder::Recorder;

/// Judges rows anew and takes those that pass. Gives 1 where a selected row stays open.
pub(super) async fn replay(platform: &Platform, args: &ReplayArgs, quiet: bool) -> Result<ExitCode> {
    let Some((dataset, mut quarantine)) = open(platform, &args.dataset, args.dry_run).await? else {
        let nothing = format!("nothing was rejected from {}", args.dataset);
        listing(&Replayed::default(), args.dry_run).print(args.format.format, &nothing)?;
        return Ok(ExitCode::SUCCESS);
    };
    let contract = contract(platform, &dataset)?;
    let columns = arrow_schema(contract.object())?;
    let mut streams = platform.streams()?;
    streams.retain(|stream| stream.dataset == dataset);
    let patch = match &args.set {
        Some(text) => match patch(text, &contract, &streams, Vec::new()) {
            // A name may be that of a field that the contract of now does not have (any more).
            Err(error) => {
                let mut fields = fields_of_records(platform, &quarantine, &columns).await?;
                let of_all = patch(text, &contract, &streams, fields.clone()).map_err(|_| error)?;
                // Rows carry those alone that it reads.
                fields.retain(|field| of_all.reads().contains(field));
                Some(patch(text, &contract, &streams, fields)?)
            }
            patch => Some(patch?),
        },
        None => None,
    };
    let rereader = Rereader::new(&streams, &dataset, contract.object(), &platform.registry()?)?;
    let bar = Bars::new(quiet).bar(&format!("replay {dataset}"), None);
    let advance = |rows: u64| bar.inc(rows);
    let session = platform.session()?;
    let replay = Replay {
        contract: &contract,
        queries: Arc::new(RuleQueries::new(&session, &contract)),
        selection: selection(platform, &quarantine, &dataset, &args.which).await?,
        patch: patch.as_ref().map(|patch| patch as &dyn Patch),
        reread: Some(&rereader),
        resolution: match &args.set {
            Some(text) => format!("set {text}"),
            None => format!("contract version {}", contract.version()),
        },
        by: who(platform, args.by.as_deref())?,
        run: RunId::new(),
        judged: Some(&advance),
    };
    let started = clock::now();
    let replayed = match args.dry_run {
        true => quarantine.rehearse(&replay).await,
        false => quarantine.replay(&replay).await,
    };
    bar.finish_and_clear();
    let replayed = replayed?;
    if !args.dry_run && replayed.version.is_some() {
        let recorder = Recorder::open(platform).await;
        let start = RunStart {
            id: replay.run,
            step: replay_step(&dataset)?,
            dataset: Some(dataset.clone()),
            started,
        };
        let end = RunEnd {
            status: RunStatus::Succeeded,
            ended: clock::now(),
            accepted: replayed.passed,
            rejected: 0,
            version: replayed.version,
            message: Some(replayed_by(&replay.by)),
        };
        recorder.run(&start, &end).await;
        recorder.dataset(&dataset).await;
        recorder.dataset(&dataset.quarantine()).await;
    }
    listing(&replayed, args.dry_run).print(args.format.format, "no open row is selected")?;
    for remark in replayed.remarks.values() {
        output::remark(&format!("{dataset}: {remark}"));
    }
    if !quiet && replayed.selected > 0 {
        output::remark(&sentence(&dataset, &replayed, args));
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
        selection: selection(platform, &quarantine, &dataset, &args.which).await?,
        reason: args.reason.clone(),
        by: who(platform, args.by.as_deref())?,
        run: RunId::new(),
    };
    let rows = quarantine.discard(&discard).await?;
    if rows == 0 {
        // As with a replay of nothing: it is as it was asked for.
        if !quiet {
            output::line(&format!(
                "no open row of {dataset} is selected: nothing was discarded, and nothing is on record"
            ))?;
        }
        return Ok(());
    }
    Recorder::open(platform).await.dataset(&dataset.quarantine()).await;
    output::line(&format!(
        "{} of {dataset} discarded by {}: {}",
        counted(rows, "row"),
        discard.by,
        discard.reason
    ))?;
    Ok(())
}

/// `as_it_is`: nothing is written, not even the columns that a quarantine of an earlier Polder lacks.
async fn open(platform: &Platform, name: &str, as_it_is: bool) -> Result<Option<(DatasetName, Quarantine)>> {
    let name: DatasetName = name.parse()?;
    let Some(table) = find(platform, &tables(platform).await?, &name)? else {
        return Ok(None);
    };
    let dataset = table.refused().unwrap_or(name);
    let lake = platform.lake()?;
    let quarantine = match as_it_is {
        true => Quarantine::open_as_it_is(&lake, &dataset).await?,
        false => Quarantine::open(&lake, &dataset).await?,
    };
    let (discretion, policies) = platform.governed(&platform.contracts()?)?;
    Ok(quarantine.map(|quarantine| {
        let quarantine = quarantine.with_discretion(discretion).with_policies(policies);
        (dataset, quarantine)
    }))
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
async fn selection(
    platform: &Platform,
    quarantine: &Quarantine,
    dataset: &DatasetName,
    which: &Which,
) -> Result<Selection> {
    if let Some(rule) = &which.rule {
        is_a_rule(platform, quarantine.table().name(), dataset, rule).await?;
    }
    let mut selection = Selection {
        rule: which.rule.clone(),
        ids: (!which.id.is_empty()).then(|| which.id.iter().cloned().collect()),
    };
    if which.condition.is_some() {
        let table = quarantine.table();
        let state = table.schema().index_of("state").is_ok().then_some(KNOWN);
        let query = format!(
            "SELECT _quarantine_id FROM {} WHERE {}",
            rows(table.name(), state),
            which.conditions().join(" AND ")
        );
        let unread = || "the quarantine's keys cannot be read".to_owned();
        let session = platform.session()?;
        let asked = async { session.sql(&query).await?.collect().await.map_err(query_error) };
        let mut ids = HashSet::new();
        for batch in asked.await.map_err(about_columns)? {
            let column = cast(batch.column(0), &DataType::Utf8).context(ErrorKind::Internal, unread)?;
            ids.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        selection.ids = Some(ids);
    }
    Ok(selection)
}

fn listing(replayed: &Replayed, dry_run: bool) -> Listing {
    let mut listing = Listing::new(["outcome", "rule", "rows", "example"]);
    let words = if dry_run {
        ["would pass", "would be refused"]
    } else {
        ["replayed", "refused again"]
    };
    let mut row = |outcome: &str, rule: Option<&str>, rows: u64, example: Option<&str>| {
        listing.row(cells![outcome, rule, rows, example]);
    };
    if replayed.passed > 0 {
        row(words[0], None, replayed.passed, None);
    }
    for (rule, (rows, example)) in &replayed.refused {
        row(words[1], Some(rule), *rows, Some(example));
    }
    for (why, rows) in &replayed.unfit {
        row("cannot be replayed", None, *rows, Some(why));
    }
    for (rule, rows) in &replayed.warned {
        row("passed with a warning", Some(rule), *rows, None);
    }
    listing
}

fn sentence(dataset: &DatasetName, replayed: &Replayed, args: &ReplayArgs) -> String {
    let refused: u64 = replayed.refused.values().map(|(rows, _)| rows).sum();
    let unfit: u64 = replayed.unfit.values().sum();
    let version = replayed
        .version
        .map_or_else(String::new, |version| format!(" (now version {version})"));
    let (verb, stay) = if args.dry_run {
        ("would come", "would stay")
    } else if refused + unfit == 1 {
        ("came", "stays")
    } else {
        ("came", "stay")
    };
    let mut text = format!(
        "{} of {} {verb} into {dataset}{version}",
        replayed.passed,
        counted(replayed.selected, "row")
    );
    if refused + unfit > 0 {
        text.push_str(&format!(", {} {stay} open", refused + unfit));
    }
    // After a rehearsal the rows are what they were, and after a patch they are still refused by what they came with.
    if refused > 0 && !args.dry_run {
        let mut rules = replayed.refused.keys();
        let rule = match (rules.next(), rules.next(), &args.set) {
            (Some(rule), None, None) => format!(" --rule {}", quoted(rule)),
            _ => String::new(),
        };
        text.push_str(&format!(
            "; `polder quarantine show {dataset}{rule}` shows them with what was tried"
        ));
    }
    text
}
