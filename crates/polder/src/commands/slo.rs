//! `polder slo`: what contracts promise about delivery, held against what happened.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use polder_contract::DatasetContract;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt, clock};
use polder_slo::{Assessed, Breach, Figure, Window, assess, observe};

use crate::commands::named_dataset;
use crate::options::FormatArg;
use crate::output::{Cell, Listing, remark};
use crate::past::{Past, past};
use crate::platform::Platform;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only this dataset's service levels; without it, those of every dataset.
    dataset: Option<String>,
    /// How far back to look: a duration (`12h`, `30d`), or a time (`2026-01-31` or ISO 8601; UTC).
    #[arg(long, value_name = "WHEN", default_value = "30d", value_parser = past)]
    since: Past,
    /// Append an event for each broken promise to this file: CloudEvents 1.0, one line of JSON each.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArg,
}

/// Measures and prints; exit code 1 where a promise is broken.
pub(crate) async fn run(platform: &Platform, args: &Args, quiet: bool) -> Result<ExitCode> {
    let assessed = measured(platform, args).await?;
    if let Some(path) = &args.events {
        append(path, &assessed)?;
    }
    listing(&assessed).print(args.format.format, "no contract promises a service level")?;
    let broken = assessed.iter().filter(|one| one.is_breached()).count();
    if broken > 0 && !quiet {
        let are = if broken == 1 { "is" } else { "are" };
        remark(&format!(
            "{} {are} broken: that fails here (exit code 1), and only warns in `polder test`",
            counted(broken, "service level")
        ));
    }
    Ok(ExitCode::from(u8::from(broken > 0)))
}

async fn measured(platform: &Platform, args: &Args) -> Result<Vec<Assessed>> {
    let to = clock::now();
    let from = args.since.begin(to);
    let window = Window { from, to };
    let (lake, catalog) = (platform.lake()?, platform.catalog().await?);
    let mut assessed = Vec::new();
    for contract in chosen(platform, args.dataset.as_deref())? {
        if contract.contract.service_levels.is_empty() {
            continue;
        }
        let history = observe(&lake, &catalog, &contract, window).await?;
        assessed.extend(assess(&contract, history.as_ref(), window));
    }
    Ok(assessed)
}

fn chosen(platform: &Platform, dataset: Option<&str>) -> Result<Vec<DatasetContract>> {
    let contracts = platform.contracts()?;
    let Some(dataset) = dataset else {
        return Ok(contracts.iter().cloned().collect());
    };
    let name = named_dataset(platform, &contracts, dataset)?;
    contracts.get(&name).map(|contract| vec![contract]).ok_or_else(|| {
        let error = Error::new(
            ErrorKind::NotFound,
            format!("there is no dataset `{name}` with a contract"),
        );
        match contracts.nearest(dataset) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help("`polder contract status` lists the contracts"),
        }
    })
}

fn append(path: &Path, assessed: &[Assessed]) -> Result<()> {
    let events = assessed.iter().filter_map(Breach::of);
    let lines: String = events.map(|breach| format!("{}\n", breach.to_json())).collect();
    // The file is made where nothing is broken too, so that whoever reads it finds it.
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(lines.as_bytes()))
        .context(ErrorKind::Refused, || {
            format!("cannot write events to {}", path.display())
        })
}

fn listing(assessed: &[Assessed]) -> Listing {
    let of_programs = [
        "shown",
        "basis",
        "since",
        "contract",
        "contract_version",
        "owner",
        "driver",
        "window",
    ];
    let keys = [
        "dataset", "property", "element", "promised", "measured", "verdict", "budget", "why",
    ];
    let mut listing = Listing::new([keys, of_programs].concat())
        .headed("property", "service level")
        .headed("budget", "budget left")
        .for_programs(&of_programs);
    for one in assessed {
        let outcome = &one.outcome;
        let left = outcome.budget.map(|budget| match budget.unit {
            "seconds" => Figure::Time(TimeDelta::seconds(budget.left() as i64)).to_string(),
            unit => {
                let left = budget.left().floor();
                let sign = if left < 0.0 { "-" } else { "" };
                format!("{sign}{}", counted(left.abs(), unit.trim_end_matches('s')))
            }
        });
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut said = one.to_json();
        let mut cell = |key: &str| {
            let cell = Cell::from(said[key].take());
            match key {
                "measured" => cell.in_words(outcome.measured.map_or_else(String::new, |figure| figure.to_string())),
                "budget" => cell.in_words(left.clone().unwrap_or_default()),
                // An interval by ISO 8601.
                "window" => cell.in_words(format!("{}/{}", time(one.window.from), time(one.window.to))),
                _ => cell,
            }
        };
        listing.row([keys.map(&mut cell), of_programs.map(&mut cell)].concat());
    }
    listing
}
