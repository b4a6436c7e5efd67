//! `polder contract status`: where every contract is in its life.

use polder_contract::ContractSet;
use polder_contract::cancellation::{Cancellation, end_registrations};
use polder_contract::lifecycle::day;
use polder_core::{DatasetName, Error, ErrorKind, Result, clock};
use serde_json::{Value, json};

use super::parties;
use crate::commands::check::catalog::parties_left_out;
use crate::commands::check::consumers;
use crate::options::FormatArg;
use crate::output::{Cell, Listing, cells};
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
    // What is wrong with registrations is for `polder check` to say.
    let (mut registered, _) = consumers(&platform.mesh)?;
    end_registrations(&mut registered, &cancellations, &contracts, clock::now());
    let mut listing = Listing::new([
        "dataset",
        "version",
        "status",
        "end_of_support",
        "end_of_life",
        "notice_days",
        "replacement",
        "consumers",
        "cancelled",
        "writing_refused",
    ])
    .headed("notice_days", "notice")
    .for_programs(&["writing_refused"]);
    for bound in contracts.iter() {
        if only.as_ref().is_some_and(|only| only != bound.dataset()) {
            continue;
        }
        let life = bound.contract.lifecycle_of(bound.object);
        let refused = life.refuses_writing(clock::now());
        let status = Cell::from(life.status.to_string());
        let status = match refused {
            Some(_) => status.in_words(format!("{} (nothing is written any more)", life.status)),
            None => status,
        };
        let consumers = parties::consumers_of(&registered, &bound.contract);
        let each_in_a_line = consumers.join("\n");
        listing.row(cells![
            bound.dataset().to_string(),
            bound.version(),
            status,
            life.end_of_support.map(day),
            life.end_of_life.map(day),
            life.notice_days
                .map(|days| Cell::from(days).in_words(format!("{days}d"))),
            life.replacement,
            Cell::from(consumers).in_words(each_in_a_line),
            cancelled(&cancellations, &contracts, &bound.contract.id),
            refused,
        ]);
    }
    listing.print(args.format.format, "there is no contract")?;
    // One document that cannot be read hides none of the others, and still is an error.
    platform.refuse_errors(found)
}

fn cancelled(cancellations: &[Cancellation], contracts: &ContractSet, id: &str) -> Cell {
    let of_contract = |cancellation: &&Cancellation| {
        contracts
            .find(&cancellation.contract)
            .is_some_and(|contract| contract.id == id)
    };
    let (all, lines): (Vec<Value>, Vec<String>) = cancellations
        .iter()
        .filter(of_contract)
        .map(|cancellation| {
            let line = format!(
                "by {} {} for {}: {}",
                cancellation.by, cancellation.party, cancellation.effective, cancellation.reason
            );
            let said = json!({
                "by": cancellation.by.as_str(), "party": cancellation.party,
                "announced": cancellation.announced.to_string(), "effective": cancellation.effective.to_string(),
                "reason": cancellation.reason, "replacement": cancellation.replacement,
            });
            (said, line)
        })
        .unzip();
    Cell::from(Value::Array(all)).in_words(lines.join("\n"))
}
