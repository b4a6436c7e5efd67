//! `polder contract diff`: what changed between two contracts, what it means, and whether the version says so.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use chrono::Utc;
use polder_contract::diff::{Bump, Change, Class, Comparison, Mode, SemanticVersion, compare};
use polder_contract::lifecycle::transition_problems;
use polder_contract::product::{self, Product};
use polder_contract::{Contract, Parsed, Place};
use polder_core::document::{Diagnostic, Source};
use polder_core::{Error, Result};
use serde_json::{Value, json};

use super::document;
use crate::options::{Format, worded};
use crate::output::{Listing, cells, json, line};
use crate::report;

/// The documents to compare, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The old document: a file, or <git revision>:<path>.
    #[arg(value_name = "OLD")]
    old: String,
    /// The new document: a file, or <git revision>:<path>.
    #[arg(value_name = "NEW")]
    new: String,
    /// Judge by this mode instead of the one that the old document declares (backward where it declares none). backward:
    /// who reads the dataset already can go on with what is written now (a schema registry calls that FORWARD). forward:
    /// who writes it already is still accepted (a registry: BACKWARD). full: both. none: anything may change. With
    /// _transitive: against all earlier versions of the same major version, which `polder check --base` does.
    #[arg(long, value_parser = worded::<Mode>)]
    mode: Option<Mode>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    /// For people: the changes by class, the gravest first.
    #[default]
    Table,
    /// One object: both documents, the mode, the version that is needed, all changes and problems.
    Json,
    /// A line for each change, with a header.
    Csv,
}

/// Compares contracts; 1 where the version was not raised as far as the changes ask, or the status may not follow.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let documents = read(args)?;
    report::or_told(contracts(args, &documents), &documents)
}

/// Both documents, as they are named.
fn read(args: &Args) -> Result<[Source; 2]> {
    let read = |name: &str| document::read(name, document::FILES);
    Ok([read(&args.old)?, read(&args.new)?])
}

fn contracts(args: &Args, documents: &[Source; 2]) -> Result<ExitCode> {
    let [old, new] = documents;
    let parsed = (polder_contract::parse_past(old), polder_contract::parse(new));
    let (old, new) = (contract(parsed.0)?, contract(parsed.1)?);
    let comparison = compare(&old, &new);
    let mode = args.mode.unwrap_or(comparison.mode);
    let mut problems: Vec<Diagnostic> = comparison.version_problem_in(mode, &old, &new).into_iter().collect();
    problems.extend(transition_problems(&old, &new, Utc::now()));
    let sides = [&old, &new].map(|side| Side::contract(side, &side.source_path));
    print(args, documents, &comparison, mode, sides, &problems)
}

/// Compares data products; 1 where the version was not raised as far as the changes ask, or the status may not follow.
pub(crate) fn products(args: &Args) -> Result<ExitCode> {
    let documents = read(args)?;
    report::or_told(of_products(args, &documents), &documents)
}

fn of_products(args: &Args, documents: &[Source; 2]) -> Result<ExitCode> {
    let parsed = |document: &Source| {
        let (product, found) = product::parse(document);
        product.ok_or_else(|| Error::document(found))
    };
    let [old, new] = documents;
    let (old, new) = (parsed(old)?, parsed(new)?);
    let comparison = product::compare(&old, &new);
    let mode = args.mode.unwrap_or(comparison.mode);
    let problems = product::problems(&comparison, mode, &old, &new);
    let sides = [&old, &new].map(|side| Side::product(side, &side.source_path));
    print(args, documents, &comparison, mode, sides, &problems)
}

/// What is said of either document.
pub(crate) struct Side {
    id: String,
    name: String,
    /// A product may have none.
    version: Option<String>,
    status: String,
    file: String,
}

impl Side {
    /// A contract, whose document is shown as `file`.
    pub(crate) fn contract(contract: &Contract, file: &Path) -> Self {
        Self {
            id: contract.id.clone(),
            name: contract.name.clone(),
            version: Some(contract.version.clone()),
            status: contract.status.clone(),
            file: file.display().to_string(),
        }
    }

    /// A product, whose document is shown as `file`.
    pub(crate) fn product(product: &Product, file: &Path) -> Self {
        Self {
            id: product.id.clone(),
            name: product.name.clone(),
            version: product.version.clone(),
            status: product.status.to_string(),
            file: file.display().to_string(),
        }
    }

    fn version(&self) -> &str {
        self.version.as_deref().unwrap_or("without version")
    }
}

fn print(
    args: &Args,
    documents: &[Source],
    comparison: &Comparison,
    mode: Mode,
    sides: [Side; 2],
    problems: &[Diagnostic],
) -> Result<ExitCode> {
    match args.format {
        Form::Table => table(comparison, mode, &sides)?,
        Form::Json => json(&format!("{:#}", whole(comparison, mode, &sides, problems)))?,
        Form::Csv => list(comparison, mode).print(Format::Csv, "")?,
    }
    report::diagnostics_of(problems, documents);
    Ok(ExitCode::from(u8::from(!problems.is_empty())))
}

fn contract(parsed: Parsed) -> Result<Contract> {
    parsed.contract.ok_or_else(|| Error::document(parsed.diagnostics))
}

/// Changes under the headings of their classes, the gravest first.
fn table(comparison: &Comparison, mode: Mode, [old, new]: &[Side; 2]) -> Result<()> {
    line(&format!(
        "{}: {} ({}) to {} ({})",
        new.name,
        old.version(),
        old.file,
        new.version(),
        new.file
    ))?;
    if comparison.is_empty() {
        return line("they mean the same");
    }
    let datasets: BTreeSet<_> = comparison
        .changes
        .iter()
        .map(|change| change.dataset.as_ref())
        .collect();
    for class in Class::ALL {
        let changes: Vec<&Change> = comparison
            .changes
            .iter()
            .filter(|change| change.class == class)
            .collect();
        if changes.is_empty() {
            continue;
        }
        line(&format!("\n{} ({})", class.as_str(), changes.len()))?;
        for change in changes {
            // Where all changes are of one dataset, its name says nothing.
            let dataset = match &change.dataset {
                Some(dataset) if datasets.len() > 1 => format!("{dataset}: "),
                _ => String::new(),
            };
            line(&format!(
                "  {dataset}{}  [{} at {}]",
                change.what,
                change.code,
                place(change)
            ))?;
        }
    }
    let needed = comparison.required_bump_in(mode);
    let draft = if comparison.draft {
        "; a draft is free to break"
    } else {
        ""
    };
    line(&format!("\nneeds {} (mode {mode}{draft})", asked(needed, old)))
}

fn asked(needed: Bump, old: &Side) -> String {
    let version = old.version().parse().ok();
    let wanted = version.map(|version: SemanticVersion| version.next(needed).to_string());
    match wanted {
        Some(wanted) => format!("a {needed} version: {wanted} or later"),
        None => format!("a {needed} version"),
    }
}

/// Where a change stands: in the new document, else in the old one.
fn place(change: &Change) -> String {
    let removed = change.code.ends_with("-removed");
    let place = if removed { &change.old } else { &change.new };
    place.as_ref().or(change.new.as_ref()).map_or_else(String::new, shown)
}

/// A place as lists name it.
pub(crate) fn shown(place: &Place) -> String {
    format!("{}:{}:{}", place.file.display(), place.span.line, place.span.column)
}

fn list(comparison: &Comparison, mode: Mode) -> Listing {
    let mut listing = Listing::new([
        "class",
        "code",
        "dataset",
        "object",
        "column",
        "rule",
        "what",
        "forbidden",
        "old",
        "new",
    ]);
    for change in &comparison.changes {
        listing.row(cells![
            change.class.as_str(),
            change.code,
            change.dataset.as_ref().map(ToString::to_string),
            change.object.clone(),
            change.column.clone(),
            change.rule.clone(),
            change.what.as_str(),
            mode.forbids(change.class),
            change.old.as_ref().map(shown),
            change.new.as_ref().map(shown),
        ]);
    }
    listing
}

fn whole(comparison: &Comparison, mode: Mode, sides: &[Side; 2], problems: &[Diagnostic]) -> Value {
    let problems: Vec<Value> = problems
        .iter()
        .map(|problem| json!({ "code": problem.code, "message": problem.to_string(), "help": problem.help }))
        .collect();
    let mut whole = changes(comparison, mode, sides);
    whole["problems"] = Value::Array(problems);
    whole
}

/// Both documents, and what changed from the one to the other, as programs read it.
pub(crate) fn changes(comparison: &Comparison, mode: Mode, [old, new]: &[Side; 2]) -> Value {
    let side =
        |side: &Side| json!({ "file": side.file, "id": side.id, "version": side.version, "status": side.status });
    json!({
        "old": side(old), "new": side(new), "mode": mode.as_str(), "draft": comparison.draft,
        "required_bump": comparison.required_bump_in(mode).as_str(), "changes": list(comparison, mode).into_json(),
    })
}
