//! What is written goes into a folder that need not be there yet.

use crate::new_mesh::NewMesh;

#[test]
fn the_folder_of_an_output_is_made() {
    let mesh = NewMesh::landed();
    for (file, arguments) in [
        ("made/a/schema.json", &["contract", "schema"][..]),
        (
            "made/b/orders.avsc",
            &["contract", "export", "shop.bronze.orders", "--to", "avro"],
        ),
        (
            "made/c/orders.odcs.yaml",
            &["contract", "import", "made/b/orders.avsc", "--from", "avro"],
        ),
        (
            "made/d/inferred.odcs.yaml",
            &["contract", "infer", "shop.bronze.orders"],
        ),
        ("made/e/rows.csv", &["sql", "SELECT 1 AS one"]),
        ("made/f/rows.parquet", &["sql", "SELECT 1 AS one"]),
    ] {
        mesh.polder.expect(&[arguments, &["--output", file]].concat());
        assert!(mesh.path(file).is_file(), "{arguments:?}");
    }
    // What stands in the way is named.
    let below = "made/e/rows.csv/deeper/rows.csv";
    mesh.refused(
        &["sql", "SELECT 1 AS one", "--output", below],
        2,
        &["made/e/rows.csv/deeper"],
    );
}
