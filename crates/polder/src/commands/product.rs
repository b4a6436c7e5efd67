//! `polder product`: what the domains offer, and what it is made from.

use std::process::ExitCode;

use clap::Subcommand;
use polder_contract::ContractSet;
use polder_contract::product::{self, Product};
use polder_core::document::{Diagnostic, Node, nearest};
use polder_core::{Error, ErrorKind, Result, clock};
use serde_json::{Value, json};

use crate::commands::contract::diff;
use crate::options::{Format, FormatArg, Global};
use crate::output::{Cell, Listing, cells, json, line};
use crate::platform::Platform;

/// What can be done with data products.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ProductCommand {
    /// All products: status, owner, and the datasets that they offer.
    List {
        #[command(flatten)]
        format: FormatArg,
    },
    /// One product: its ports with their contracts, support and team.
    Show {
        /// The product's id or name.
        product: String,
        #[command(flatten)]
        format: FormatArg,
    },
    /// What changed between two products, what it means and to whom.
    Diff(diff::Args),
}

/// What the command names.
pub(crate) fn run(global: &Global, command: &ProductCommand) -> Result<ExitCode> {
    match command {
        ProductCommand::List { format } => list(&Platform::open(global)?, format.format)?,
        ProductCommand::Show { product, format } => show(&Platform::open(global)?, product, format.format)?,
        ProductCommand::Diff(args) => return diff::products(args),
    }
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with the products of a mesh, for `polder check`.
pub(crate) fn findings(platform: &Platform, contracts: &ContractSet) -> Result<Vec<Diagnostic>> {
    let (sources, mut diagnostics) = platform.mesh.readable("contracts", ".odps.yaml");
    diagnostics.extend(product::check(sources, contracts, clock::now()).1);
    Ok(diagnostics)
}

/// The products of the mesh, with its contracts; what is wrong with either is an error.
pub(crate) fn load(platform: &Platform) -> Result<(Vec<Product>, std::sync::Arc<ContractSet>)> {
    let contracts = platform.contracts()?;
    let sources = platform.mesh.sources("contracts", ".odps.yaml")?;
    let (products, mut found) = product::check(sources, &contracts, clock::now());
    // That a contract is over is for `polder check` to refuse: what hangs on it can be seen all the same.
    found.retain(|found| found.code != "retired-contract");
    platform.refuse_errors(found)?;
    Ok((products, contracts))
}

fn list(platform: &Platform, format: Format) -> Result<()> {
    let (products, contracts) = load(platform)?;
    let mut listing = Listing::new([
        "product",
        "id",
        "domain",
        "version",
        "status",
        "owner",
        "offers",
        "made_from",
    ]);
    for product in &products {
        let offers = product
            .output_ports
            .iter()
            .filter_map(|port| port.contract_id.as_deref());
        let inputs = product.input_ports.iter().map(|port| port.contract_id.as_str());
        listing.row(cells![
            product.name.as_str(),
            product.id.as_str(),
            product.domain.clone(),
            product.version.clone(),
            product.status.to_string(),
            product.owner(),
            all_datasets(&contracts, offers),
            all_datasets(&contracts, inputs),
        ]);
    }
    listing.print(
        format,
        "no data product is declared; write one as contracts/<domain>/<name>.odps.yaml",
    )
}

fn show(platform: &Platform, name: &str, format: Format) -> Result<()> {
    let (products, contracts) = load(platform)?;
    let product = find(&products, name)?;
    if format == Format::Json {
        return json(&format!("{:#}", whole(product, &contracts)));
    }
    if format == Format::Table {
        line(&format!(
            "{} {} ({}), id {}, by {}",
            product.name,
            product.version.as_deref().unwrap_or("without version"),
            product.status,
            product.id,
            product.owner().unwrap_or("nobody")
        ))?;
        if let Some(purpose) = &product.purpose {
            line(purpose)?;
        }
    }
    ports(product, &contracts).print(format, "it has no port")?;
    if format == Format::Table {
        for channel in &product.support {
            let scope = channel
                .scope
                .as_ref()
                .map_or_else(String::new, |scope| format!(" ({scope})"));
            line(&format!("support{scope}: {}, {}", channel.channel, channel.url))?;
        }
        team(product).iter().try_for_each(|told| line(told))?;
    }
    Ok(())
}

/// Who builds the product, a line each.
fn team(product: &Product) -> Vec<String> {
    let Some(team) = product.document.get("team") else {
        return Vec::new();
    };
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let about = [text(team, "name"), text(team, "description")];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let members = team.get("members").and_then(Node::as_list).unwrap_or_default();
    let members = members.iter().map(|member| {
        let role = text(member, "role").map_or_else(String::new, |role| format!(" ({role})"));
        let left = text(member, "dateOut").map(|day| format!("left {day}"));
        let told = [text(member, "username"), text(member, "name"), left];
        format!(
            "member{role}: {}",
            told.into_iter().flatten().collect::<Vec<_>>().join(", ")
        )
    });
    let about = (!about.is_empty()).then(|| format!("team: {about}"));
    about.into_iter().chain(members).collect()
}

/// The product with this id, else the only one with this name.
fn find<'p>(products: &'p [Product], name: &str) -> Result<&'p Product> {
    if let Some(product) = products.iter().find(|product| product.id == name) {
        return Ok(product);
    }
    let named: Vec<&Product> = products.iter().filter(|product| product.name == name).collect();
    match named.as_slice() {
        [product] => Ok(product),
        [] => {
            let names = products.iter().flat_map(|product| [product.id.as_str(), &product.name]);
            let error = Error::new(ErrorKind::NotFound, format!("there is no product `{name}`"));
            Err(match nearest(name, names) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error.with_help("`polder product list` shows the products"),
            })
        }
        several => {
            let each = several
                .iter()
                .map(|product| format!("`{}` ({})", product.id, product.source_path.display()));
            let each: Vec<String> = each.collect();
            let message = format!("{} products are named `{name}`", several.len());
            let help = format!("name one by its id: {}", each.join(", "));
            Err(Error::new(ErrorKind::Usage, message).with_help(help))
        }
    }
}

fn ports(product: &Product, contracts: &ContractSet) -> Listing {
    let keys = [
        "port", "name", "kind", "version", "contract", "datasets", "status", "content", "address",
    ];
    let mut listing = Listing::new(keys).for_programs(&["content", "address"]);
    let none = || Cell::from(None::<&str>);
    let status = |id: &str| {
        let contract = contracts.contracts().iter().find(|contract| contract.id == id);
        match contract {
            Some(contract) => contract.status.as_str().into(),
            None => none().in_words("not in this mesh"),
        }
    };
    for port in &product.output_ports {
        let id = port.contract_id.as_deref();
        listing.row(cells![
            "output",
            port.name.as_str(),
            port.kind.clone(),
            port.version.as_str(),
            id,
            id.map_or_else(Vec::new, |id| datasets(contracts, id)),
            status(id.unwrap_or_default()),
            none(),
            none(),
        ]);
    }
    for port in &product.input_ports {
        listing.row(cells![
            "input",
            port.name.as_str(),
            none(),
            port.version.as_str(),
            port.contract_id.as_str(),
            datasets(contracts, &port.contract_id),
            status(&port.contract_id),
            none(),
            none(),
        ]);
    }
    for port in &product.management_ports {
        let place = port.url.clone().or(port.channel.clone());
        listing.row(cells![
            "management",
            port.name.as_str(),
            Cell::from(port.kind.as_str()).in_words(format!("{} ({})", port.kind, port.content)),
            none(),
            none().in_words(place.clone().unwrap_or_default()),
            Vec::<String>::new(),
            none(),
            port.content.as_str(),
            place,
        ]);
    }
    listing
}

/// The datasets of several contracts; people read those of each in a line.
fn all_datasets<'c>(contracts: &ContractSet, ids: impl Iterator<Item = &'c str>) -> Cell {
    let each: Vec<Vec<String>> = ids.map(|id| datasets(contracts, id)).collect();
    let lines: Vec<String> = each.iter().map(|datasets| datasets.join(", ")).collect();
    Cell::from(each.concat()).in_words(lines.join("\n"))
}

/// The datasets of a contract; the contract's id where it is not in the mesh.
fn datasets(contracts: &ContractSet, id: &str) -> Vec<String> {
    let contract = contracts.contracts().iter().find(|contract| contract.id == id);
    let names: Vec<String> = contract
        .into_iter()
        .flat_map(|contract| &contract.objects)
        .filter_map(|object| object.dataset.as_ref().map(ToString::to_string))
        .collect();
    if names.is_empty() { vec![id.to_owned()] } else { names }
}

/// The document as declared, with the datasets behind its ports.
fn whole(product: &Product, contracts: &ContractSet) -> Value {
    json!({
        "id": product.id, "name": product.name, "version": product.version, "status": product.status.as_str(),
        "domain": product.domain, "owner": product.owner(), "file": product.source_path.display().to_string(),
        "ports": ports(product, contracts).into_json(), "document": product.document.to_json(),
    })
}

#[cfg(test)]
mod tests {
    use polder_core::document::Source;

    use super::*;

    #[test]
    fn a_name_of_two_products_is_refused_and_their_ids_are_not() {
        let product = |id: &str, name: &str| {
            let text = format!(
                "apiVersion: v1.0.0\nkind: DataProduct\nid: {id}\nname: {name}\nstatus: active\n\
                 outputPorts: [{{name: out, version: 1.0.0, contractId: c}}]\n"
            );
            let source = Source::new(format!("contracts/shop/{id}.odps.yaml"), text);
            product::parse(&source).0.unwrap()
        };
        // What is one product's id may be another's name.
        let products = [
            product("a", "Orders"),
            product("b", "Orders"),
            product("c", "a"),
            product("d", "Returns"),
        ];
        for (name, id) in [("a", "a"), ("b", "b"), ("c", "c"), ("Returns", "d")] {
            assert_eq!(find(&products, name).unwrap().id, id);
        }
        let refused = find(&products, "Orders").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Usage);
        assert_eq!(refused.to_string(), "2 products are named `Orders`");
        assert_eq!(
            refused.help(),
            Some("name one by its id: `a` (contracts/shop/a.odps.yaml), `b` (contracts/shop/b.odps.yaml)")
        );
        assert_eq!(
            find(&products, "Return").unwrap_err().help(),
            Some("did you mean `Returns`?")
        );
    }
}
