//! Forms of SQL over lists and objects that other engines have: each is told with its place and with what to write.

use std::fs;

use crate::new_mesh::NewMesh;

#[test]
fn a_query_over_lists_in_a_form_of_other_engines_is_told_what_to_write() {
    let mesh = NewMesh::landed();
    let rows = "(SELECT 1 AS id, make_array({sku: 'a', qty: 2}, {sku: 'b', qty: 3}) AS items)";
    let unnested = "WITH l AS (SELECT *, unnest(items) AS item FROM …) SELECT item['sku'] FROM l";
    for (query, says) in [
        (
            format!("SELECT items[1].sku FROM {rows}"),
            &["`sku` at line 1, column 17", "items[1]['sku']"][..],
        ),
        (
            format!("SELECT u FROM {rows} AS t, unnest(t.items) AS x(u)"),
            &["`t.items`", unnested],
        ),
        (
            format!("SELECT u FROM {rows} AS t LATERAL VIEW explode(items) x AS u"),
            &["`LATERAL VIEW`", unnested],
        ),
    ] {
        mesh.refused(&["sql", &query], 2, says);
    }
    // What they are told to write.
    assert_eq!(
        mesh.csv(&format!(
            "SELECT items[1]['sku'], items[2]['qty'] AS qty FROM {rows} AS t"
        )),
        "t.items[1][sku],qty\na,3\n"
    );
    assert_eq!(
        mesh.csv(&format!(
            "WITH l AS (SELECT *, unnest(items) AS item FROM {rows}) SELECT id, item['sku'] AS sku FROM l ORDER BY 2"
        )),
        "id,sku\n1,a\n1,b\n"
    );
}

#[test]
fn a_pipeline_over_lists_is_told_at_its_place() {
    let mesh = NewMesh::landed();
    let file = "pipelines/shop/daily_orders.sql";
    for (sql, place, says) in [
        ("SELECT 1 AS a,\n  make_array({b: 2})[1].b AS b", ":2:25", "['b']"),
        (
            "SELECT amount\nFROM shop.bronze.orders LATERAL VIEW explode(amount) x AS u",
            ":2:25",
            "unnest",
        ),
        ("SELECT 1 AS a,\n  {b: 2}['c'] AS b", ":2:11", "`c`"),
    ] {
        fs::write(mesh.path(file), sql).unwrap();
        mesh.refused(&["check"], 2, &[&format!("{file}{place}"), says]);
    }
}
