//! The standard's official examples and real schemas.

use std::fs;
use std::path::PathBuf;

use polder_core::document::Source;

use super::{formats, imported, properties};
use crate::{Dialect, Format, IndexEntry, Site, export, html, import, index, markdown, product_html, product_markdown};

/// The folder of shared material, or nothing, said aloud.
pub(super) fn shared(folder: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let path = std::env::var_os("POLDER_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    polder_testkit::skip::skip(
        "polder-convert",
        "the shared material is not there (POLDER_SHARED names its folder)",
    );
    None
}

#[test]
fn every_official_product_has_a_page_with_all_its_ports() {
    let Some(folder) = shared("odps") else { return };
    let mut products = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let source = Source::new(path.clone(), fs::read_to_string(&path).unwrap());
        let (product, _) = polder_contract::product::parse(&source);
        let product = product.unwrap_or_else(|| panic!("{}", path.display()));
        let ports = product.output_ports.iter().map(|port| &port.name);
        let ports = ports.chain(product.input_ports.iter().map(|port| &port.name));
        let ports: Vec<_> = ports
            .chain(product.management_ports.iter().map(|port| &port.name))
            .collect();
        assert!(!ports.is_empty());
        let (page, text) = (product_html(&product, None), product_markdown(&product));
        for port in ports {
            assert!(page.contains(&format!("<code>{port}</code>")), "{port}: {page}");
            assert!(text.contains(&format!("| `{port}` |")), "{port}: {text}");
        }
        products += 1;
    }
    assert_eq!(products, 2);
}

#[test]
fn every_official_example_goes_to_every_format_and_page() {
    let Some(folder) = shared("odcs/examples") else { return };
    let mut contracts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let source = Source::new(path.clone(), fs::read_to_string(&path).unwrap());
            contracts.push(
                polder_contract::parse(&source)
                    .contract
                    .unwrap_or_else(|| panic!("{}", path.display())),
            );
        }
    }
    assert_eq!(contracts.len(), 18);
    for contract in &contracts {
        for format in formats() {
            match export(contract, None, format) {
                Ok(exported) => assert!(!exported.value.is_empty()),
                // Some examples show the servers or the team alone, or a topic without its columns.
                Err(error) => assert!(
                    contract.objects.iter().all(|object| object.properties.is_empty()),
                    "{format:?}: {}",
                    error.report()
                ),
            }
        }
        assert!(markdown(contract).contains(&contract.version));
        assert!(html(contract, None).ends_with("</html>\n"));
    }
    let entries: Vec<_> = contracts
        .iter()
        .map(|contract| IndexEntry {
            contract,
            file: "x.html",
        })
        .collect();
    assert!(
        index(&Site {
            mesh: "shop",
            index: "index.html",
            contracts: &entries,
            products: &[],
        })
        .contains("18 contracts")
    );
}

/// A dump of the shared data, or nothing, said aloud.
fn dump(name: &str) -> Option<String> {
    let path = polder_testkit::data::folder("polder-convert")?
        .join("postgres")
        .join(name);
    fs::read_to_string(path).ok()
}

#[test]
fn a_real_dump_of_postgres_becomes_a_contract() {
    let Some(text) = dump("northwind.sql") else { return };
    let (document, losses) = imported(Format::Sql(Dialect::Postgres), &text);
    let objects = document["schema"].as_array().unwrap();
    assert_eq!(objects.len(), text.matches("CREATE TABLE ").count());
    let orders = objects.iter().position(|object| object["name"] == "orders").unwrap();
    let columns = properties(&document, orders);
    assert_eq!(columns[0]["primaryKey"], true);
    assert_eq!(columns[1]["relationships"][0]["to"], "customers.customer_id");
    assert!(losses.iter().any(|loss| loss.contains("INSERT INTO")), "{losses:#?}");
}

#[test]
fn enumerations_domains_and_arrays_of_a_dump_are_followed() {
    let Some(text) = dump("pagila.sql") else { return };
    let (document, _) = imported(Format::Sql(Dialect::Postgres), &text);
    let objects = document["schema"].as_array().unwrap();
    let film = objects.iter().position(|object| object["name"] == "film").unwrap();
    let columns = properties(&document, film);
    let column = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap();
    assert_eq!(
        column("rating")["quality"][0]["arguments"]["validValues"],
        serde_json::json!(["G", "PG", "PG-13", "R", "NC-17"])
    );
    assert_eq!(column("special_features")["items"]["logicalType"], "string");
    assert_eq!(column("release_year")["logicalType"], "integer");
    assert_eq!(column("rental_rate")["physicalType"], "decimal(4,2)");
}

#[test]
fn every_dump_binds_to_datasets_of_a_layer() {
    for name in ["northwind.sql", "pagila.sql", "chinook.sql"] {
        let Some(text) = dump(name) else { return };
        let options = crate::ImportOptions {
            dataset: Some("shop.bronze".parse().unwrap()),
            ..crate::ImportOptions::default()
        };
        let text = import(Format::Sql(Dialect::Postgres), &text, &options)
            .unwrap_or_else(|error| panic!("{name}: {}", error.report()))
            .value;
        assert!(
            super::contract(&text)
                .objects
                .iter()
                .all(|object| object.dataset.is_some())
        );
    }
}
