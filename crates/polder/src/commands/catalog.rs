//! `polder catalog` and `polder lineage`: what is known of the mesh.

use polder_catalog::{Catalog, Dataset, Difference, Node, Run, RunFilter, SyncReport, Traced};
use polder_contract::Property;
use polder_core::document::nearest;
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result};
use serde_json::{Map, Value, json};

use crate::inventory;
use crate::options::{CatalogCommand, Format};
use crate::output::{self, Cell, Listing, cells, line};
use crate::platform::Platform;

/// Characters of a run's message that a table shows.
const MESSAGE: usize = 60;

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
            .map(|c| Cell::from(json!(c)).in_words(format!("{} ({})", c.version, c.status)));
        listing.row(cells![
            dataset.name.to_string(),
            contract,
            dataset.owner,
            dataset.version,
            dataset.rows,
            dataset.updated,
            dataset.description,
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
        return Err(unknown(platform, &catalog.datasets().await?, name)?);
    };
    let node = Node::Dataset(name.clone());
    let (upstream, downstream) = (catalog.upstream(&node).await?, catalog.downstream(&node).await?);
    let contract = platform.contracts()?.get(name);
    let columns = contract.iter().flat_map(|contract| &contract.object().properties);
    let known = Known {
        dataset,
        columns: columns.collect(),
        runs: catalog
            .runs(&RunFilter {
                dataset: Some(name.clone()),
                limit: 5,
                ..RunFilter::default()
            })
            .await?,
        made_from: direct(&upstream, |edge| &edge.from),
        used_by: direct(&downstream, |edge| &edge.to),
    };
    match format {
        Format::Table => known.tables(),
        _ => output::object(known.object(), format),
    }
}

/// What is known of a dataset.
struct Known<'a> {
    dataset: Dataset,
    columns: Vec<&'a Property>,
    /// The newest.
    runs: Vec<Run>,
    made_from: Vec<String>,
    used_by: Vec<String>,
}

impl Known<'_> {
    fn object(self) -> Map<String, Value> {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| {
                json!({
                    "name": column.name, "type": type_of(column), "required": column.required,
                    "description": column.description, "classification": column.classification,
                })
            })
            .collect();
        let runs: Vec<_> = self
            .runs
            .iter()
            .map(|run| {
                json!({
                    "id": run.id, "step": run.step.to_string(), "status": run.status.as_str(), "started": run.started,
                    "accepted": run.accepted, "rejected": run.rejected, "version": run.version,
                    "message": run.message,
                })
            })
            .collect();
        let mut shown = Map::new();
        shown.insert("dataset".to_owned(), json!(self.dataset));
        shown.insert("columns".to_owned(), columns.into());
        shown.insert("runs".to_owned(), runs.into());
        shown.insert("made_from".to_owned(), self.made_from.into());
        shown.insert("used_by".to_owned(), self.used_by.into());
        shown
    }

    fn tables(self) -> Result<()> {
        let format = Format::Table;
        let dataset = self.dataset;
        let mut facts = Listing::new(["what", "value"]);
        let mut fact = |what: &str, value: Option<Cell>| {
            if let Some(value) = value {
                facts.row(cells![what, value]);
            }
        };
        let names = |names: Vec<String>| (!names.is_empty()).then(|| names.into());
        fact("dataset", Some(dataset.name.to_string().into()));
        fact("description", dataset.description.map(Cell::from));
        fact("owner", dataset.owner.map(Cell::from));
        let contract = dataset.contract;
        fact(
            "contract",
            contract.map(|c| format!("{} {} ({})", c.id, c.version, c.status).into()),
        );
        fact("version", dataset.version.map(Cell::from));
        fact("rows", dataset.rows.map(Cell::from));
        fact("bytes", dataset.bytes.map(Cell::from));
        fact("updated", dataset.updated.map(Cell::from));
        fact("made from", names(self.made_from));
        fact("used by", names(self.used_by));
        facts.print(format, "")?;
        let mut listing = Listing::new(["column", "type", "required", "description"]);
        for column in self.columns {
            listing.row(cells![
                column.name.as_str(),
                type_of(column),
                column.required.then_some("yes"),
                column.description.clone(),
            ]);
        }
        if !listing.is_empty() {
            listing.print(format, "")?;
        }
        let mut listing = Listing::new([
            "run", "step", "status", "started", "accepted", "rejected", "version", "message",
        ]);
        for run in self.runs {
            listing.row(cells![
                run.id.to_string(),
                run.step.to_string(),
                run.status.as_str(),
                run.started,
                run.accepted,
                run.rejected,
                run.version,
                run.message.map(|message| shortened(&message)),
            ]);
        }
        if listing.is_empty() {
            Ok(())
        } else {
            listing.print(format, "")
        }
    }
}

/// The type as the contract writes it for the store, else that of the table's column.
fn type_of(column: &Property) -> Option<String> {
    let written = column.physical_type.as_ref().map(|written| written.text.clone());
    written.or_else(|| column.column_type().ok().map(|kind| kind.to_string()))
}

/// A message as far as it goes into a column; all of it is in the JSON.
fn shortened(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let shown: String = first.chars().take(MESSAGE).collect();
    match shown.len() < message.len() {
        true => format!("{shown}…"),
        false => shown,
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

/// Why the catalog does not know a dataset: it is not there, or nothing has told the catalog of it yet.
///
/// # Errors
/// Those of the mesh's contracts.
fn unknown(platform: &Platform, datasets: &[Dataset], name: &DatasetName) -> Result<Error> {
    let error = Error::new(ErrorKind::NotFound, format!("the catalog knows no dataset `{name}`"));
    if platform.contracts()?.get(name).is_some() {
        return Ok(error.with_help(format!(
            "it is declared, and nothing has been built yet: `polder catalog sync` takes it over as it is declared, \
             `polder lineage {name} --columns` reads the queries themselves"
        )));
    }
    let names: Vec<String> = datasets.iter().map(|dataset| dataset.name.to_string()).collect();
    let help = match nearest(&name.to_string(), names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`polder catalog list` shows what it knows; `polder catalog sync` looks again".to_owned(),
    };
    Ok(error.with_help(help))
}

async fn sync(platform: &Platform) -> Result<()> {
    let catalog = platform.catalog().await?;
    let taken = inventory::take(platform).await?;
    let report = catalog.replace_all(&taken.inventory).await?;
    let mut listing = Listing::new(["what", "added", "changed", "removed", "unchanged"]);
    let mut part = |what: &str, difference: Difference| {
        listing.row(cells![
            what,
            difference.added,
            difference.changed,
            difference.removed,
            difference.unchanged,
        ]);
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
    ))?;
    match taken.unreadable.first() {
        Some(first) => Err(unreadable(&taken.unreadable, first)),
        None => Ok(()),
    }
}

/// What is told of tables that cannot be read, after everything else is taken over.
fn unreadable(all: &[Error], first: &Error) -> Error {
    let told: Vec<String> = all.iter().map(|error| format!("\n- {}", error.report())).collect();
    let message = format!(
        "{} cannot be taken over as the lake has it; the catalog knows what is declared, and everything else is up to date:{}",
        counted(all.len(), "dataset"),
        told.concat()
    );
    let error = Error::new(ErrorKind::Data, message);
    match first.help() {
        Some(help) => error.with_help(help),
        None => error,
    }
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
                unknown(platform, &catalog.datasets().await?, dataset)?
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
            listing.row(cells![
                direction,
                step.distance,
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
