//! Documents that are wrong.

use std::fs;

use polder_testkit::delta;

use crate::{mesh::Mesh, new_mesh::NewMesh};

const BRONZE_CONTRACT: &str = "contracts/sales/invoice_lines.bronze.odcs.yaml";
const SILVER_CONTRACT: &str = "contracts/sales/invoice_lines.silver.odcs.yaml";

/// The line on which a document holds `text`.
fn line_of(mesh: &Mesh, document: &str, text: &str) -> usize {
    let content = fs::read_to_string(mesh.path(document)).unwrap();
    1 + content.lines().position(|line| line.contains(text)).unwrap()
}

#[test]
fn yaml_that_is_broken_is_refused_with_its_place() {
    for document in [
        "polder.yaml",
        BRONZE_CONTRACT,
        "pipelines/sales/invoice_lines.pipeline.yaml",
    ] {
        let mesh = Mesh::offline();
        let mut text = fs::read_to_string(mesh.path(document)).unwrap();
        text.push_str("\nbroken: [1, 2\n");
        let place = format!("{document}:{}", text.lines().count());
        fs::write(mesh.path(document), text).unwrap();
        let ended = mesh.refused(&["check"], 2, &[document]);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        // A list that is not closed is noticed at the document's end or behind it.
        let line: usize = place.rsplit(':').next().unwrap().parse().unwrap();
        let near = [line, line + 1].map(|line| format!("{document}:{line}:"));
        assert!(
            near.iter().any(|place| said.contains(place)),
            "none of {near:?} is in\n{said}"
        );
        mesh.refused(&["run"], 2, &[document]);
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_name() {
    let mesh = Mesh::offline();
    mesh.edit("polder.yaml", "  brokers:", "  brokres:");
    let place = format!("polder.yaml:{}:3", line_of(&mesh, "polder.yaml", "brokres"));
    mesh.refused(&["check"], 2, &[&place, "brokres", "brokers"]);
}

#[test]
fn a_value_of_the_wrong_type_and_a_secret_that_is_missing_are_refused() {
    let mesh = Mesh::offline();
    mesh.edit("polder.yaml", "memory: 1GiB", "memory: plenty");
    let place = format!("polder.yaml:{}:", line_of(&mesh, "polder.yaml", "plenty"));
    mesh.refused(&["check"], 2, &[&place, "memory"]);

    let mesh = Mesh::offline();
    mesh.edit(
        "polder.yaml",
        "  url: http://localhost:8081",
        "  url: http://localhost:8081\n  password: ${env:NO_SUCH_SECRET_OF_POLDER}",
    );
    mesh.refused(&["check"], 2, &["NO_SUCH_SECRET_OF_POLDER"]);
}

#[test]
fn a_contract_and_its_sql_that_disagree_are_refused_and_nothing_is_built() {
    let mesh = Mesh::offline();
    // The contract promises a number that the query does not give.
    mesh.edit(
        SILVER_CONTRACT,
        "      - name: line_kind\n",
        "      - name: margin\n        logicalType: integer\n        physicalType: bigint\n        required: true\n      - name: line_kind\n",
    );
    mesh.refused(&["check"], 2, &["invoice_lines", "margin"]);

    // The contract promises a number where the query gives a date; there is data to build from.
    let mesh = NewMesh::landed();
    let contract = mesh.path("contracts/shop/daily_orders.odcs.yaml");
    let text = fs::read_to_string(&contract).unwrap();
    let disagreeing = text.replacen(
        "logicalType: date\n        physicalType: date",
        "logicalType: integer\n        physicalType: bigint",
        1,
    );
    assert_ne!(disagreeing, text);
    fs::write(&contract, disagreeing).unwrap();
    mesh.refused(&["check"], 2, &["daily_orders", "order_day"]);
    mesh.refused(&["run"], 2, &["order_day"]);
    assert!(delta::versions(&mesh.path(".polder/lake/shop/gold/daily_orders")).is_empty());

    fs::write(&contract, text).unwrap();
    mesh.polder.expect(&["run"]);
    assert_eq!(
        mesh.csv("SELECT sum(orders) AS n FROM shop.gold.daily_orders"),
        "n\n3\n"
    );
}

#[test]
fn sql_that_names_what_is_not_there_is_refused_with_the_nearest_name() {
    let mesh = Mesh::offline();
    mesh.edit(
        "pipelines/sales/products.sql",
        "first_value(description",
        "first_value(descriptoin",
    );
    mesh.refused(&["check"], 2, &["pipelines/sales/products", "descriptoin"]);

    let mesh = Mesh::offline();
    mesh.edit(
        "pipelines/product/product_sales.sql",
        "FROM sales.silver.invoice_lines",
        "FROM sales.silver.invoice_line",
    );
    mesh.refused(
        &["check"],
        2,
        &["sales.silver.invoice_line", "sales.silver.invoice_lines"],
    );
}

#[test]
fn a_stream_into_a_dataset_without_a_contract_is_refused() {
    let mesh = Mesh::offline();
    mesh.edit(
        "pipelines/sales/invoice_lines.stream.yaml",
        "dataset: sales.bronze.invoice_lines",
        "dataset: sales.bronze.invoice_line",
    );
    mesh.refused(
        &["check"],
        2,
        &["sales.bronze.invoice_line", "did you mean `sales.bronze.invoice_lines`"],
    );
    mesh.refused(&["ingest", "--until-end"], 2, &["sales.bronze.invoice_line"]);
}
