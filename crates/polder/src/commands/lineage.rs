//! `polder lineage`: where datasets come from and go to, by the catalog; with `--columns`, or of a column, what is computed
//! from what, by the queries.

use std::collections::BTreeMap;

use polder_core::document::nearest;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_engine::{ColumnEdge, ColumnLineage};

use super::catalog;
use crate::inventory::source_node;
use crate::options::LineageArgs;
use crate::output::{Cell, Listing, cells};
use crate::platform::Platform;

/// Prints it.
pub(crate) async fn run(platform: &Platform, args: &LineageArgs) -> Result<()> {
    match (dotted(&args.name), &args.column) {
        (Some((dataset, column)), Some(other)) if other != column => Err(Error::new(
            ErrorKind::Usage,
            format!("`{}` names the column `{column}`, and --column another one", args.name),
        )
        .with_help(format!("polder lineage {dataset} --columns --column {other}"))),
        (Some((dataset, column)), _) => columns(platform, &dataset, Some(column), args).await,
        (None, _) if args.columns => columns(platform, &args.name.parse()?, args.column.as_deref(), args).await,
        (None, _) => catalog::lineage(platform, &args.name, args.format.format).await,
    }
}

/// The dataset and the column, or the value inside one, that a name such as `shop.bronze.orders.address.city` means.
fn dotted(name: &str) -> Option<(DatasetName, &str)> {
    let (place, _) = name.match_indices('.').nth(2)?;
    let dataset = name[..place].parse().ok()?;
    Some((dataset, &name[place + 1..])).filter(|(_, column)| !column.is_empty())
}

/// What columns are computed from, from the queries as they are declared.
async fn columns(platform: &Platform, dataset: &DatasetName, column: Option<&str>, args: &LineageArgs) -> Result<()> {
    let engine = platform.engine()?;
    let contracts = platform.contracts()?;
    let Some(contract) = contracts.get(dataset) else {
        let error = Error::new(ErrorKind::NotFound, format!("there is no dataset {dataset}"));
        return Err(match contracts.nearest(&dataset.to_string()) {
            Some(near) => error.with_help(format!("did you mean {near}?")),
            None => error.with_help("`polder catalog list` shows them all"),
        });
    };
    let lineage = engine.column_lineage().await?;
    if let Some(column) = column {
        let top = column.split(['.', '[']).next().unwrap_or(column);
        let names = contract
            .object()
            .properties
            .iter()
            .map(|property| property.name.as_str());
        if !top.starts_with('_') && !names.clone().any(|name| name == top) {
            let error = Error::new(ErrorKind::NotFound, format!("{dataset} has no column `{column}`"));
            return Err(match nearest(column, names) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error,
            });
        }
        return chains(&lineage, dataset, column, args);
    }
    let mut listing = Listing::new(["direction", "from", "how", "via", "to"]);
    // A stream lands the rows that are refused of its dataset, too.
    let landed = dataset.refused().unwrap_or_else(|| dataset.clone());
    for stream in platform.streams()?.iter().filter(|stream| stream.dataset == landed) {
        listing.row(cells![
            "upstream",
            source_node(stream).to_string(),
            vec!["landed".to_owned()],
            format!("stream {}", stream.name),
            dataset.to_string(),
        ]);
    }
    for edge in edges(lineage.entering(dataset)) {
        listing.row([&[Cell::from("upstream")], &edge[..]].concat());
    }
    for edge in edges(lineage.leaving(dataset)) {
        listing.row([&[Cell::from("downstream")], &edge[..]].concat());
    }
    listing.print(args.format.format, "no pipeline and no model reads or builds it")
}

/// From, how, via and to for each pair of columns, with all ways in which the one depends on the other.
fn edges<'e>(edges: impl Iterator<Item = &'e ColumnEdge>) -> Vec<[Cell; 4]> {
    let mut pairs: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for edge in edges {
        pairs
            .entry((&edge.to, &edge.from, &edge.via))
            .or_default()
            .push(edge.how.as_str().to_owned());
    }
    pairs
        .into_iter()
        .map(|((to, from, via), how)| cells![from.to_string(), how, via.to_string(), to.to_string()])
        .collect()
}

/// Everything that a column comes from, the nearest first, and every way that its values go, one row a step.
fn chains(lineage: &ColumnLineage, dataset: &DatasetName, column: &str, args: &LineageArgs) -> Result<()> {
    let mut listing = Listing::new(["direction", "chain", "from", "how", "via", "to"]).for_programs(&["direction"]);
    for step in lineage.upstream(dataset, column) {
        for edge in edges(step.iter()) {
            let upstream = cells!["upstream", Cell::from(None::<u64>).in_words("upstream")];
            listing.row([&upstream[..], &edge].concat());
        }
    }
    for (i, chain) in lineage.downstream(dataset, column).iter().enumerate() {
        let mut from = chain.from.to_string();
        for hop in &chain.hops {
            let how: Vec<_> = hop.how.iter().map(|how| how.as_str().to_owned()).collect();
            let to = hop.to.to_string();
            listing.row(cells!["downstream", i + 1, from, how, hop.via.to_string(), to.as_str()]);
            from = to;
        }
    }
    listing.print(args.format.format, "nothing is computed from it, and it from nothing")
}
