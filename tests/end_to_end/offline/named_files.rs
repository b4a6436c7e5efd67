//! Files and folders that a command line names, wherever it stands: what is shown of them, and what is said where something
//! else is meant.

use std::fs;
use std::path::Path;

use polder_testkit::{Ended, Polder};

use super::table_fitness::{Copy, ORDERS, said};
use crate::mesh::copy_folder;
use crate::new_mesh::NewMesh;

/// Runs a command in the folder of the mesh's contracts.
fn below(mesh: &Path, arguments: &[&str]) -> Ended {
    Polder::in_folder(&mesh.join("contracts/shop")).run(arguments)
}

#[test]
fn a_comparison_shows_what_it_speaks_of_in_every_folder() {
    let base = Copy::built(&[]);
    let before = fs::read_to_string(base.path(ORDERS)).unwrap();
    fs::write(base.path(ORDERS), before.replace("minimum: 0", "minimum: 5")).unwrap();
    let version = 1 + before.lines().position(|line| line == "version: 1.0.0").unwrap();
    let excerpt = format!(" --> orders.odcs.yaml:{version}:10\n  |\n{version} | version: 1.0.0\n");
    let ended = below(
        &base.path(""),
        &["contract", "diff", "main:./orders.odcs.yaml", "orders.odcs.yaml"],
    );
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    assert!(ended.stderr.contains(&excerpt), "{}", said(&ended));
    // What is wrong in a revision stands there, and not in the file as it is now.
    fs::write(base.path(ORDERS), before.replace("status: active", "status: [active")).unwrap();
    base.commit();
    fs::write(base.path(ORDERS), &before).unwrap();
    for (old, shown) in [
        ("main:./orders.odcs.yaml", "main:./orders.odcs.yaml"),
        ("wrong.odcs.yaml", "wrong.odcs.yaml"),
    ] {
        fs::write(
            base.path("contracts/shop/wrong.odcs.yaml"),
            before.replace("status: active", "status: [active"),
        )
        .unwrap();
        let ended = below(&base.path(""), &["contract", "diff", old, "orders.odcs.yaml"]);
        assert_eq!(ended.code, Some(2), "{}", said(&ended));
        assert!(ended.stderr.contains(&format!(" --> {shown}:")), "{}", said(&ended));
        assert!(ended.stderr.contains(" | status: [active\n"), "{}", said(&ended));
    }
    // So do an import and an export.
    fs::write(
        base.path("contracts/shop/t.sql"),
        "CREATE TABLE t (\n  a int NOT NUL\n);\n",
    )
    .unwrap();
    let ended = below(&base.path(""), &["contract", "import", "t.sql", "--from", "sql"]);
    assert!(ended.stderr.contains("2 |   a int NOT NUL\n"), "{}", said(&ended));
    let ended = below(
        &base.path(""),
        &["contract", "export", "wrong.odcs.yaml", "--to", "avro"],
    );
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains(" | status: [active\n"), "{}", said(&ended));
    // What else can be named is said: a dataset where one is taken.
    let files = "a file, or a revision and a path, such as main:contracts/sales/orders.odcs.yaml";
    for (command, named) in [
        (
            &["contract", "export", "orders", "--to", "html"][..],
            "a dataset (domain.layer.name), ",
        ),
        (&["contract", "diff", "orders", "orders"], ""),
    ] {
        let ended = below(&base.path(""), command);
        assert_eq!(ended.code, Some(2), "{}", said(&ended));
        assert!(
            ended.stderr.contains(&format!("name {named}{files}")),
            "{}",
            said(&ended)
        );
    }
}

#[test]
fn a_file_where_a_dataset_is_meant_is_told_with_what_it_describes() {
    let mesh = NewMesh::landed();
    for command in [&["contract", "test"][..], &["slo"]] {
        for (name, told) in [
            (
                "orders.odcs.yaml",
                "help: name the one that it describes: shop.bronze.orders",
            ),
            ("../../polder.yaml", "`polder contract status` lists them"),
            ("ordrs.odcs.yaml", "there is no file ordrs.odcs.yaml"),
        ] {
            let arguments: Vec<&str> = command.iter().copied().chain([name]).collect();
            let ended = below(&mesh.path(""), &arguments);
            assert_eq!(ended.code, Some(2), "{}", said(&ended));
            assert!(ended.stderr.contains(told), "{told}\n{}", said(&ended));
            assert!(!ended.stderr.contains("is not a layer"), "{}", said(&ended));
        }
    }
}

#[test]
fn a_contract_is_inferred_from_the_folder_of_a_delta_table() {
    let mesh = NewMesh::landed();
    let table = ".polder/lake/shop/bronze/orders";
    let by_name = mesh.polder.expect(&["contract", "infer", "shop.bronze.orders"]);
    // A table of the mesh's lake is its dataset: what its contract hides stays hidden.
    assert_eq!(mesh.polder.expect(&["contract", "infer", table]), by_name);
    assert!(by_name.contains("# - customer: never null; from `***`"), "{by_name}");
    // Elsewhere it is a table of nobody's, also where there is no mesh.
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&mesh.path(table), &folder.path().join("taken over"));
    let elsewhere = Polder::in_folder(folder.path());
    let dataset = ["--dataset", "shop.bronze.orders", "--rows", "0"];
    let of_folder = elsewhere.expect(&[&["contract", "infer", "taken over"][..], &dataset].concat());
    let of_name = mesh
        .polder
        .expect(&["contract", "infer", "shop.bronze.orders", "--rows", "0"]);
    assert_eq!(of_folder, of_name);
    let observed = elsewhere.expect(&["contract", "infer", "taken over"]);
    assert!(observed.contains("# Observed in 3 rows"), "{observed}");
    assert!(observed.contains("\nname: taken over\n"), "{observed}");
}

#[test]
fn a_folder_that_is_no_delta_table_is_refused_with_what_to_name() {
    let mesh = NewMesh::landed();
    let ended = mesh.polder.run(&["contract", "infer", "contracts"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(
        ended.stderr.contains("contracts is a folder, and no Delta table"),
        "{}",
        said(&ended)
    );
    fs::create_dir(mesh.path("files")).unwrap();
    mesh.polder
        .expect(&["sql", "-o", "files/orders.parquet", "SELECT * FROM shop.bronze.orders"]);
    let ended = mesh.polder.run(&["contract", "infer", "files/"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(
        ended.stderr.contains("such as files/orders.parquet"),
        "{}",
        said(&ended)
    );
    fs::create_dir_all(mesh.path("begun/_delta_log")).unwrap();
    let ended = mesh.polder.run(&["contract", "infer", "begun"]);
    assert_ne!(ended.code, Some(0), "{}", said(&ended));
    assert!(
        ended.stderr.contains("cannot read the Delta table in begun"),
        "{}",
        said(&ended)
    );
}

#[test]
fn the_catalog_shows_a_type_of_columns_that_have_a_logical_one_alone() {
    let mesh = NewMesh::landed();
    let path = mesh.path(ORDERS);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("        physicalType: string\n", "")).unwrap();
    let shown = mesh
        .polder
        .expect(&["catalog", "show", "shop.bronze.orders", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let shown = shown.as_array().and_then(|rows| rows.first()).unwrap_or(&shown);
    let columns = shown["columns"].as_array().unwrap().iter();
    let types: Vec<_> = columns
        .map(|column| column["type"].as_str().unwrap_or("none"))
        .collect();
    assert_eq!(types, ["string", "timestamp", "string", "decimal(12,2)", "string"]);
}
