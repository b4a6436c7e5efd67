//! What a data product's page says, and what a contract's page says of the products around it.

use polder_contract::Contract;
use polder_contract::product::Product;
use polder_core::document::Node;

use super::content::{about, links, listed, team, title};
use super::values::{beside, items, text};
use super::{Block, Page, Row, Section, Site, Text};

/// The page of a product. On a site, ports lead to the pages of their contracts.
pub(super) fn of(product: &Product, site: Option<&Site<'_>>) -> Page {
    let document = &product.document;
    let mut facts = Vec::new();
    let mut fact = |label: &str, text: Option<String>| {
        facts.extend(text.map(|text| (label.to_owned(), Text::Plain(text))));
    };
    fact("Domain", product.domain.clone());
    fact("Owner", product.owner().map(str::to_owned));
    fact("Tenant", text(document, "tenant"));
    fact("Tags", (!product.tags.is_empty()).then(|| product.tags.join(", ")));
    fact("Created", text(document, "productCreatedTs"));
    facts.push(("Product id".to_owned(), Text::Code(product.id.clone())));
    facts.push((
        "Standard".to_owned(),
        Text::Plain(format!("ODPS {}", product.api_version)),
    ));
    let sections = [
        about(document),
        output_ports(document, site),
        input_ports(document, site),
        management_ports(document),
        team(document),
        listed(document, "support", "support", "Support"),
        links(document),
        listed(document, "customProperties", "custom", "Custom properties"),
    ];
    Page {
        title: product.name.clone(),
        kind: Some("Data product"),
        version: product.version.clone(),
        status: product.status.to_string(),
        lead: product.purpose.clone(),
        facts,
        sections: sections.into_iter().flatten().collect(),
    }
}

/// The products of a site that offer a contract's data, or are made from it.
pub(super) fn around(contract: &Contract, site: &Site<'_>) -> Option<Section> {
    let mut rows = Vec::new();
    for entry in site.products {
        let mut row = |role: &str, name: &str, version: &str| {
            let page = Text::Page {
                text: entry.product.name.clone(),
                file: entry.file.to_owned(),
            };
            rows.push(Row {
                depth: 0,
                cells: vec![
                    page,
                    Text::Plain(role.to_owned()),
                    Text::Plain(name.to_owned()),
                    Text::Plain(version.to_owned()),
                ],
            });
        };
        for port in &entry.product.output_ports {
            if port.contract_id.as_ref() == Some(&contract.id) {
                row("offers it", &port.name, &port.version);
            }
        }
        for port in &entry.product.input_ports {
            if port.contract_id == contract.id {
                row("is made from it", &port.name, &port.version);
            }
        }
    }
    section(
        "products",
        "Data products",
        vec!["Product", "What it does", "Port", "Version"],
        rows,
    )
}

fn output_ports(document: &Node, site: Option<&Site<'_>>) -> Option<Section> {
    let ports = items(document, "outputPorts").iter();
    let rows = ports.map(|port| {
        let made_from = items(port, "inputContracts").iter();
        let made_from = made_from.filter_map(|input| {
            let version = text(input, "version").map(Text::Plain);
            let contract = contract(&text(input, "id")?, site);
            Some(Text::Several(std::iter::once(contract).chain(version).collect(), " "))
        });
        let bill = items(port, "sbom").iter().filter_map(|part| {
            let url = text(part, "url")?;
            let kind = text(part, "type").map_or_else(String::new, |kind| format!("{kind} "));
            Some(Text::Link {
                text: format!("{kind}bill of materials"),
                url,
            })
        });
        let detail = [Text::Plain(detail(port, &["type", "inputContracts", "sbom"]))];
        Row {
            depth: 0,
            cells: vec![
                named(port),
                plain(port, "type"),
                plain(port, "version"),
                bound(port, site),
                Text::Several(made_from.collect(), ", "),
                Text::Several(detail.into_iter().chain(bill).collect(), "; "),
            ],
        }
    });
    let headers = vec!["Port", "Kind", "Version", "Contract", "Made from", "Detail"];
    section("output-ports", "Output ports", headers, rows.collect())
}

fn input_ports(document: &Node, site: Option<&Site<'_>>) -> Option<Section> {
    let ports = items(document, "inputPorts").iter();
    let rows = ports.map(|port| Row {
        depth: 0,
        cells: vec![
            named(port),
            plain(port, "version"),
            bound(port, site),
            Text::Plain(detail(port, &[])),
        ],
    });
    let headers = vec!["Port", "Version", "Contract", "Detail"];
    section("input-ports", "Input ports", headers, rows.collect())
}

fn management_ports(document: &Node) -> Option<Section> {
    let ports = items(document, "managementPorts").iter();
    let rows = ports.map(|port| {
        let address = text(port, "url").map(|url| Text::Link { text: url.clone(), url });
        let address = address.into_iter().chain(text(port, "channel").map(Text::Code));
        Row {
            depth: 0,
            cells: vec![
                named(port),
                plain(port, "content"),
                // What the standard takes it for where it is not said.
                Text::Plain(text(port, "type").unwrap_or_else(|| "rest".to_owned())),
                Text::Several(address.collect(), ", "),
                Text::Plain(detail(port, &["content", "type", "url", "channel"])),
            ],
        }
    });
    let headers = vec!["Port", "Gives", "Kind", "Address", "Detail"];
    section("management-ports", "Management ports", headers, rows.collect())
}

fn named(port: &Node) -> Text {
    Text::Code(text(port, "name").unwrap_or_default())
}

fn plain(node: &Node, key: &str) -> Text {
    Text::Plain(text(node, key).unwrap_or_default())
}

/// The contract of a port.
fn bound(port: &Node, site: Option<&Site<'_>>) -> Text {
    text(port, "contractId").map_or_else(
        || Text::Plain("none".to_owned()),
        |id| match site {
            Some(site) if page(&id, site).is_none() => {
                let elsewhere = Text::Plain("(not in this mesh)".to_owned());
                Text::Several(vec![Text::Code(id), elsewhere], " ")
            }
            site => contract(&id, site),
        },
    )
}

/// A contract by its id, with the way to its page where there is one.
fn contract(id: &str, site: Option<&Site<'_>>) -> Text {
    site.and_then(|site| page(id, site))
        .unwrap_or_else(|| Text::Code(id.to_owned()))
}

fn page(id: &str, site: &Site<'_>) -> Option<Text> {
    let entry = site.contracts.iter().find(|entry| entry.contract.id == id)?;
    Some(Text::Page {
        text: title(entry.contract),
        file: entry.file.to_owned(),
    })
}

/// All that a port says beside its name, its binding and the keys that have a column of their own.
fn detail(port: &Node, told: &[&str]) -> String {
    beside(port, &[&["name", "version", "contractId"], told].concat())
}

fn section(id: &str, title: &str, headers: Vec<&'static str>, rows: Vec<Row>) -> Option<Section> {
    (!rows.is_empty()).then(|| Section {
        id: id.to_owned(),
        title: title.to_owned(),
        code: None,
        blocks: vec![Block::Table {
            caption: title.to_owned(),
            headers,
            rows,
        }],
    })
}
