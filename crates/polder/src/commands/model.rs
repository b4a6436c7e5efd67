//! `polder model`: the trained models.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use polder_core::{ObjectName, Result};
use polder_domain::Parameters;
use polder_engine::ModelRecord;
use serde_json::json;

use crate::cli::{Format, ModelCommand, SqlFormat};
use crate::output::{Listing, Printer, line};
use crate::platform::Platform;

/// What the command names.
pub(crate) async fn run(platform: &Platform, command: &ModelCommand) -> Result<()> {
    match command {
        ModelCommand::List { format } => list(platform, format.format).await,
        ModelCommand::Show { model, format } => show(platform, &model.parse()?, format.format).await,
        ModelCommand::Promote { model, version } => promote(platform, &model.parse()?, *version).await,
        ModelCommand::Predict {
            model,
            request,
            version,
            format,
        } => {
            let request = Parameters::from_pairs(request)?;
            let answer = platform.engine()?.predict(&model.parse()?, *version, request).await?;
            let mut printer = Printer::to_terminal(SqlFormat::from(format.format), answer.schema(), 0)?;
            printer.write(&answer)?;
            printer.finish().map(|_| ())
        }
    }
}

async fn list(platform: &Platform, format: Format) -> Result<()> {
    let store = platform.engine()?.model_store();
    let mut listing = Listing::new(["model", "version", "state", "trained", "metrics"]);
    for name in store.models().await? {
        let promoted = store.promoted(&name).await?.map(|promotion| promotion.version);
        for record in store.versions(&name).await? {
            listing.row([
                name.to_string(),
                record.version.to_string(),
                state(&record, promoted).to_owned(),
                record.trained_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                figures(&record.metrics),
            ]);
        }
    }
    listing.print(
        format,
        "no model is trained yet; `polder run` trains those that are declared",
    )
}

async fn show(platform: &Platform, name: &ObjectName, format: Format) -> Result<()> {
    let store = platform.engine()?.model_store();
    let newest = store.find(name, None).await?;
    let promoted = store.promoted(name).await?.map(|promotion| promotion.version);
    let versions = store.versions(name).await?;
    if format == Format::Json {
        let versions: Vec<_> = versions
            .iter()
            .map(|record| {
                json!({
                    "version": record.version, "state": state(record, promoted), "trained": record.trained_at,
                    "run": record.run_id, "implementation": record.implementation, "parameters": record.parameters,
                    "metrics": record.metrics, "notes": record.notes, "inputs": record.inputs,
                })
            })
            .collect();
        return line(&format!("{:#}", json!({ "model": name, "versions": versions })));
    }
    let mut listing = Listing::new([
        "version",
        "state",
        "trained",
        "learned from",
        "parameters",
        "metrics",
        "notes",
    ]);
    for record in &versions {
        let inputs: Vec<String> = record
            .inputs
            .iter()
            .map(|(dataset, version)| format!("{dataset} version {version}"))
            .collect();
        let parameters: Vec<String> = record
            .parameters
            .as_json()
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        listing.row([
            record.version.to_string(),
            state(record, promoted).to_owned(),
            record.trained_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            inputs.join("\n"),
            parameters.join("\n"),
            figures(&record.metrics).replace(", ", "\n"),
            record.notes.join("\n"),
        ]);
    }
    line(&format!("{name}, by {}", newest.implementation))?;
    listing.print(format, "")
}

async fn promote(platform: &Platform, name: &ObjectName, version: u64) -> Result<()> {
    let store = platform.engine()?.model_store();
    store.promote(name, version).await?;
    let recorded = match platform.catalog().await {
        Ok(catalog) => catalog.promote_model(name, version).await,
        Err(error) => Err(error),
    };
    if let Err(error) = recorded {
        crate::output::remark(&format!(
            "warning: the catalog does not hear of this ({}); `polder catalog sync` makes up for it",
            error.report()
        ));
    }
    line(&format!("version {version} of {name} answers from now on"))
}

fn state(record: &ModelRecord, promoted: Option<u64>) -> &'static str {
    if promoted == Some(record.version) {
        "promoted"
    } else {
        "registered"
    }
}

fn figures(metrics: &BTreeMap<String, f64>) -> String {
    let figures: Vec<String> = metrics
        .iter()
        .map(|(name, value)| {
            let value = if value.abs() >= 100.0 || value.fract() == 0.0 {
                format!("{value:.0}")
            } else {
                format!("{value:.4}")
            };
            format!("{name} {value}")
        })
        .collect();
    figures.join(", ")
}
