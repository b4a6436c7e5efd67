//! `polder contract cancel`: end a contract, or one's use of it, with notice; on record, with what follows.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveTime;
use polder_contract::cancellation::{self, Cancellation, Canceller, end_registrations};
use polder_contract::{Contract, ContractSet, Place, Status, lifecycle};
use polder_core::document::{Span, nearest};
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result, clock};

use super::parties::{CANCELLATIONS, cancellations, consumers_of, write_new};
use crate::commands::check::catalog::parties_left_out;
use crate::commands::check::consumers;
use crate::options::worded;
use crate::output::line;
use crate::platform::Platform;

/// What is cancelled, by whom, and why.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The dataset whose contract is cancelled, or the contract's id.
    #[arg(value_name = "DATASET")]
    dataset: String,
    /// Which side cancels: provider or consumer.
    #[arg(long, value_name = "SIDE", value_parser = worded::<Canceller>)]
    by: Canceller,
    /// Who cancels: the provider's team, or the consumer as it is registered.
    #[arg(long, value_name = "NAME")]
    party: String,
    /// How long before the end, such as 90d; by default what the contract promises.
    #[arg(long, value_name = "DAYS")]
    notice: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The dataset that takes its place; `none` where nothing does. A provider has to say it, here or in the contract.
    #[arg(long, value_name = "DATASET")]
    replacement: Option<String>,
    /// Show what would follow, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Records the cancellation and says what follows.
pub(crate) fn run(platform: &Platform, args: &Args) -> Result<()> {
    let contracts = platform.contracts()?;
    let contract = contracts
        .find(&args.dataset)
        .ok_or_else(|| unknown(&contracts, &args.dataset))?;
    let (mut registered, found) = consumers(&platform.mesh)?;
    platform.refuse_errors(found)?;
    let (recorded, mut found) = cancellations(platform)?;
    // Who is left out is not told of the end.
    found.extend(parties_left_out(&platform.mesh));
    platform.refuse_errors(found)?;
    end_registrations(&mut registered, &recorded, &contracts, clock::now());
    let consumers = consumers_of(&registered, &contract);
    let cancellation = planned(args, &contracts, &contract, &consumers)?;
    let same = |other: &&Cancellation| {
        cancellation.meets(other)
            && contracts
                .find(&other.contract)
                .is_some_and(|other| other.id == contract.id)
    };
    if let Some(other) = recorded.iter().find(same) {
        let message = format!(
            "{} has cancelled {} already, for {}",
            other.party, contract.name, other.effective
        );
        let help = format!("the record is {}", other.place.file.display());
        return Err(Error::new(ErrorKind::Usage, message).with_help(help));
    }
    let path = path(&cancellation);
    if args.dry_run {
        line(&format!(
            "would write {}:\n\n{}",
            path.display(),
            cancellation.to_yaml()
        ))?;
    } else {
        write_new(platform, &path, &cancellation.to_yaml())?;
        line(&format!("wrote {}", path.display()))?;
    }
    let ends = recorded.iter().filter(|other| {
        other.by == Canceller::Provider
            && contracts
                .find(&other.contract)
                .is_some_and(|other| other.id == contract.id)
    });
    let ends = ends
        .map(|other| other.effective)
        .filter(|end| *end >= cancellation.announced);
    if let (Canceller::Consumer, Some(after)) = (cancellation.by, cancellation.effective.succ_opt()) {
        // It does not go on for those who have left by then.
        let after = after.and_time(NaiveTime::MIN).and_utc();
        end_registrations(&mut registered, &recorded, &contracts, after);
    }
    let remaining = consumers_of(&registered, &contract);
    for effect in cancellation.effects(&contract, &remaining, ends.max()) {
        line(&format!("  {}  {}", effect.day, effect.what))?;
    }
    if cancellation.by == Canceller::Provider {
        line(&format!(
            "now change {}: status: deprecated, the service level endOfLife with the value \"{}\", and polder.replacement",
            contract.source_path.display(),
            cancellation.effective
        ))?;
    }
    Ok(())
}

fn planned(
    args: &Args,
    contracts: &ContractSet,
    contract: &Arc<Contract>,
    consumers: &[String],
) -> Result<Cancellation> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let life = contract.lifecycle();
    if life.status == Status::Retired {
        return Err(usage(format!(
            "{} is retired: there is nothing left to cancel",
            contract.name
        )));
    }
    for (name, text) in [("party", &args.party), ("reason", &args.reason)] {
        if text.trim().is_empty() {
            return Err(usage(format!("--{name} is empty")));
        }
    }
    let notice_days = match &args.notice {
        Some(text) => lifecycle::days(text).ok_or_else(|| {
            usage(format!("`{text}` is no notice period")).with_help("write it as 90d, 12w, 6mo or 1y")
        })?,
        None => life.notice_days.ok_or_else(|| {
            usage(format!("{} promises no notice period", contract.name)).with_help("say it with --notice, such as 90d")
        })?,
    };
    match args.by {
        Canceller::Consumer if !consumers.contains(&args.party) => {
            let error = Error::new(
                ErrorKind::NotFound,
                format!("`{}` is not registered as a consumer of {}", args.party, contract.name),
            );
            let known = || consumers.join(", ");
            return Err(match nearest(&args.party, consumers.iter().map(String::as_str)) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None if consumers.is_empty() => error.with_help("nobody is registered: there is nothing to cancel"),
                None => error.with_help(format!("registered are {}", known())),
            });
        }
        Canceller::Provider if args.replacement.is_none() && life.replacement.is_none() => {
            return Err(
                usage("a provider who ends a contract says what takes its place".to_owned())
                    .with_help("name the dataset with --replacement, or write --replacement none"),
            );
        }
        _ => {}
    }
    if let Some(replacement) = args.replacement.as_deref().filter(|name| *name != "none") {
        if contracts.find(replacement).is_some_and(|found| found.id == contract.id) {
            return Err(usage(format!("{} cannot take its own place", contract.name)));
        }
        if let Some(wrong) = lifecycle::replacement_problem(contract, replacement, contracts, clock::now()) {
            let kind = match contracts.find(replacement) {
                Some(_) => ErrorKind::Usage,
                None => ErrorKind::NotFound,
            };
            let error = Error::new(kind, wrong.message);
            return Err(match wrong.help {
                Some(help) => error.with_help(help),
                None => error,
            });
        }
    }
    let announced = clock::now().date_naive();
    let effective = cancellation::end(announced, notice_days).ok_or_else(|| {
        usage(format!(
            "a notice of {} ends outside of the calendar",
            counted(notice_days, "day")
        ))
    })?;
    let cancellation = Cancellation {
        contract: args.dataset.clone(),
        by: args.by,
        party: args.party.clone(),
        announced,
        notice_days,
        effective,
        reason: args.reason.clone(),
        replacement: args.replacement.clone(),
        place: Place {
            file: Arc::from(std::path::Path::new(CANCELLATIONS)),
            span: Span::default(),
        },
    };
    match cancellation.problem(contract) {
        Some(problem) => {
            let error = usage(problem.message);
            Err(match problem.help {
                Some(help) => error.with_help(help),
                None => error,
            })
        }
        None => Ok(cancellation),
    }
}

/// A name of letters, digits and dashes that says contract, side, party and day.
fn path(cancellation: &Cancellation) -> PathBuf {
    let word = |text: &str| {
        let words: String = text
            .to_lowercase()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .take(60)
            .collect();
        words.trim_matches(['-', '.']).to_owned()
    };
    PathBuf::from(format!(
        "{CANCELLATIONS}/{}-{}-{}-{}.yaml",
        word(&cancellation.contract),
        cancellation.by,
        word(&cancellation.party),
        cancellation.announced
    ))
}

fn unknown(contracts: &ContractSet, name: &str) -> Error {
    let what = if name.parse::<DatasetName>().is_ok() {
        "dataset"
    } else {
        "contract"
    };
    let error = Error::new(ErrorKind::NotFound, format!("there is no {what} `{name}`"));
    match contracts.nearest_name(name) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error.with_help("`polder contract status` lists the contracts"),
    }
}
