//! `polder policy`: the mesh's policies, and the search of tables for what may never be in them.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Subcommand;
use futures::StreamExt;
use polder_contract::ContractSet;
use polder_core::config::Mesh;
use polder_core::document::{Diagnostic, nearest};
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result, clock};
use polder_policy::{Policies, Policy, Rule, Sighting};
use polder_query::query_error;
use serde_json::{Map, Value, json};

use crate::commands::check::catalog::policies_left_out;
use crate::options::{Format, FormatArg};
use crate::output::{self, Listing, cells};
use crate::platform::Platform;

/// How documents of sample rows beside contracts end.
pub(crate) const SAMPLES: &str = ".samples.yaml";

/// What can be done with policies.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Every policy: what it asks for, of whom, and why. A mesh without catalog/policies has those that come with Polder.
    List {
        #[command(flatten)]
        format: FormatArg,
    },
    /// One policy: rule, reason, remedy, exceptions.
    Show {
        /// The policy's id, such as money-decimal.
        policy: String,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Search a table's rows for card numbers and credentials, and for personal data that no contract classifies; exit
    /// code 1 where there are any.
    Scan {
        /// The dataset (domain.layer.name).
        dataset: String,
        /// Search so many rows at most; 0 searches all.
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        rows: u64,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// What the command names; 1 where a table holds what it must not.
pub(crate) async fn run(platform: &Platform, command: &PolicyCommand) -> Result<ExitCode> {
    match command {
        PolicyCommand::List { format } => list(&policies(platform)?, format.format)?,
        PolicyCommand::Show { policy, format } => show(&policies(platform)?, policy, format.format)?,
        PolicyCommand::Scan { dataset, rows, format } => {
            return scan(platform, &dataset.parse()?, *rows, format.format).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that the mesh's policies find in its contracts and in the sample rows beside them, and what is wrong with
/// the policies themselves.
pub(crate) fn findings(mesh: &Mesh, contracts: &ContractSet) -> Result<Vec<Diagnostic>> {
    let (policies, mut diagnostics) = Policies::of_mesh(mesh)?;
    diagnostics.extend(polder_policy::check(&policies, contracts, clock::now().date_naive()));
    // What is wrong with the files themselves is told by who holds them against contracts.
    let (samples, _) = mesh.readable("contracts", SAMPLES);
    diagnostics.extend(polder_policy::check_samples(
        &policies,
        samples.iter().map(|(_, source)| source),
    ));
    Ok(diagnostics)
}

fn policies(platform: &Platform) -> Result<Policies> {
    let (policies, mut diagnostics) = Policies::of_mesh(&platform.mesh)?;
    diagnostics.extend(policies_left_out(&platform.mesh));
    platform.refuse_errors(diagnostics)?;
    Ok(policies)
}

fn list(policies: &Policies, format: Format) -> Result<()> {
    if policies.are_defaults() && format == Format::Table {
        output::remark(&format!(
            "the mesh declares no policies in {}: these come with Polder, as warnings",
            polder_policy::FOLDER
        ));
    }
    if format == Format::Table {
        // Reason and remedy are sentences: a table of them is too wide for a terminal.
        for policy in policies.iter() {
            output::line(&format!(
                "{}  ({}, {})",
                policy.id,
                policy.severity.as_str(),
                policy.applies.says()
            ))?;
            output::line(&format!("    {}", policy.description.trim()))?;
            output::line(&format!("    why: {}", policy.reason.trim()))?;
            output::line(&format!("    mend: {}", policy.remedy.trim()))?;
        }
        return Ok(());
    }
    let mut listing = Listing::new([
        "policy",
        "severity",
        "about",
        "applies_to",
        "asks_for",
        "exceptions",
        "reason",
        "remedy",
    ]);
    for policy in policies.iter() {
        listing.row(cells![
            policy.id.as_str(),
            policy.severity.as_str(),
            policy.scope.as_str(),
            policy.applies.says(),
            policy.description.trim(),
            policy.exceptions.len(),
            policy.reason.trim(),
            policy.remedy.trim(),
        ]);
    }
    listing.print(format, "no policies")
}

fn show(policies: &Policies, id: &str, format: Format) -> Result<()> {
    let Some(policy) = policies.get(id) else {
        let ids: Vec<&str> = policies.iter().map(|policy| policy.id.as_str()).collect();
        let help = match nearest(id, ids.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the policies are: {}", ids.join(", ")),
        };
        return Err(Error::new(ErrorKind::NotFound, format!("there is no policy `{id}`")).with_help(help));
    };
    let described = described(policy, policies.are_defaults());
    if format != Format::Table {
        return output::object(described, format);
    }
    let mut listing = Listing::new(["what", "value"]);
    for (key, value) in described {
        match key.as_str() {
            "about" => listing.row(cells!["about", format!("each {}", policy.scope.as_str())]),
            "declared_in" if value.is_null() => listing.row(cells!["declared in", "comes with Polder"]),
            // Each in a row of its own.
            "exceptions" => {}
            key => listing.row(cells![key.replace('_', " "), value]),
        }
    }
    for exception in &policy.exceptions {
        let column = exception
            .column
            .as_ref()
            .map_or_else(String::new, |column| format!(", column {column}"));
        let text = format!(
            "{}{column}, until {}: {}",
            exception.dataset, exception.until, exception.reason
        );
        listing.row(cells!["exception", text]);
    }
    listing.print(format, "")
}

/// The policy as programs read it. Those that come with Polder are declared nowhere.
fn described(policy: &Policy, is_default: bool) -> Map<String, Value> {
    let rule = match &policy.rule {
        Rule::BuiltIn(rule) => rule.word(),
        Rule::Expression(expression) => expression.text(),
    };
    let place = (!is_default).then(|| format!("{}:{}", policy.place.file.display(), policy.place.span.line));
    let exceptions = policy.exceptions.iter().map(|exception| {
        json!({
            "dataset": exception.dataset, "column": exception.column, "until": exception.until.to_string(),
            "reason": exception.reason,
        })
    });
    let parts = [
        ("policy", policy.id.as_str().into()),
        ("severity", policy.severity.as_str().into()),
        ("about", policy.scope.as_str().into()),
        ("applies_to", policy.applies.says().into()),
        ("asks_for", policy.description.trim().into()),
        ("reason", policy.reason.trim().into()),
        ("remedy", policy.remedy.trim().into()),
        ("rule", rule.into()),
        ("declared_in", place.into()),
        ("exceptions", exceptions.collect()),
    ];
    parts.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

async fn scan(platform: &Platform, dataset: &DatasetName, rows: u64, format: Format) -> Result<ExitCode> {
    let limit = if rows == 0 {
        String::new()
    } else {
        format!(" LIMIT {rows}")
    };
    let contracts = platform.contracts()?;
    let contract = contracts.get(dataset);
    let (policies, _) = Policies::of_mesh(&platform.mesh)?;
    let classified = contract.as_ref().map(|contract| policies.classified(contract));
    let classified = classified.unwrap_or_default();
    if contract.is_some() && platform.lake()?.load(dataset).await?.is_none() {
        let error = Error::new(ErrorKind::NotFound, format!("{dataset} has no table yet"));
        return Err(error.with_help("`polder ingest` lands bronze, `polder run` builds silver and gold"));
    }
    let session = platform.session()?;
    let frame = session.sql(&format!("SELECT * FROM {dataset}{limit}")).await?;
    let mut batches = frame.execute_stream().await.map_err(query_error)?;
    let mut seen = BTreeMap::new();
    let mut searched = 0_u64;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(query_error)?;
        polder_policy::scan(&batch, searched, &mut seen);
        searched += batch.num_rows() as u64;
    }
    drop(batches);
    // A search that ended at its limit says of how much it speaks.
    let all = if rows > 0 && searched == rows {
        session
            .sql(&format!("SELECT * FROM {dataset}"))
            .await?
            .count()
            .await
            .map_err(query_error)? as u64
    } else {
        searched
    };
    let about = if all > searched {
        format!("{searched} of {}", counted(all, "row"))
    } else {
        counted(searched, "row")
    };
    let found: Vec<&Sighting> = seen.values().filter(|sighting| !classified.holds(sighting)).collect();
    let mut listing = Listing::new(["column", "holds", "values", "first_row", "masked"]);
    for sighting in &found {
        listing.row(cells![
            sighting.column.as_str(),
            sighting.kind.to_string(),
            sighting.values,
            sighting.first_row + 1,
            sighting.masked.as_str(),
        ]);
    }
    listing.print(format, &format!("nothing in {about} of {dataset}"))?;
    if all > searched {
        let unread = counted(all - searched, "row");
        output::remark(&format!("{unread} of {dataset} not searched: `--rows 0` searches all"));
    }
    if found.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    output::remark(&format!(
        "{dataset} holds what it must not, in {about} searched: leave card numbers and credentials out at the \
         source, classify columns of personal data in the contract"
    ));
    Ok(ExitCode::FAILURE)
}
