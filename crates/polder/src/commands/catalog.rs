//! `polder catalog` and `polder lineage`: what is known of the mesh.

use chrono::{DateTime, SecondsFormat, Utc};
use polder_catalog::{Catalog, Dataset, Difference, Node, RunFilter, SyncReport, Traced};
use polder_core::document::nearest;
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result};
use serde_json::json;

use crate::cli::{CatalogCommand, Format};
use crate::inventory;
use crate::output::{Listing, line};
use crate::platform::Platform;

/// What the command names.
pub(crate) async fn run(platform: &Platform, command: &CatalogCommand) -> Result<()> {
    match command {
        CatalogCommand::List { format } => list(&platform.catalog().await?, format.format).await,
        CatalogCommand::Show { dataset, format } => show(platform, &dataset.parse()?, format.format).await,
        CatalogCommand::Sync => sync(platform).await,
    }
}

async fn list(catalog: &Catalog, format: Format) -> Result<()> {
    let mut listing = Listing::new([
        "dataset",
        "contract",
        "owner",
        "version",
        "rows",
        "updated",
        "description",
    ]);
    for dataset in catalog.datasets().await? {
        let contract = dataset
            .contract
            .map_or_else(String::new, |c| format!("{} ({})", c.version, c.status));
        listing.row([
            dataset.name.to_string(),
            contract,
            dataset.owner.unwrap_or_default(),
            text(dataset.version),
            text(dataset.rows),
            dataset.updated.map_or_else(String::new, time),
            dataset.description.unwrap_or_default(),
        ]);
    }
    listing.print(
        format,
        "the catalog is empty; `polder catalog sync` fills it from the repository and the lake",
    )
}

async fn show(platform: &Platform, name: &DatasetName, format: Format) -> Result<()> {
    let catalog = platform.catalog().await?;
    let Some(dataset) = catalog.dataset(name).await? else {
        return Err(unknown(&catalog.datasets().await?, name));
    };
    let node = Node::Dataset(name.clone());
    let (upstream, downstream) = (catalog.upstream(&node).await?, catalog.downstream(&node).await?);
    let runs = catalog
        .runs(&RunFilter {
            dataset: Some(name.clone()),
            limit: 5,
            ..RunFilter::default()
        })
        .await?;
    let contract = platform.contracts()?.get(name);
    let columns: Vec<_> = contract
        .iter()
        .flat_map(|contract| &contract.object().properties)
        .collect();
    if format == Format::Json {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| {
                json!({
                    "name": column.name, "type": column.physical_type.as_ref().map(|written| &written.text), "required": column.required,
                    "description": column.description, "classification": column.classification,
                })
            })
            .collect();
        let runs: Vec<_> = runs
            .iter()
            .map(|run| {
                json!({
                    "id": run.id, "step": run.step.to_string(), "status": run.status.as_str(), "started": run.started,
                    "accepted": run.accepted, "rejected": run.rejected, "version": run.version,
                })
            })
            .collect();
        let shown = json!({
            "dataset": dataset, "columns": columns, "runs": runs,
            "made_from": direct(&upstream, |edge| &edge.from), "used_by": direct(&downstream, |edge| &edge.to),
        });
        return line(&format!("{shown:#}"));
    }
    let mut facts = Listing::new(["what", "value"]);
    let mut fact = |what: &str, value: String| {
        if !value.is_empty() {
            facts.row([what.to_owned(), value]);
        }
    };
    fact("dataset", dataset.name.to_string());
    fact("description", dataset.description.unwrap_or_default());
    fact("owner", dataset.owner.unwrap_or_default());
    fact(
        "contract",
        dataset
            .contract
            .map_or_else(String::new, |c| format!("{} {} ({})", c.id, c.version, c.status)),
    );
    fact("version", text(dataset.version));
    fact("rows", text(dataset.rows));
    fact("bytes", text(dataset.bytes));
    fact("updated", dataset.updated.map_or_else(String::new, time));
    fact("made from", direct(&upstream, |edge| &edge.from).join(", "));
    fact("used by", direct(&downstream, |edge| &edge.to).join(", "));
    facts.print(format, "")?;
    let mut listing = Listing::new(["column", "type", "required", "description"]);
    for column in columns {
        listing.row([
            column.name.clone(),
            column
                .physical_type
                .as_ref()
                .map_or_else(String::new, |written| written.text.clone()),
            if column.required {
                "yes".to_owned()
            } else {
                String::new()
            },
            column.description.clone().unwrap_or_default(),
        ]);
    }
    if !listing.is_empty() {
        listing.print(format, "")?;
    }
    let mut listing = Listing::new(["run", "step", "status", "started", "accepted", "rejected", "version"]);
    for run in runs {
        listing.row([
            run.id.to_string(),
            run.step.to_string(),
            run.status.as_str().to_owned(),
            time(run.started),
            run.accepted.to_string(),
            run.rejected.to_string(),
            text(run.version),
        ]);
    }
    if listing.is_empty() {
        Ok(())
    } else {
        listing.print(format, "")
    }
}

/// The nodes next to the one that was traced, each once.
fn direct(traced: &[Traced], end: impl Fn(&polder_catalog::Edge) -> &Node) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in traced.iter().filter(|step| step.distance == 1) {
        let name = end(&step.edge).to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn unknown(datasets: &[Dataset], name: &DatasetName) -> Error {
    let names: Vec<String> = datasets.iter().map(|dataset| dataset.name.to_string()).collect();
    let help = match nearest(&name.to_string(), names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`polder catalog list` shows what it knows; `polder catalog sync` looks again".to_owned(),
    };
    Error::new(ErrorKind::NotFound, format!("the catalog knows no dataset `{name}`")).with_help(help)
}

async fn sync(platform: &Platform) -> Result<()> {
    let catalog = platform.catalog().await?;
    let report = catalog.replace_all(&inventory::take(platform).await?).await?;
    let mut listing = Listing::new(["what", "added", "changed", "removed", "unchanged"]);
    let mut part = |what: &str, difference: Difference| {
        let counts = [
            difference.added,
            difference.changed,
            difference.removed,
            difference.unchanged,
        ];
        listing.row(
            std::iter::once(what.to_owned())
                .chain(counts.map(|n| n.to_string()))
                .collect::<Vec<_>>(),
        );
    };
    part("datasets", report.datasets);
    part("lineage", report.lineage);
    part("models", report.models);
    part(
        "runs",
        Difference {
            added: report.runs_added,
            ..Difference::default()
        },
    );
    listing.print(Format::Table, "")?;
    line(&format!(
        "what a lost catalog cannot get back: {}",
        SyncReport::NOT_REBUILT.join("; ")
    ))
}

/// `polder lineage`: everything that a dataset is made from, and everything that is made from it.
pub(crate) async fn lineage(platform: &Platform, name: &str, format: Format) -> Result<()> {
    let catalog = platform.catalog().await?;
    let node = match (name.parse::<DatasetName>(), name.parse::<ObjectName>()) {
        (Ok(dataset), _) => Node::Dataset(dataset),
        // A stream or pipeline stands for the dataset that it builds, a model for itself.
        (_, Ok(step)) => {
            let edges = catalog.lineage().await?;
            let built = edges
                .into_iter()
                .find(|edge| edge.via.name == step && matches!(edge.to, Node::Dataset(_)));
            built.map_or(Node::Model(step), |edge| edge.to)
        }
        (Err(error), Err(_)) => return Err(error),
    };
    let (upstream, downstream) = (catalog.upstream(&node).await?, catalog.downstream(&node).await?);
    if upstream.is_empty() && downstream.is_empty() {
        return Err(match &node {
            Node::Dataset(dataset) if catalog.dataset(dataset).await?.is_none() => {
                unknown(&catalog.datasets().await?, dataset)
            }
            _ => Error::new(
                ErrorKind::NotFound,
                format!("nothing is known of where `{name}` comes from or goes to"),
            )
            .with_help("`polder catalog sync` reads it from the repository"),
        });
    }
    let mut listing = Listing::new(["direction", "distance", "from", "via", "to"]);
    let mut rows = |direction: &str, traced: &[Traced]| {
        for step in traced {
            listing.row([
                direction.to_owned(),
                step.distance.to_string(),
                step.edge.from.to_string(),
                step.edge.via.to_string(),
                step.edge.to.to_string(),
            ]);
        }
    };
    rows("upstream", &upstream);
    rows("downstream", &downstream);
    listing.print(format, "")
}

fn text(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
