//! What `polder contract infer` shows of rows: a contract is read by many who may not see them.

use std::fs;

use polder_testkit::Polder;

use crate::mesh::copy_folder;
use crate::new_mesh::NewMesh;

const TABLE: &str = ".polder/lake/shop/bronze/orders";

/// The comment about a column.
fn observed<'t>(contract: &'t str, column: &str) -> &'t str {
    let begin = format!("# - {column}: ");
    let line = contract.lines().find(|line| line.starts_with(&begin));
    line.unwrap_or_else(|| panic!("nothing of {column} in\n{contract}"))
}

/// A mesh whose landed orders have customers that are confidential (`ada` is the least of them), and lie in a file and a copied
/// folder too.
fn copied() -> NewMesh {
    let mesh = NewMesh::landed();
    let contract = fs::read_to_string(mesh.path("contracts/shop/orders.odcs.yaml")).unwrap();
    assert!(contract.contains("classification: confidential"), "{contract}");
    let query = "SELECT order_id, customer AS \"Customer\" FROM shop.bronze.orders";
    mesh.polder.expect(&["sql", "-o", "orders.parquet", query]);
    copy_folder(&mesh.path(TABLE), &mesh.path("copy"));
    mesh
}

#[test]
fn what_a_datasets_contract_hides_is_hidden_in_files_and_copies_of_its_rows() {
    let mesh = copied();
    let part = fs::read_dir(mesh.path(TABLE))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let part = part
        .map(|name| name.into_string().unwrap())
        .find(|name| name.ends_with(".parquet"));
    let part = format!("{TABLE}/{}", part.unwrap());
    for (source, column) in [
        (&["orders.parquet", "--dataset", "shop.bronze.orders"][..], "Customer"),
        (&["orders.parquet", "--dataset", "shop.bronze"], "Customer"),
        (&["copy", "--dataset", "shop.bronze.orders"], "customer"),
        (&["shop.bronze.orders", "--dataset", "shop.silver.orders"], "customer"),
        // A file of the lake is known by where it lies.
        (&[&part], "customer"),
    ] {
        let inferred = mesh.polder.expect(&[&["contract", "infer"], source].concat());
        let customer = observed(&inferred, column);
        assert!(
            customer.contains("never null; from `***` to `***`"),
            "{source:?}: {customer}"
        );
        let order = observed(&inferred, "order_id");
        assert!(order.contains("from `A-1` to `A-4`"), "{source:?}: {order}");
        assert!(!inferred.contains("ada"), "{inferred}");
    }
    // Of what nobody declared, nobody said who may see it; nor where there is no mesh.
    let inferred = mesh.polder.expect(&["contract", "infer", "orders.parquet"]);
    assert!(observed(&inferred, "Customer").contains("from `ada`"), "{inferred}");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(mesh.path("orders.parquet"), folder.path().join("orders.parquet")).unwrap();
    let named = ["contract", "infer", "orders.parquet", "--dataset", "shop.bronze.orders"];
    let inferred = Polder::in_folder(folder.path()).expect(&named);
    assert!(observed(&inferred, "Customer").contains("from `ada`"), "{inferred}");
}

#[test]
fn a_contract_that_cannot_be_read_hides_all_and_a_mesh_that_cannot_be_read_is_an_error() {
    let mesh = copied();
    let infer = ["contract", "infer", "orders.parquet", "--dataset", "shop.bronze.orders"];
    let contract = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&contract).unwrap();
    fs::write(&contract, text.replace("status: active", "status: [active")).unwrap();
    let inferred = mesh.polder.expect(&infer);
    for column in ["order_id", "Customer"] {
        assert!(
            observed(&inferred, column).contains("from `***` to `***`"),
            "{inferred}"
        );
    }
    fs::write(mesh.path("polder.yaml"), "name: [\n").unwrap();
    mesh.refused(&infer, 2, &["polder.yaml"]);
}

#[test]
fn nothing_of_refused_rows_is_shown() {
    let mesh = NewMesh::landed();
    let refused = mesh.csv("SELECT record FROM shop.quarantine.bronze_orders");
    assert!(refused.contains("A-3"), "{refused}");
    let decided = [
        "quarantine",
        "discard",
        "shop.bronze.orders",
        "--all",
        "--reason",
        "a test of A-3",
    ];
    mesh.polder.expect(&decided);
    copy_folder(
        &mesh.path(".polder/lake/shop/quarantine/bronze_orders"),
        &mesh.path("copy"),
    );
    let query = "SELECT * FROM shop.quarantine.bronze_orders";
    mesh.polder.expect(&["sql", "-o", "refused.parquet", query]);
    for source in [
        &["shop.quarantine.bronze_orders"][..],
        &["copy"],
        &["copy", "--dataset", "shop.bronze.orders"],
        &["refused.parquet"],
        &["refused.parquet", "--dataset", "shop.quarantine.bronze_orders"],
    ] {
        let inferred = mesh.polder.expect(&[&["contract", "infer"], source].concat());
        for hidden in ["reason", "record", "raw", "resolution", "resolved_by", "history"] {
            let said = observed(&inferred, hidden);
            assert!(said.contains("never null; from `***` to `***`"), "{source:?}: {said}");
        }
        assert!(
            observed(&inferred, "rule").contains("from `amount.minimum`"),
            "{inferred}"
        );
        let record = "A-3".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(!inferred.contains("A-3") && !inferred.contains(&record), "{inferred}");
    }
}
