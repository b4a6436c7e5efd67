//! Data products: their structure, their ports against the contracts, and what changes of them mean.

use chrono::{DateTime, Utc};
use polder_core::document::{Diagnostic, Source};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::examples::standard;
use super::from_schema::{made, mistakes};
use super::json_schema::JsonSchema;
use crate::ContractSet;
use crate::diff::Bump;
use crate::product::{check, compare, parse};

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

const CONTRACTS: [(&str, &str, &str, &str); 4] = [
    ("sales", "sales.silver.lines", "1.4.0", "active"),
    ("shop", "shop.gold.report", "2.1.0", "active"),
    ("shop", "shop.gold.old", "1.0.0", "retired"),
    ("shop", "shop.gold.next", "0.1.0", "draft"),
];

fn contracts() -> ContractSet {
    let sources = CONTRACTS.map(|(domain, dataset, version, status)| {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nversion: {version}\nstatus: {status}\nschema:\n  - name: t\n    \
             physicalName: {dataset}\n    properties:\n      - {{name: id, logicalType: string}}\n"
        );
        (domain.to_owned(), Source::new(format!("{dataset}.odcs.yaml"), text))
    });
    let (set, found) = ContractSet::load(sources);
    assert_eq!(found, []);
    set
}

const PRODUCT: &str = "apiVersion: v1.0.0
kind: DataProduct
id: shop.report
name: Report
version: 1.2.0
status: active
domain: shop
inputPorts:
  - {name: lines, version: 1.0.0, contractId: sales.silver.lines}
outputPorts:
  - name: report
    type: tables
    version: 2.1.0
    contractId: shop.gold.report
    inputContracts: [{id: sales.silver.lines, version: 1.0.0}]
team:
  name: shop
  members: [{username: a@shop.example, role: analyst}, {username: b@shop.example, role: Owner}]
";

fn source(text: &str) -> Source {
    Source::new("p.odps.yaml", text)
}

fn shown(findings: &[Diagnostic]) -> Vec<String> {
    findings
        .iter()
        .map(|found| format!("{} {} {}", found.severity.as_str(), found.code, found.message))
        .collect()
}

/// What is found in the product after one stretch of text is replaced.
fn found(from: &str, to: &str) -> Vec<String> {
    assert_eq!(PRODUCT.matches(from).count(), 1, "{from}");
    let text = PRODUCT.replacen(from, to, 1);
    shown(&check([("shop".to_owned(), source(&text))], &contracts(), now()).1)
}

#[test]
fn the_official_examples_are_accepted_and_read() {
    let Some(folder) = standard("../odps") else { return };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for name in ["customer-data-product.odps.yaml", "simple-data-product.odps.yaml"] {
        let (product, findings) = parse(&Source::new(name, read(name)));
        assert_eq!(shown(&findings), Vec::<String>::new(), "{name}");
        let product = product.unwrap();
        assert!(compare(&product, &product).is_empty());
    }
    let (product, _) = parse(&source(&read("customer-data-product.odps.yaml")));
    let product = product.unwrap();
    assert_eq!(product.name, "Customer Data Product");
    assert_eq!((product.input_ports.len(), product.output_ports.len()), (4, 4));
    assert_eq!(product.output_ports[1].inputs.len(), 2);
    assert_eq!(product.management_ports[0].kind, "topic");
    assert_eq!(product.support[1].url, "mailto:data-support@retailcorp.com");
    assert_eq!(product.owner(), Some("john.doe@retailcorp.com"));
}

#[test]
fn a_product_whose_ports_hold_is_accepted() {
    let (products, findings) = check([("shop".to_owned(), source(PRODUCT))], &contracts(), now());
    assert_eq!(shown(&findings), Vec::<String>::new());
    assert_eq!(products[0].owner(), Some("b@shop.example"));
}

#[test]
fn ports_are_held_against_the_contracts() {
    let cases = [
        (
            "    contractId: shop.gold.report\n",
            "",
            "error no-contract the output port `report` has no contract",
        ),
        (
            "contractId: shop.gold.report",
            "contractId: shop.gold.reprot",
            "error no-contract the output port `report` names the contract `shop.gold.reprot`, which is not there",
        ),
        (
            "version: 2.1.0\n    contractId: shop.gold.report",
            "version: 1.0.0\n    contractId: sales.silver.lines",
            "error foreign-port the output port `report` offers sales.silver.lines, which is another domain's",
        ),
        (
            "inputContracts: [{id: sales.silver.lines, version: 1.0.0}]",
            "inputContracts: [{id: sales.silver.lines, version: 9.0.0}]",
            "warning port-version the port `report`, by its `inputContracts`, is for version 9.0.0 of sales.silver.lines, which has 1.4.0",
        ),
        (
            "inputContracts: [{id: sales.silver.lines, version: 1.0.0}]",
            "inputContracts: [{id: sales.silver.lines, version: latest}]",
            "warning port-version the port `report`, by its `inputContracts`: `latest` is no semantic version",
        ),
        (
            "version: 2.1.0\n",
            "version: v1.9.0\n",
            "error port-version the port `report` is for version 1.9.0 of shop.gold.report, which has 2.1.0",
        ),
        (
            "version: 2.1.0\n",
            "version: 2.2.0\n",
            "error port-version the port `report` is for version 2.2.0 of shop.gold.report, which has 2.1.0",
        ),
        (
            "version: 2.1.0\n",
            "version: newest\n",
            "error port-version the port `report`: `newest` is no semantic version",
        ),
        (
            "version: 2.1.0\n    contractId: shop.gold.report",
            "version: 1.0.0\n    contractId: shop.gold.old",
            "error retired-contract the output port `report` is bound to shop.gold.old, which is retired",
        ),
        (
            "version: 2.1.0\n    contractId: shop.gold.report",
            "version: 0.1.0\n    contractId: shop.gold.next",
            "warning draft-contract the output port `report` is bound to shop.gold.next, which is draft",
        ),
        (
            "contractId: sales.silver.lines}",
            "contractId: elsewhere}\n  - {name: more, version: 1.0.0, contractId: sales.silver.lines}",
            "warning foreign-contract the input port `lines` names the contract `elsewhere`, which is not in this mesh",
        ),
        (
            // To which version of it one could move does not matter any more.
            "version: 2.1.0\n    contractId: shop.gold.report",
            "version: 0.9.0\n    contractId: shop.gold.old",
            "error retired-contract the output port `report` is bound to shop.gold.old, which is retired",
        ),
        (
            "contractId: sales.silver.lines}",
            "contractId: sales.silver.lines}\n  - {name: old, version: 9.0.0, contractId: shop.gold.old}",
            "error retired-contract the input port `old` is bound to shop.gold.old, which is retired",
        ),
        (
            "contractId: sales.silver.lines}",
            "contractId: sales.silver.lines}\n  - {name: old, version: 1.0.0, contractId: shop.gold.old}",
            "error retired-contract the input port `old` is bound to shop.gold.old, which is retired",
        ),
        (
            "{id: sales.silver.lines, version: 1.0.0}",
            "{id: other, version: 1.0.0}",
            "warning undeclared-input the output port `report` is made from `other`, which no input port names",
        ),
        (
            "domain: shop",
            "domain: sales",
            "error foreign-product the product lies in the folder of `shop` and names the domain `sales`",
        ),
        (
            "version: 1.2.0\n",
            "",
            "warning product-version the product `Report` has no version",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(found(from, to), [expected], "{to}");
    }
    // A version that is not the newest of its major version is still served.
    assert_eq!(found("version: 2.1.0\n", "version: 2.0.5\n"), Vec::<String>::new());
}

/// What is found in a product of this status, both of whose ports are bound to a contract with this status and these
/// service levels. The contract has the objects `t` and `u`.
fn bound(product: &str, contract: &str, levels: &str) -> Vec<String> {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: c\nversion: 1.0.0\nstatus: {contract}\nschema:\n  - name: t\n    \
         physicalName: shop.gold.t\n    properties: [{{name: id, logicalType: string}}]\n  - name: u\n    \
         physicalName: shop.gold.u\n    properties: [{{name: id, logicalType: string}}]\nslaProperties: [{levels}]\n"
    );
    let (set, found) = ContractSet::load([("shop".to_owned(), Source::new("c.odcs.yaml", text))]);
    assert_eq!(found, []);
    let text = format!(
        "apiVersion: v1.0.0\nkind: DataProduct\nid: p\nversion: 1.0.0\nstatus: {product}\n\
         inputPorts: [{{name: in, version: 1.0.0, contractId: c}}]\n\
         outputPorts: [{{name: out, version: 1.0.0, contractId: c}}]\n"
    );
    shown(&check([("shop".to_owned(), source(&text))], &set, now()).1)
}

#[test]
fn a_contract_that_is_over_is_refused_at_every_port_of_a_product_that_is_not_retired() {
    let end = |day: &str| format!("{{property: endOfLife, value: '{day}'}}");
    let over = end("2026-11-20");
    // The day itself is the last on which something is written.
    let (today, later) = (end("2026-11-21"), end("2027-02-19"));
    let one = "{property: endOfLife, value: '2026-11-01', element: t}";
    let both = format!("{one}, {{property: endOfLife, value: '2026-11-20', element: u}}");
    let (ended, retired) = (
        "is bound to c, which ended at 2026-11-20",
        "is bound to c, which is retired",
    );
    let ending = "is bound to c, which is deprecated and ends at 2027-02-19";
    for product in ["proposed", "draft", "active", "deprecated", "retired"] {
        for (contract, levels, expected) in [
            ("retired", "", Some(("error retired-contract", retired))),
            ("active", over.as_str(), Some(("error retired-contract", ended))),
            ("deprecated", &over, Some(("error retired-contract", ended))),
            ("active", &both, Some(("error retired-contract", ended))),
            ("active", one, None),
            ("active", &today, None),
            ("active", &later, None),
            ("deprecated", &later, Some(("warning deprecated-contract", ending))),
        ] {
            let told = expected
                .filter(|_| product != "retired")
                .map_or_else(Vec::new, |(code, said)| {
                    let ports = ["output port `out`", "input port `in`"].iter();
                    // A product that is deprecated itself may offer what ends.
                    let ports =
                        ports.filter(|port| !(said == ending && product == "deprecated" && port.starts_with("out")));
                    ports.map(|port| format!("{code} the {port} {said}")).collect()
                });
            assert_eq!(
                bound(product, contract, levels),
                told,
                "{product}, {contract}, {levels}"
            );
        }
    }
}

#[test]
fn two_products_have_two_ids() {
    let twice = ["shop", "shop"].map(|domain| (domain.to_owned(), source(PRODUCT)));
    assert_eq!(
        shown(&check(twice, &contracts(), now()).1),
        ["error duplicate-product the id `shop.report` is that of p.odps.yaml too"]
    );
}

#[test]
fn a_contract_read_as_a_product_is_told_as_that_alone() {
    let (_, found) = parse(&source(
        "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nschema: []\n",
    ));
    let [found] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert_eq!(found.message, "this is a contract, not a data product");
    assert!(found.help.as_ref().unwrap().contains("polder contract diff"));
}

#[test]
fn mistakes_are_found_all_at_once_with_their_places() {
    let text = "apiVersion: v2.0.0\nkind: DataProduct\nid: x\nstatus: alive\noutputports: []\nsupport:\n  - {channel: c, url: no address}\n\
                inputPorts:\n  - {name: a, version: 1.0.0}\n  - {name: a, version: 1.0.0, contractId: x}\n";
    let (product, findings) = parse(&source(text));
    assert!(product.is_none());
    let places: Vec<_> = findings
        .iter()
        .map(|found| format!("{}:{} {}", found.span.unwrap().line, found.code, found.message))
        .collect();
    assert_eq!(
        places,
        [
            "1:wrong-value `apiVersion`: `v2.0.0` is not allowed",
            "4:wrong-value `status`: `alive` is not allowed",
            "5:unknown-key `outputports` is not known",
            "7:wrong-value `support[0].url`: `no address` is no address",
            "9:missing-value `inputPorts[0].contractId` is missing",
            "10:duplicate-name `inputPorts` has the port `a` with the version 1.0.0 twice",
        ]
    );
}

#[test]
fn changes_of_products_are_classified() {
    let product = |text: &str| parse(&source(text)).0.unwrap();
    let cases = [
        (
            "contractId: shop.gold.report",
            "contractId: shop.gold.other",
            "port-changed breaks readers",
            Bump::Major,
        ),
        (
            "version: 2.1.0\n",
            "version: 2.2.0\n",
            "port-version-changed compatible",
            Bump::Minor,
        ),
        (
            "version: 2.1.0\n",
            "version: 3.0.0\n",
            "port-version-changed breaks readers",
            Bump::Major,
        ),
        (
            "name: lines, version: 1.0.0",
            "name: lines, version: 2.0.0",
            "port-version-changed compatible",
            Bump::Minor,
        ),
        (
            "name: Report",
            "name: The report",
            "documentation-changed documentation",
            Bump::Patch,
        ),
        (
            "status: active",
            "status: deprecated",
            "status-changed service level lowered",
            Bump::Minor,
        ),
        (
            "id: shop.report",
            "id: other",
            "product-id-changed breaks readers",
            Bump::Major,
        ),
    ];
    for (from, to, expected, bump) in cases {
        assert_eq!(PRODUCT.matches(from).count(), 1, "{from}");
        let comparison = compare(&product(PRODUCT), &product(&PRODUCT.replacen(from, to, 1)));
        let said: Vec<_> = comparison
            .changes
            .iter()
            .map(|change| format!("{} {}", change.code, change.class.as_str()))
            .collect();
        assert_eq!(said, [expected]);
        assert_eq!(comparison.required_bump(), bump, "{expected}");
    }
    let second = PRODUCT.replacen(
        "team:",
        "  - {name: more, version: 2.1.0, contractId: shop.gold.report}\nteam:",
        1,
    );
    let (one, two) = (product(PRODUCT), product(&second));
    assert_eq!(compare(&one, &two).changes[0].code, "port-added");
    assert_eq!(compare(&one, &two).required_bump(), Bump::Minor);
    assert_eq!(compare(&two, &one).required_bump(), Bump::Major);
}

/// The standard's JSON schema, amended by its prose.
fn judge(folder: &std::path::Path) -> JsonSchema {
    let text = std::fs::read_to_string(folder.join("odps-json-schema-v1.0.0.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    // "Valid values are …", "you need at least one", "can be `rest` or `topic`", "the only supported value".
    schema["properties"]["status"]["enum"] = json!(["proposed", "draft", "active", "deprecated", "retired"]);
    schema["required"] = json!(["apiVersion", "kind", "id", "status", "outputPorts"]);
    schema["properties"]["outputPorts"]["minItems"] = json!(1);
    schema["$defs"]["ManagementPort"]["properties"]["type"]["enum"] = json!(["rest", "topic"]);
    schema["$defs"]["SBOM"]["properties"]["type"]["enum"] = json!(["external"]);
    addresses(&mut schema);
    JsonSchema::new(schema)
}

/// "Using the normal URL scheme": what has the format of an address begins with a scheme.
fn addresses(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            if entries.get("format") == Some(&json!("uri")) {
                entries.insert("pattern".to_owned(), json!("^[A-Za-z][A-Za-z0-9+.-]*:\\S+$"));
            }
            entries.values_mut().for_each(addresses);
        }
        Value::Array(items) => items.iter_mut().for_each(addresses),
        _ => {}
    }
}

/// Ports that are told apart by nothing: "the combination of the name and version is the key".
fn repeats_a_port(document: &Value) -> bool {
    ["inputPorts", "outputPorts"].iter().any(|ports| {
        let ports: Vec<_> = document[*ports].as_array().into_iter().flatten().collect();
        let key = |port: &Value| Some((port["name"].as_str()?.to_owned(), port["version"].as_str()?.to_owned()));
        let repeated = |(index, port): (usize, &&Value)| {
            key(port).is_some() && ports[..index].iter().any(|other| key(other) == key(port))
        };
        ports.iter().enumerate().any(repeated)
    })
}

#[test]
fn every_mistake_that_the_schema_forbids_is_refused_and_nothing_else() {
    let Some(folder) = standard("../odps") else { return };
    let schema = judge(&folder);
    let read = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        polder_core::document::parse(&source(&text)).unwrap().to_json()
    };
    let (mut tried, mut refused) = (0, 0);
    for name in ["simple-data-product.odps.yaml", "customer-data-product.odps.yaml"] {
        let document = read(name);
        assert!(schema.accepts(&document), "{name}");
        for mistake in mistakes(&schema, &document) {
            let broken = made(&document, &mistake);
            let expected = schema.accepts(&broken) && !repeats_a_port(&broken);
            let (product, findings) = parse(&source(&broken.to_string()));
            assert_eq!(
                product.is_some(),
                expected,
                "{name} {} {}: {:?}",
                mistake.path.join("."),
                mistake.what,
                shown(&findings)
            );
            tried += 1;
            refused += usize::from(!expected);
        }
    }
    assert!(tried > 2000 && refused > 1000, "{tried} tried, {refused} refused");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is cut out of a product, reading it neither panics nor points outside of the text.
    #[test]
    fn damaged_products_bring_nothing_down(from in any::<prop::sample::Index>(), length in 0..120_usize) {
        let start = from.index(PRODUCT.len());
        let end = (start + length).min(PRODUCT.len());
        let text = format!("{}{}", &PRODUCT[..start], &PRODUCT[end..]);
        let (products, findings) = check([("shop".to_owned(), source(&text))], &contracts(), now());
        for finding in findings {
            if let Some(span) = finding.span {
                prop_assert!(text.get(span.start..span.end).is_some(), "{finding}");
            }
        }
        for product in products {
            let whole = parse(&source(PRODUCT)).0.unwrap();
            prop_assert_eq!(compare(&whole, &product).is_empty(), compare(&product, &whole).is_empty());
        }
    }
}
