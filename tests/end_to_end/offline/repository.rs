//! The repository itself is a mesh, and it is clean.

use std::time::Instant;

use polder_testkit::Polder;

use crate::mesh::repository;

#[test]
fn the_repositorys_mesh_is_clean() {
    let polder = Polder::in_folder(&repository());
    let start = Instant::now();
    let said = polder.expect(&["check"]);
    assert!(said.contains("0 errors, 0 warnings"), "{said}");
    // One second is promised of a release build; this build is slower, and others run beside it.
    assert!(start.elapsed().as_secs() < 10, "the check took {:?}", start.elapsed());
}

#[test]
fn the_version_is_told_without_a_mesh() {
    let folder = tempfile::tempdir().unwrap();
    let said = Polder::in_folder(folder.path()).expect(&["--version"]);
    assert_eq!(said.trim(), format!("polder {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_columns_way_is_told_step_by_step() {
    let column = [
        "lineage",
        "sales.bronze.invoice_lines",
        "--columns",
        "--column",
        "country",
    ];
    let said = Polder::in_folder(&repository()).expect(&[&column[..], &["--format", "csv"]].concat());
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "direction,chain,from,how,via,to",
            "downstream,1,sales.bronze.invoice_lines.country,identity,pipeline sales.invoice_lines,sales.silver.invoice_lines.country",
            "downstream,1,sales.silver.invoice_lines.country,identity,pipeline product.product_sales,product.gold.product_sales.country",
            "downstream,2,sales.bronze.invoice_lines.country,identity,pipeline sales.invoice_lines,sales.silver.invoice_lines.country",
            "downstream,2,sales.silver.invoice_lines.country,aggregation,pipeline sales.customers,sales.silver.customers.country",
            "downstream,2,sales.silver.customers.country,identity,pipeline customer.customers,customer.gold.customers.country",
        ]
    );
}
