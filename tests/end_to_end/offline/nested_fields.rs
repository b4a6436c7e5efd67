//! Fields inside of objects, lists and maps: what is told of them, and how they are mended.

use std::fs;

use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const CONTRACT: &str = "contracts/shop/products.odcs.yaml";
const PRODUCTS: &str = "shop.bronze.products";
const FILE: &str = "data/products/1.jsonl";

/// A mesh with a stream of products, whose records are these.
fn mesh(records: &[Value]) -> NewMesh {
    let mesh = NewMesh::landed();
    let contract = r#"
apiVersion: v3.1.0
kind: DataContract
id: shop.bronze.products
name: Products
version: 1.0.0
status: active
domain: shop
description: {purpose: What is sold.}
team: {name: shop, members: [{username: you@shop.example, role: owner}]}
schema:
  - name: products
    physicalName: shop.bronze.products
    description: One row a product.
    properties:
      - {name: sku, description: Its number., logicalType: string, required: true}
      - name: spec
        description: What it is.
        logicalType: object
        properties:
          - {name: ean, logicalType: string, unique: true}
          - {name: pin, logicalType: string, classification: restricted, customProperties: [{property: polder.mask, value: full}]}
          - {name: weight, logicalType: number, physicalType: "decimal(8,2)"}
      - name: variants
        description: In which it comes.
        logicalType: array
        items:
          logicalType: object
          properties:
            - {name: size, logicalType: string}
            - {name: price, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - name: titles
        description: By language.
        logicalType: map
        map:
          key: {logicalType: string}
          value: {logicalType: object, properties: [{name: text, logicalType: string}]}
      - name: rates
        description: Of tax, by country.
        logicalType: map
        map:
          key: {logicalType: string}
          value: {logicalType: number}
"#;
    fs::write(mesh.path(CONTRACT), contract).unwrap();
    let stream = "description: Products\ndataset: shop.bronze.products\nsource: {files: {path: data/products/*.jsonl}}\n\
                  format: {encoding: json}\n";
    fs::write(mesh.path("pipelines/shop/products.stream.yaml"), stream).unwrap();
    fs::create_dir_all(mesh.path("data/products")).unwrap();
    let lines: Vec<String> = records.iter().map(|record| format!("{record}\n")).collect();
    fs::write(mesh.path(FILE), lines.concat()).unwrap();
    mesh
}

/// What a run of the stream says.
fn ingest(mesh: &NewMesh) -> String {
    let ended = mesh.polder.run(&["ingest", "shop.products", "--until-end"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stderr
}

/// A replay of rows that this rule refused. Gives the exit code, and all that is said.
fn replay(mesh: &NewMesh, rule: &str, set: &str) -> (Option<i32>, String) {
    let arguments = ["quarantine", "replay", PRODUCTS, "--rule", rule, "--set", set];
    let ended = mesh.polder.run(&arguments);
    (ended.code, ended.stdout + &ended.stderr)
}

#[test]
fn what_the_contract_does_not_have_is_told_with_its_way() {
    let mesh = mesh(&[
        json!({"sku": "1", "spec": {"ean": "1", "wieght": 5}, "zzz": 1}),
        json!({"sku": "2", "variants": [{"size": "S"}, {"size": "M", "stock": 3}], "titles": {"de": {"text": "x", "by": "y"}}}),
        json!({"sku": "3", "spec": {"ean": "3", "colour": null}, "variants": [], "titles": {"wieght": {"text": "x"}}}),
    ]);
    let fields = "spec.wieght, titles.value.by, variants[].stock, zzz";
    let said = ingest(&mesh);
    assert!(
        said.contains(&format!("the contract does not have: {fields} (2 records)")),
        "{said}"
    );
    let tested = mesh.polder.run(&["test", CONTRACT, "--data", FILE]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(
        tested
            .stderr
            .contains(&format!("has {fields}, of which the contract says nothing")),
        "{tested:?}"
    );
}

#[test]
fn a_key_inside_of_an_object_is_told_without_what_lies_beside_it() {
    let product = |sku: &str, pin: &str| json!({"sku": sku, "spec": {"ean": "4006381333931", "pin": pin, "weight": 1}});
    let mesh = mesh(&[product("1", "0815"), product("2", "4711")]);
    ingest(&mesh);
    let reasons = mesh.csv("SELECT reason FROM shop.quarantine.bronze_products");
    assert_eq!(
        reasons,
        "reason\n\"an earlier row has the key {\"\"spec.ean\"\":\"\"4006381333931\"\"}\"\n"
    );
}

#[test]
fn what_is_set_goes_into_fields_as_a_stream_would_bring_it_and_into_no_others() {
    let mesh = mesh(&[json!({"sku": "1", "variants": [{"size": "S", "price": -1}]})]);
    ingest(&mesh);
    let rule = "variants[].price.minimum";
    let (code, said) = replay(&mesh, rule, "variants = [{size: 'S', prise: 4}]");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the contract has no field `variants[].prise`") && said.contains("did you mean `price`?"),
        "{said}"
    );
    let (code, said) = replay(&mesh, rule, "spec.weight = 2");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("write spec = {ean: spec.ean, pin: spec.pin, weight: 2}"),
        "{said}"
    );
    // In SQL 4.35 is a decimal, in the column a double.
    let (code, said) = replay(&mesh, rule, "variants = [{size: 'S', price: 4.35}]");
    assert_eq!(code, Some(0), "{said}");
    let prices = mesh.csv("SELECT variants[1]['price'] AS price FROM shop.bronze.products");
    assert_eq!(prices, "price\n4.35\n");
}

#[test]
fn what_does_not_fit_inside_of_an_object_is_mended_from_what_came() {
    let mesh = mesh(&[
        json!({"sku": "1", "spec": {"ean": "1", "weight": 1.005}}),
        json!({"sku": "2", "spec": 7}),
        json!({"sku": "3", "variants": [{"size": "S", "price": "9,50 EUR"}, {"size": "M", "price": 1}]}),
    ]);
    ingest(&mesh);
    // A field is text where it does not fit, and only that.
    let rounded = "spec = {ean: spec.ean, weight: round(CAST(spec.weight AS DECIMAL(10,3)), 2)}";
    let (code, said) = replay(&mesh, "spec.type", rounded);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("1 of 2 rows") && said.contains("as in spec = {ean: …, pin: …, weight: …}"),
        "{said}"
    );
    // What is no object is text as a whole.
    let (code, said) = replay(&mesh, "spec.type", "spec = {weight: spec}");
    assert_eq!(code, Some(0), "{said}");
    // What cannot be computed from text is told with how it can be.
    let (code, said) = replay(
        &mesh,
        "variants.type",
        "variants = [{price: abs(variants[1]['price'])}]",
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("CAST(variants[1]['price'] AS DECIMAL(38, 10))"), "{said}");
    let price = "replace(split_part(CAST(variants[1]['price'] AS VARCHAR), ' ', 1), ',', '.')";
    let set = format!("variants = [{{size: variants[1]['size'], price: {price}}}, variants[2]]");
    let (code, said) = replay(&mesh, "variants.type", &set);
    assert_eq!(code, Some(0), "{said}");
    let rows = "SELECT sku, spec['ean'] AS ean, spec['weight'] AS weight, variants[1]['price'] AS price, \
                variants[2]['size'] AS size FROM shop.bronze.products ORDER BY sku";
    assert_eq!(
        mesh.csv(rows),
        "sku,ean,weight,price,size\n1,1,1.01,,\n2,,7.00,,\n3,,,9.5,M\n"
    );
}

#[test]
fn what_was_refused_as_a_whole_is_mended_from_what_came() {
    let mesh = mesh(&[
        json!({"sku": "1", "rates": {"de": "0,19", "at": 0.2}}),
        json!({"sku": "2", "rates": {"de": 0.07, "at": [0.1]}}),
        json!({"sku": "3", "spec": "{\"weight\": 1.5}"}),
        json!({"sku": "4", "spec": {"ean": "4", "weight": 1.005, "pin": "0815"}}),
        json!({"sku": "5", "spec": 12}),
    ]);
    ingest(&mesh);
    // Of a map, values that do not fit are text, and what is left of them must fit.
    let rates =
        "rates = MAP {'de': replace(CAST(rates['de'] AS VARCHAR), ',', '.'), 'at': CAST(rates['at'] AS VARCHAR)}";
    let (code, said) = replay(&mesh, "rates.type", rates);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("1 of 2 rows") && said.contains("`[0.1]` is not a"),
        "{said}"
    );
    let (code, said) = replay(&mesh, "rates.type", "rates = MAP {'at': abs(rates['at'])}");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("as in CAST(rates['at'] AS DECIMAL(38, 10))"), "{said}");
    let rates = "rates = MAP {'de': CAST(rates['de'] AS DOUBLE), 'at': CAST(trim(CAST(rates['at'] AS VARCHAR), '[]') AS DOUBLE)}";
    let (code, said) = replay(&mesh, "rates.type", rates);
    assert_eq!(code, Some(0), "{said}");

    // The cast is one for all that came, be it text, a number or an object.
    let number = "CAST(CAST(spec AS VARCHAR) AS DECIMAL(8,2))";
    let (code, said) = replay(&mesh, "spec.type", &format!("spec = named_struct('weight', {number})"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1 of 3 rows"), "{said}");
    let digits = "regexp_replace(CAST(spec AS VARCHAR), '^.*\"weight\": ?([0-9.]+).*$', '\\1')";
    let weight = format!("round(CAST({digits} AS DECIMAL(10,4)), 2)");
    let as_it_came = format!("spec = {{weight: {weight}, pin: CAST(spec AS VARCHAR)}}");
    let (code, said) = replay(&mesh, "spec.type", &as_it_came);
    assert_eq!(code, Some(0), "{said}");

    // Each comes once: nothing is left, and the stream brings none again.
    let (code, said) = replay(&mesh, "spec.type", &as_it_came);
    assert_eq!(code, Some(0), "{said}");
    ingest(&mesh);
    let rows = "SELECT sku, rates['de'] AS de, rates['at'] AS at, spec['weight'] AS weight, spec['pin'] AS pin \
                FROM shop.bronze.products ORDER BY sku";
    let wanted = [
        "sku,de,at,weight,pin",
        "1,0.19,0.2,,",
        "2,0.07,0.1,,",
        r#"3,,,1.50,"{""weight"": 1.5}""#,
        r#"4,,,1.01,"{""ean"":""4"",""weight"":1.005,""pin"":""0815""}""#,
        "5,,,12.00,",
    ];
    assert_eq!(mesh.csv(rows), format!("{}\n", wanted.join("\n")));
}

#[test]
fn the_advice_names_what_is_to_blame() {
    let mesh = mesh(&[
        json!({"sku": "1", "spec": {"ean": {"x": 1}, "weight": "1,5"}}),
        json!({"sku": "2", "variants": [{"size": "S", "price": "a"}, {"size": "M", "price": 1}]}),
    ]);
    ingest(&mesh);
    for (rule, set, advice) in [
        (
            "spec.type",
            "spec = {ean: upper(CAST(spec.ean AS VARCHAR)), weight: round(spec.weight, 2)}",
            "as in CAST(spec.weight AS DECIMAL(38, 10))",
        ),
        (
            "variants.type",
            "variants = [{price: CAST('1' AS DOUBLE)}, {price: abs(variants[2]['price'])}]",
            "as in CAST(variants[2]['price'] AS DECIMAL(38, 10))",
        ),
        (
            "variants.type",
            "variants = [{price: 1.5}, {price: variants[2]['price']}]",
            "as in CAST(variants[2]['price'] AS DECIMAL(38, 10))",
        ),
        (
            "spec.type",
            "spec = {weight: 1e400}",
            "a number with 400 zeros at its end is too large for a decimal",
        ),
        (
            "spec.type",
            "spec = {weight: spec[1]}",
            "a field of an object is o.name or o['name']",
        ),
    ] {
        let (_, said) = replay(&mesh, rule, set);
        assert!(said.contains(advice), "{set}: {said}");
    }
}

/// A contract of the shop with these columns and quality rules.
fn contract_of(layer: &str, table: &str, columns: &str, quality: &str) -> String {
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: shop.{layer}.{table}\nname: {table}\nversion: 1.0.0\nstatus: active\n\
         domain: shop\ndescription: {{purpose: What is sold.}}\n\
         team: {{name: shop, members: [{{username: you@shop.example, role: owner}}]}}\n\
         schema:\n  - name: {table}\n    physicalName: shop.{layer}.{table}\n    description: One row a sale.\n\
         \x20   properties:\n      - {{name: id, description: Its number., logicalType: integer, physicalType: bigint}}\n\
         {columns}{quality}"
    )
}

#[test]
fn keys_of_maps_inside_of_objects_are_read_from_files() {
    let mesh = NewMesh::landed();
    let whole = "logicalType: integer, physicalType: bigint";
    let text = "key: {logicalType: string}";
    let columns = format!(
        "      - name: o\n        description: What is known.\n        logicalType: object\n        properties:\n\
         \x20         - {{name: n, logicalType: map, map: {{{text}, value: {{{whole}}}}}}}\n\
         \x20         - {{name: m, logicalType: map, map: {{{text}, value: {{logicalType: object, properties: [{{name: x, {whole}}}]}}}}}}\n\
         \x20         - {{name: p, logicalType: object, properties: [{{name: n, logicalType: map, map: {{{text}, value: {{{whole}}}}}}}]}}\n"
    );
    let rule = "    quality:\n      - {id: small, type: sql, query: \"SELECT count(*) FROM (SELECT id, o.n['k'] AS z FROM {object}) WHERE z > 100\", mustBe: 0}\n";
    let bronze = contract_of("bronze", "sales", &columns, rule);
    fs::write(mesh.path("contracts/shop/sales.odcs.yaml"), bronze).unwrap();
    let x = format!("      - {{name: x, description: It., {whole}}}\n      - {{name: y, description: It., {whole}}}\n");
    fs::write(
        mesh.path("contracts/shop/keys.odcs.yaml"),
        contract_of("silver", "keys", &x, ""),
    )
    .unwrap();
    let stream = "description: Sales\ndataset: shop.bronze.sales\nsource: {files: {path: data/sales/*.jsonl}}\n\
                  format: {encoding: json}\n";
    fs::write(mesh.path("pipelines/shop/sales.stream.yaml"), stream).unwrap();
    let pipeline = "description: Keys\ndataset: shop.silver.keys\nmaterialization: append\n";
    fs::write(mesh.path("pipelines/shop/keys.pipeline.yaml"), pipeline).unwrap();
    let query = "SELECT id, o.n['k'] AS x, o.p.n['k'] AS y FROM shop.bronze.sales\n";
    fs::write(mesh.path("pipelines/shop/keys.sql"), query).unwrap();
    fs::create_dir_all(mesh.path("data/sales")).unwrap();
    let land = |id: i64, n: Value| {
        let record = json!({"id": id, "o": {"n": n, "m": {"k": {"x": id + 1}}, "p": {"n": {"k": id + 2}}}});
        fs::write(mesh.path(&format!("data/sales/{id}.jsonl")), format!("{record}\n")).unwrap();
        mesh.polder.expect(&["ingest", "shop.sales", "--until-end"]);
        mesh.polder.expect(&["run"]);
    };
    land(1, json!({"k": 7}));
    // The increment, over a row that does not have the key.
    land(2, json!({"other": 8}));
    assert_eq!(
        mesh.csv("SELECT * FROM shop.silver.keys ORDER BY id"),
        "id,x,y\n1,7,3\n2,,4\n"
    );
    for (value, wanted) in [
        ("o.n['k']", "7"),
        ("o['n']['k'] + 1", "8"),
        ("coalesce(o.n['k'], 0)", "7"),
        ("o.m['k']['x']", "2"),
        ("o['m']['k']['x']", "2"),
        ("o.p.n['k']", "3"),
        ("o.p.n['k'] + o.n['k'] + o.m['k']['x']", "12"),
    ] {
        let query = format!("SELECT {value} AS v FROM shop.bronze.sales ORDER BY id LIMIT 1");
        assert_eq!(mesh.csv(&query), format!("v\n{wanted}\n"), "{value}");
        let query = format!("SELECT {value} AS v FROM shop.bronze.sales");
        assert!(mesh.csv(&query).contains(&format!("\n{wanted}\n")), "{value}");
    }
    let renamed = "SELECT x['k'] AS v FROM (SELECT o.n AS x FROM shop.bronze.sales) AS t WHERE x['k'] IS NOT NULL";
    assert_eq!(mesh.csv(renamed), "v\n7\n");
    let tested = mesh.polder.run(&["test", "shop.bronze.sales"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
}
