//! Ranks and numbers of rows, which other engines give as integers: into the columns of a contract without a cast.

use std::fs;

use super::table_fitness::said;
use crate::new_mesh::NewMesh;

const QUERY: &str = "pipelines/shop/ranked.sql";
const CONTRACT: &str = "contracts/shop/ranked.odcs.yaml";

/// A mesh with a pipeline for `shop.silver.ranked`, whose contract is still to be written.
fn mesh(query: &str) -> NewMesh {
    let mesh = NewMesh::landed();
    let pipeline = "description: Orders by size.\ndataset: shop.silver.ranked\nmaterialization: replace_groups\n";
    fs::write(mesh.path("pipelines/shop/ranked.pipeline.yaml"), pipeline).unwrap();
    fs::write(mesh.path(QUERY), query).unwrap();
    mesh
}

fn promises(mesh: &NewMesh, columns: &str) {
    let contract = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: ranked\nname: ranked\nversion: 1.0.0\nstatus: active\ndomain: shop\n\
         description: {{purpose: Orders by size.}}\n\
         team: {{name: shop, members: [{{username: you@shop.example, role: owner}}]}}\n\
         schema:\n  - name: ranked\n    physicalName: shop.silver.ranked\n    description: One row each.\n    properties:\n\
         {columns}"
    );
    fs::write(mesh.path(CONTRACT), contract).unwrap();
}

const RANKED: &str = "SELECT order_id, row_number() OVER (ORDER BY amount, order_id) AS nth,
       rank() OVER (ORDER BY amount) AS place
FROM shop.bronze.orders";

#[test]
fn ranks_go_into_integers_and_decimals_without_a_cast() {
    let mesh = mesh(RANKED);
    promises(
        &mesh,
        "      - {name: order_id, logicalType: string}\n      - {name: nth, logicalType: integer, physicalType: bigint}\n      \
         - {name: place, logicalType: number, physicalType: 'decimal(20,0)'}\n",
    );
    mesh.polder.expect(&["check"]);
    mesh.polder.expect(&["run", "--select", "shop.ranked"]);
    let rows = "SELECT count(*) AS n, min(nth) AS first, max(nth) AS last, min(place) AS place, \
                count(DISTINCT nth) AS different FROM shop.silver.ranked";
    let rows = mesh.csv(rows);
    let orders = mesh.csv("SELECT count(*) AS n FROM shop.bronze.orders");
    let n = orders.trim_start_matches("n\n").trim();
    assert_eq!(rows, format!("n,first,last,place,different\n{n},1,{n},1,{n}\n"));

    // A narrower one is for the author to choose.
    promises(
        &mesh,
        "      - {name: order_id, logicalType: string}\n      - {name: nth, logicalType: integer, physicalType: int}\n      \
         - {name: place, logicalType: integer, physicalType: bigint}\n",
    );
    mesh.refused(
        &["check"],
        2,
        &["wrong-type", "`nth` is integer (64 bits, no sign)", "CAST(… AS INT)"],
    );
}

#[test]
fn a_number_that_is_too_large_breaks_the_rule_of_its_columns_type() {
    let mesh = mesh(
        "SELECT order_id, CASE order_id WHEN 'A-1' THEN arrow_cast('18446744073709551615', 'UInt64') ELSE \
         arrow_cast('7', 'UInt64') END AS nth FROM shop.bronze.orders",
    );
    promises(
        &mesh,
        "      - {name: order_id, logicalType: string}\n      - {name: nth, logicalType: integer, physicalType: bigint}\n",
    );
    mesh.polder.expect(&["check"]);
    let run = mesh.polder.run(&["run", "--select", "shop.ranked"]);
    assert_eq!(run.code, Some(0), "{}", said(&run));
    let kept = mesh.csv("SELECT count(*) AS n, max(nth) AS nth FROM shop.silver.ranked WHERE order_id <> 'A-2'");
    let others = mesh.csv("SELECT count(*) AS n FROM shop.bronze.orders WHERE order_id NOT IN ('A-1', 'A-2')");
    let others = others.trim_start_matches("n\n").trim();
    assert_eq!(kept, format!("n,nth\n{others},7\n"));
    let listed = mesh
        .polder
        .expect(&["quarantine", "list", "shop.silver.ranked", "--format", "csv"]);
    assert!(listed.contains("shop.silver.ranked,nth.type,1.0.0,1,"), "{listed}");
}

#[test]
fn a_contract_that_is_inferred_from_the_rows_of_a_query_takes_what_the_query_gives() {
    let mesh = mesh(RANKED);
    mesh.polder.expect(&["sql", "-o", "rows.parquet", RANKED]);
    let inferred = [
        "contract",
        "infer",
        "rows.parquet",
        "--dataset",
        "shop.silver.ranked",
        "-o",
        CONTRACT,
    ];
    mesh.polder.expect(&inferred);
    let contract = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    assert!(!contract.contains("u64") && contract.contains("i64"), "{contract}");
    let checked = mesh.polder.run(&["check"]);
    assert!(!said(&checked).contains("wrong-type"), "{}", said(&checked));

    let large = "SELECT arrow_cast('9223372036854775808', 'UInt64') AS nth";
    let says = [
        "`nth` holds a number that is too large for a bigint",
        "CAST(… AS DECIMAL(20,0)) AS nth",
    ];
    mesh.refused(&["sql", "-o", "large.parquet", large], 1, &says);
    mesh.polder.expect(&["sql", "-o", "large.csv", large]);
    assert_eq!(
        fs::read_to_string(mesh.path("large.csv")).unwrap(),
        "nth\n9223372036854775808\n"
    );
}

#[test]
fn a_group_whose_key_is_too_large_is_refused_by_increments_as_by_builds_in_full() {
    let mesh = mesh(
        "SELECT CASE WHEN amount > 1000 THEN arrow_cast('18446744073709551615', 'UInt64') ELSE arrow_cast('7', 'UInt64') END \
         AS nth, count(*) AS n FROM shop.bronze.orders GROUP BY 1",
    );
    let pipeline =
        "description: Orders by size.\ndataset: shop.silver.ranked\nmaterialization: replace_groups\nkey: [nth]\n";
    fs::write(mesh.path("pipelines/shop/ranked.pipeline.yaml"), pipeline).unwrap();
    promises(
        &mesh,
        "      - {name: nth, logicalType: integer, physicalType: bigint}\n      - {name: n, logicalType: integer, \
         physicalType: bigint}\n",
    );
    let order = |id: &str, amount: &str| {
        let path = mesh.path("data/orders/2026-01.jsonl");
        let orders = fs::read_to_string(&path).unwrap();
        let order = format!(
            "{{\"order_id\": \"{id}\", \"ordered_at\": \"2026-01-05T11:30:00Z\", \"amount\": {amount}, \"currency\": \"EUR\"}}\n"
        );
        fs::write(path, format!("{orders}{order}")).unwrap();
        mesh.polder.expect(&["ingest", "--until-end"]);
    };
    mesh.polder.expect(&["run", "--select", "shop.ranked"]);
    let small = |orders: u64| {
        let orders = 3 + orders;
        assert_eq!(
            mesh.csv("SELECT nth, n FROM shop.silver.ranked"),
            format!("nth,n\n7,{orders}\n")
        );
    };
    small(0);
    for (id, amount, more) in [("B-1", "5000.00", 0), ("B-2", "15.00", 1), ("B-3", "6000.00", 1)] {
        order(id, amount);
        let run = mesh.polder.run(&["run", "--select", "shop.ranked"]);
        assert!(
            run.code == Some(0) && run.stdout.contains("incremental"),
            "{}",
            said(&run)
        );
        small(more);
        let listed = mesh
            .polder
            .expect(&["quarantine", "list", "shop.silver.ranked", "--format", "csv"]);
        assert!(listed.contains("shop.silver.ranked,nth.type,1.0.0,"), "{listed}");
    }
}
