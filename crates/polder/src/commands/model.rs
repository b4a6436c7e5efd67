//! `polder model`: the trained models.

use std::collections::BTreeMap;

use polder_core::{ObjectName, Result};
use polder_domain::Parameters;
use polder_engine::ModelRecord;
use serde_json::{Value, json};

use crate::options::{Format, ModelCommand, SqlFormat};
use crate::output::{Cell, Listing, Printer, cells, json, line};
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
            listing.row(cells![
                name.to_string(),
                record.version,
                state(&record, promoted),
                record.trained_at,
                Cell::from(json!(record.metrics)).in_words(figures(&record.metrics)),
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
    let mut listing = Listing::new([
        "version",
        "state",
        "trained",
        "inputs",
        "parameters",
        "metrics",
        "notes",
        "run",
        "implementation",
    ])
    .headed("inputs", "learned from")
    .for_programs(&["run", "implementation"]);
    for record in &versions {
        let (inputs, datasets): (Vec<Value>, Vec<String>) = record
            .inputs
            .iter()
            .map(|(dataset, version)| {
                let input = json!({ "dataset": dataset, "version": version });
                (input, format!("{dataset} version {version}"))
            })
            .unzip();
        let parameters: Vec<String> = record
            .parameters
            .as_json()
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        listing.row(cells![
            record.version,
            state(record, promoted),
            record.trained_at,
            Cell::from(Value::Array(inputs)).in_words(datasets.join("\n")),
            Cell::from(json!(record.parameters)).in_words(parameters.join("\n")),
            Cell::from(json!(record.metrics)).in_words(figures(&record.metrics).replace(", ", "\n")),
            Cell::from(record.notes.clone()).in_words(record.notes.join("\n")),
            json!(record.run_id),
            json!(record.implementation),
        ]);
    }
    if format == Format::Json {
        let shown = json!({ "model": name, "versions": listing.into_json() });
        return json(&format!("{shown:#}"));
    }
    if format == Format::Table {
        line(&format!("{name}, by {}", newest.implementation))?;
    }
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
