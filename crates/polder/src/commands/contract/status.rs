//! `polder contract status`: where every contract is in its life.

use chrono::{DateTime, Utc};
use polder_contract::ContractSet;
use polder_contract::cancellation::{self, Cancellation, end_registrations};
use polder_contract::lifecycle::day;
use polder_core::{DatasetName, Error, ErrorKind, Result, clock};

use super::parties;
use crate::cli::FormatArg;
use crate::commands::check::catalog::parties_left_out;
use crate::commands::check::consumers;
use crate::output::Listing;
use crate::platform::Platform;

/// The contracts to show.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only the contract of this dataset (domain.layer.name).
    dataset: Option<String>,
    #[command(flatten)]
    format: FormatArg,
}

/// Lists the contracts of all datasets.
pub(crate) fn run(platform: &Platform, args: &Args) -> Result<()> {
    let contracts = platform.contracts()?;
    let only: Option<DatasetName> = args.dataset.as_deref().map(str::parse).transpose()?;
    if let Some(dataset) = only.as_ref().filter(|dataset| contracts.get(dataset).is_none()) {
        let error = Error::new(ErrorKind::NotFound, format!("there is no dataset `{dataset}`"));
        return Err(match contracts.nearest(&dataset.to_string()) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help("`polder contract status` lists the contracts"),
        });
    }
    let (cancellations, mut found) = parties::cancellations(platform)?;
    found.extend(parties_left_out(&platform.mesh));
    platform.refuse_errors(found)?;
    // What is wrong with registrations is for `polder check` to say.
    let (mut registered, _) = consumers(&platform.mesh)?;
    end_registrations(&mut registered, &cancellations, &contracts, clock::now());
    let mut listing = Listing::new([
        "dataset",
        "version",
        "status",
        "end of support",
        "end of life",
        "notice",
        "replacement",
        "consumers",
        "cancelled",
    ]);
    let date = |end: Option<DateTime<Utc>>| end.map_or_else(String::new, day);
    for bound in contracts.iter() {
        if only.as_ref().is_some_and(|only| only != bound.dataset()) {
            continue;
        }
        let life = bound.contract.lifecycle_of(bound.object);
        let status = match life.refuses_writing(clock::now()) {
            Some(_) => format!("{} (nothing is written any more)", life.status),
            None => life.status.to_string(),
        };
        listing.row([
            bound.dataset().to_string(),
            bound.version().to_owned(),
            status,
            date(life.end_of_support),
            date(life.end_of_life),
            life.notice_days.map_or_else(String::new, |days| format!("{days}d")),
            life.replacement.unwrap_or_default(),
            parties::consumers_of(&registered, &bound.contract).join("\n"),
            cancelled(&cancellations, &contracts, &bound.contract.id),
        ]);
    }
    listing.print(args.format.format, "there is no contract")
}

fn cancelled(cancellations: &[Cancellation], contracts: &ContractSet, id: &str) -> String {
    let of_contract = |cancellation: &&Cancellation| {
        cancellation::find(contracts, &cancellation.contract).is_some_and(|contract| contract.id == id)
    };
    let lines: Vec<String> = cancellations
        .iter()
        .filter(of_contract)
        .map(|cancellation| {
            format!(
                "by {} {} for {}: {}",
                cancellation.by, cancellation.party, cancellation.effective, cancellation.reason
            )
        })
        .collect();
    lines.join("\n")
}
