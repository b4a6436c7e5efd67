//! `polder product`: what the domains offer, and what it is made from.

use std::process::ExitCode;

use clap::Subcommand;
use polder_contract::ContractSet;
use polder_contract::product::{self, Product};
use polder_core::document::{Diagnostic, nearest};
use polder_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::cli::{Cli, Format, FormatArg};
use crate::commands::contract::diff;
use crate::output::{Listing, line};
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
pub(crate) fn run(cli: &Cli, command: &ProductCommand) -> Result<ExitCode> {
    match command {
        ProductCommand::List { format } => list(&Platform::open(cli)?, format.format)?,
        ProductCommand::Show { product, format } => show(&Platform::open(cli)?, product, format.format)?,
        ProductCommand::Diff(args) => return diff::products(cli, args),
    }
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with the products of a mesh, for `polder check`.
pub(crate) fn findings(platform: &Platform, contracts: &ContractSet) -> Result<Vec<Diagnostic>> {
    let (sources, mut diagnostics) = platform.mesh.readable("contracts", ".odps.yaml");
    diagnostics.extend(product::check(sources, contracts).1);
    Ok(diagnostics)
}

fn load(platform: &Platform) -> Result<(Vec<Product>, std::sync::Arc<ContractSet>)> {
    let contracts = platform.contracts()?;
    let sources = platform.mesh.sources("contracts", ".odps.yaml")?;
    let (products, found) = product::check(sources, &contracts);
    platform.refuse_errors(found)?;
    Ok((products, contracts))
}

fn list(platform: &Platform, format: Format) -> Result<()> {
    let (products, contracts) = load(platform)?;
    let mut listing = Listing::new(["product", "domain", "version", "status", "owner", "offers", "made from"]);
    for product in &products {
        let offers = product
            .output_ports
            .iter()
            .filter_map(|port| port.contract_id.as_deref());
        let inputs = product.input_ports.iter().map(|port| port.contract_id.as_str());
        listing.row([
            product.name.clone(),
            product.domain.clone().unwrap_or_default(),
            product.version.clone().unwrap_or_default(),
            product.status.to_string(),
            product.owner().unwrap_or_default().to_owned(),
            offers.map(|id| datasets(&contracts, id)).collect::<Vec<_>>().join("\n"),
            inputs.map(|id| datasets(&contracts, id)).collect::<Vec<_>>().join("\n"),
        ]);
    }
    listing.print(
        format,
        "no data product is declared; write one as contracts/<domain>/<name>.odps.yaml",
    )
}

fn show(platform: &Platform, name: &str, format: Format) -> Result<()> {
    let (products, contracts) = load(platform)?;
    let named = |product: &&Product| product.id == name || product.name == name;
    let product = products.iter().find(named).ok_or_else(|| {
        let names: Vec<&str> = products
            .iter()
            .flat_map(|product| [product.id.as_str(), &product.name])
            .collect();
        let error = Error::new(ErrorKind::NotFound, format!("there is no product `{name}`"));
        match nearest(name, names) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help("`polder product list` shows the products"),
        }
    })?;
    if format == Format::Json {
        return line(&format!("{:#}", whole(product, &contracts)));
    }
    if format == Format::Table {
        line(&format!(
            "{} {} ({}), by {}",
            product.name,
            product.version.as_deref().unwrap_or("without version"),
            product.status,
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
    }
    Ok(())
}

fn ports(product: &Product, contracts: &ContractSet) -> Listing {
    let mut listing = Listing::new(["port", "name", "kind", "version", "contract", "datasets", "status"]);
    let status = |id: &str| {
        let contract = contracts.contracts().iter().find(|contract| contract.id == id);
        contract.map_or_else(|| "not in this mesh".to_owned(), |contract| contract.status.clone())
    };
    for port in &product.output_ports {
        let id = port.contract_id.clone().unwrap_or_default();
        listing.row([
            "output".to_owned(),
            port.name.clone(),
            port.kind.clone().unwrap_or_default(),
            port.version.clone(),
            id.clone(),
            datasets(contracts, &id),
            status(&id),
        ]);
    }
    for port in &product.input_ports {
        listing.row([
            "input".to_owned(),
            port.name.clone(),
            String::new(),
            port.version.clone(),
            port.contract_id.clone(),
            datasets(contracts, &port.contract_id),
            status(&port.contract_id),
        ]);
    }
    for port in &product.management_ports {
        let place = port.url.clone().or(port.channel.clone()).unwrap_or_default();
        listing.row([
            "management".to_owned(),
            port.name.clone(),
            format!("{} ({})", port.kind, port.content),
            String::new(),
            place,
            String::new(),
            String::new(),
        ]);
    }
    listing
}

/// The datasets of a contract; the contract's id where it is not in the mesh.
fn datasets(contracts: &ContractSet, id: &str) -> String {
    let contract = contracts.contracts().iter().find(|contract| contract.id == id);
    let names: Vec<String> = contract
        .into_iter()
        .flat_map(|contract| &contract.objects)
        .filter_map(|object| object.dataset.as_ref().map(ToString::to_string))
        .collect();
    if names.is_empty() {
        id.to_owned()
    } else {
        names.join(", ")
    }
}

/// The document as declared, with the datasets behind its ports.
fn whole(product: &Product, contracts: &ContractSet) -> Value {
    let output = product.output_ports.iter().filter_map(|port| {
        let id = port.contract_id.as_deref()?;
        Some(json!({ "name": port.name, "version": port.version, "contract": id, "datasets": datasets(contracts, id) }))
    });
    let input = product.input_ports.iter().map(|port| {
        json!({
            "name": port.name, "version": port.version, "contract": port.contract_id,
            "datasets": datasets(contracts, &port.contract_id),
        })
    });
    json!({
        "id": product.id, "name": product.name, "version": product.version, "status": product.status.as_str(),
        "domain": product.domain, "owner": product.owner(), "file": product.source_path.display().to_string(),
        "output": output.collect::<Vec<_>>(), "input": input.collect::<Vec<_>>(),
        "document": product.document.to_json(),
    })
}
