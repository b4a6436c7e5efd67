//! The contracts of a mesh.

use polder_core::document::{Severity, Source};

use crate::{Consumer, ContractSet, DatasetContract, Metric, OnFailure, RuleKind};

fn source(domain: &str, file: &str, id: &str, dataset: &str) -> (String, Source) {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {id}\nversion: 1.2.0\nstatus: active\nschema:\n  - name: t\n    \
         physicalName: {dataset}\n    properties:\n      - {{name: a, logicalType: string}}\n"
    );
    (
        domain.to_owned(),
        Source::new(format!("contracts/{domain}/{file}.odcs.yaml"), text),
    )
}

fn messages(sources: Vec<(String, Source)>) -> Vec<String> {
    ContractSet::load(sources).1.iter().map(ToString::to_string).collect()
}

#[test]
fn a_contract_is_found_by_its_dataset() {
    let (set, diagnostics) = ContractSet::load([
        source("sales", "a", "a", "sales.bronze.lines"),
        source("finance", "b", "b", "finance.gold.sums"),
    ]);
    assert_eq!(diagnostics, []);
    let names: Vec<_> = set.datasets().map(ToString::to_string).collect();
    assert_eq!(names, ["finance.gold.sums", "sales.bronze.lines"]);
    let contract: DatasetContract = set.get(&"sales.bronze.lines".parse().unwrap()).unwrap();
    assert_eq!(
        (contract.version(), contract.dataset().to_string().as_str()),
        ("1.2.0", "sales.bronze.lines")
    );
    assert_eq!(contract.object().name, "t");
    assert!(set.get(&"sales.bronze.other".parse().unwrap()).is_none());
    assert_eq!(
        set.nearest("sales.bronze.line").map(ToString::to_string).as_deref(),
        Some("sales.bronze.lines")
    );
}

#[test]
fn two_contracts_for_one_dataset_are_refused() {
    let two = vec![
        source("sales", "a", "a", "sales.bronze.t"),
        source("sales", "b", "b", "sales.bronze.t"),
    ];
    assert_eq!(
        messages(two),
        ["contracts/sales/b.odcs.yaml:7:11: sales.bronze.t has another contract in contracts/sales/a.odcs.yaml"]
    );
}

#[test]
fn a_contract_binds_datasets_of_its_own_domain_only() {
    assert_eq!(
        messages(vec![
            source("sales", "a", "a", "finance.gold.t"),
            source("sales", "b", "a", "orders")
        ]),
        [
            "contracts/sales/a.odcs.yaml:7:11: finance.gold.t belongs to the domain `finance`, not to `sales`",
            "contracts/sales/b.odcs.yaml:3:5: the id `a` is that of contracts/sales/a.odcs.yaml too",
            "contracts/sales/b.odcs.yaml:7:11: `t` is bound to `orders`, which is no dataset",
        ]
    );
}

#[test]
fn the_contract_of_refused_rows_is_built_in() {
    let (domain, own) = source("sales", "a", "a", "sales.bronze.lines");
    let owner = "Ada \"the first\" \\ Lovelace: {domain}";
    let text = format!(
        "{}team: {{name: t, members: [{{username: {}, role: owner}}]}}\n",
        own.text,
        serde_json::Value::from(owner)
    );
    let (set, found) = ContractSet::load([(domain, Source::new("contracts/sales/a.odcs.yaml", text))]);
    assert_eq!(found, []);
    let contract = set.get(&"sales.quarantine.bronze_lines".parse().unwrap()).unwrap();
    assert_eq!(contract.dataset().to_string(), "sales.quarantine.bronze_lines");
    assert_eq!(contract.contract.owner.as_deref(), Some(owner));
    assert_eq!(contract.contract.domain.as_deref(), Some("sales"));
    // What is refused has no quarantine of its own.
    let rules = contract.rules().unwrap();
    assert!(rules.len() > 5 && rules.iter().all(|rule| rule.on_failure == OnFailure::Reject));
    // Nobody owns what is refused of a dataset that nobody owns.
    let (unowned, _) = ContractSet::load([source("sales", "a", "a", "sales.bronze.lines")]);
    let unowned = unowned.get(&"sales.quarantine.bronze_lines".parse().unwrap()).unwrap();
    assert_eq!(unowned.contract.owner, None);
    // Nobody declares it, and nobody else may.
    assert_eq!((set.datasets().count(), set.contracts().len()), (1, 1));
    assert!(set.get(&"sales.quarantine.bronze_others".parse().unwrap()).is_none());
    assert_eq!(
        messages(vec![source("sales", "a", "a", "sales.quarantine.bronze_lines")]),
        [
            "contracts/sales/a.odcs.yaml:7:11: sales.quarantine.bronze_lines keeps refused rows, under a contract that is built in"
        ]
    );
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let broken = ("sales".to_owned(), Source::new("contracts/sales/x.odcs.yaml", "a: [\n"));
    let (set, diagnostics) = ContractSet::load([broken, source("sales", "a", "a", "sales.bronze.t")]);
    assert_eq!((set.contracts().len(), diagnostics.len()), (1, 1));
}

#[test]
fn names_in_a_document_that_is_wrong_are_known_as_unreadable() {
    let (_, whole) = source("sales", "lines", "id-of-lines", "sales.bronze.lines");
    let broken = [
        whole.text.replace("logicalType: string", "logicalType: sting"),
        whole.text.replace("physicalName", "physicalNam"),
        whole
            .text
            .replace("sales.bronze.lines", "sales.bronz.lines")
            .replace("id-of-lines", "sales.bronze.lines"),
        format!("{}\t- [", whole.text),
    ];
    for text in broken {
        let documents = [
            (
                "sales".to_owned(),
                Source::new("contracts/sales/lines.odcs.yaml", text.as_str()),
            ),
            source("sales", "b", "b", "sales.bronze.other"),
        ];
        let (set, found) = ContractSet::load(documents);
        assert!(!found.is_empty() && set.is_unreadable("sales.bronze.lines"), "{text}");
        for known in ["sales.bronze.other", "sales.bronze.line", "b"] {
            assert!(!set.is_unreadable(known), "{known}");
        }
    }
    let broken = (
        "sales".to_owned(),
        Source::new("x.odcs.yaml", whole.text.replace("version", "verson")),
    );
    let (set, _) = ContractSet::load([broken]);
    assert!(set.is_unreadable("id-of-lines"));
    // Whoever names it is told nothing more.
    let consumer = "consumer: board\nowner: x@y.example\ndescription: d\nreads:\n  - dataset: sales.bronze.lines\n";
    let (consumer, found) = Consumer::parse(&Source::new("catalog/consumers/board.yaml", consumer));
    let consumer = consumer.unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(consumer.problems(&set), []);
    assert_eq!(consumer.problems(&ContractSet::default()).len(), 1);
}

#[test]
fn a_document_that_says_no_name_is_known_as_unreadable_by_its_own() {
    let file = "contracts/sales/lines.odcs.yaml";
    for text in ["", "# todo\n", "- a\n- b\n", "version: 2\nmodels:\n  - name: x\n"] {
        let (set, found) = ContractSet::load([("sales".to_owned(), Source::new(file, text))]);
        assert!(!found.is_empty() && set.is_unreadable("sales.bronze.lines"), "{text}");
        assert!(set.is_unreadable("sales.gold.lines") && !set.is_unreadable("sales.bronze.other"));
    }
    // One that is no text is not even among the documents.
    let finding = |called: &str| {
        let document = ("sales".to_owned(), Source::new(called, ""));
        ContractSet::load([document]).1.remove(0)
    };
    let (set, _) = ContractSet::load_beside([], &[finding(file)]);
    assert!(set.is_unreadable("sales.silver.lines") && !set.is_unreadable("hr.silver.lines"));
    // Another document, and one of which only a warning tells, keep nothing from being told.
    let mut warning = finding(file);
    warning.severity = Severity::Warning;
    for other in [finding("contracts/sales/lines.samples.yaml"), warning] {
        let (set, _) = ContractSet::load_beside([], &[other]);
        assert!(!set.is_unreadable("sales.silver.lines"));
    }
}

#[test]
fn objects_may_refer_to_each_other_in_a_circle() {
    let object = |name: &str, other: &str| {
        format!(
            "  - name: {name}\n    physicalName: sales.silver.{name}\n    properties:\n      - {{name: id, logicalType: string, \
             required: true, primaryKey: true, relationships: [{{to: {other}.id}}, {{to: {name}.id}}]}}\n"
        )
    };
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n{}{}",
        object("orders", "invoices"),
        object("invoices", "orders")
    );
    let (set, findings) = ContractSet::load([("sales".to_owned(), Source::new("x.odcs.yaml", text))]);
    assert_eq!((set.datasets().count(), findings), (2, Vec::new()));
    for contract in set.iter() {
        assert!(contract.rules().is_ok_and(|rules| rules.iter().any(|rule| matches!(
            &rule.kind,
            RuleKind::Set(test) if matches!(test.metric, Metric::Orphans { .. })
        ))));
    }
}

/// `shop.bronze.orders` and, in another domain, `crm.silver.calls` with a reference to it.
fn calls(to: &str) -> [(String, Source); 2] {
    let head = |id: &str| format!("apiVersion: v3.1.0\nkind: DataContract\nid: {id}\nversion: 1.0.0\nstatus: active\n");
    let calls = format!(
        "{}schema:\n  - name: calls\n    physicalName: crm.silver.calls\n    properties:\n      - {{name: of, logicalType: \
         string, relationships: [{{to: \"{to}\"}}]}}\n",
        head("calls")
    );
    let orders = format!(
        "{}schema:\n  - id: o_id\n    name: orders\n    physicalName: shop.bronze.orders\n    properties:\n      - {{id: c_id, \
         name: customer, physicalName: cust, logicalType: string}}\n      - {{name: lines, logicalType: array, items: \
         {{logicalType: object, properties: [{{name: sku, logicalType: string}}]}}}}\n",
        head("orders")
    );
    [("crm", "calls", calls), ("shop", "orders", orders)].map(|(domain, file, text)| {
        let path = format!("contracts/{domain}/{file}.odcs.yaml");
        (domain.to_owned(), Source::new(path, text))
    })
}

#[test]
fn a_reference_by_file_is_one_to_the_dataset_of_that_contract() {
    let said = |to: &str| {
        let (set, found) = ContractSet::load(calls(to));
        assert_eq!(found, [], "{to}");
        let rules = set.get(&"crm.silver.calls".parse().unwrap()).unwrap().rules().unwrap();
        match &rules[0].kind {
            RuleKind::Set(test) => match &test.metric {
                Metric::Orphans { dataset, to, .. } => format!("{dataset} {}", to.join(", ")),
                other => panic!("{other:?}"),
            },
            RuleKind::NotRun { why } => why.split(':').next().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    for (to, meant) in [
        ("../shop/orders.odcs.yaml#orders.customer", "shop.bronze.orders cust"),
        (
            ".././shop/../shop/orders.odcs.yaml#/schema/o_id/properties/c_id",
            "shop.bronze.orders cust",
        ),
        ("calls.odcs.yaml#calls.of", "crm.silver.calls of"),
        (
            "../shop/orders.odcs.yaml#orders.lines.sku",
            "lines[].sku of shop.bronze.orders has many values in a row, and keys are held against keys of rows",
        ),
        ("https://x.example/orders.odcs.yaml#orders.customer", "`https"),
        // Beside the mesh's contracts, which are all that is read.
        (
            "../../other/orders.odcs.yaml#orders.customer",
            "`../../other/orders.odcs.yaml` is no contract that was read here, or has no such column",
        ),
        (
            "../../../../orders.odcs.yaml#orders.customer",
            "`../../../../orders.odcs.yaml` is no contract that was read here, or has no such column",
        ),
    ] {
        assert_eq!(said(to), meant, "{to}");
    }
}

#[test]
fn what_is_wrong_with_a_reference_by_what_its_file_names_is_told_with_the_document() {
    let [calls, (domain, orders)] = calls("../shop/orders.odcs.yaml#orders.customer");
    let several = "    relationships:\n      - {from: [orders.customer, orders.day], to: [../crm/calls.odcs.yaml#calls.of, \
                   orders.customer]}\n";
    let column = "    properties:\n      - {name: day, logicalType: string}\n";
    let text = orders
        .text
        .replacen("    properties:\n", &format!("{several}{column}"), 1);
    let (set, found) = ContractSet::load([calls, (domain, Source::new(orders.path, text))]);
    let found: Vec<_> = found
        .iter()
        .map(|found| (found.severity, found.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [(Severity::Error, "foreignKey: it refers to columns of several datasets")]
    );
    assert!(set.get(&"shop.bronze.orders".parse().unwrap()).is_none());
    assert_eq!(set.readable().len(), 1);
}

#[test]
fn a_reference_by_file_that_names_nothing_is_an_error_at_its_place() {
    let at = "contracts/crm/calls.odcs.yaml:10:62";
    for (to, problem, help) in [
        (
            "../shop/order.odcs.yaml#orders.customer",
            "there is no contract in contracts/shop/order.odcs.yaml",
            "did you mean `../shop/orders.odcs.yaml`?",
        ),
        (
            "orders.odcs.yaml#orders.customer",
            "there is no contract in contracts/crm/orders.odcs.yaml",
            "did you mean `../shop/orders.odcs.yaml`?",
        ),
        (
            "../shop/orders.odcs.yaml#order.customer",
            "there is no object `order` in contracts/shop/orders.odcs.yaml",
            "did you mean `orders`?",
        ),
        (
            "../shop/orders.odcs.yaml#shop.bronze.orders.cust",
            "there is no object `shop` in contracts/shop/orders.odcs.yaml",
            "see there what it describes",
        ),
        (
            "../shop/orders.odcs.yaml#orders.custmer",
            "there is no property `custmer` in contracts/shop/orders.odcs.yaml",
            "did you mean `customer`?",
        ),
        (
            "../shop/orders.odcs.yaml#/schema/o_id/properties/customer",
            "there is no property `customer` in contracts/shop/orders.odcs.yaml",
            "see there what it describes",
        ),
    ] {
        let (set, found) = ContractSet::load(calls(to));
        let told: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(told, [format!("{at}: `{to}`: {problem}")]);
        assert_eq!(found[0].help.as_deref(), Some(help), "{to}");
        assert_eq!(set.datasets().count(), 2);
        // A comparison with the past is about other things.
        assert_eq!(ContractSet::load_past(calls(to)).1, [], "{to}");
    }
}

#[test]
fn what_is_wrong_in_the_other_file_is_told_there_alone() {
    let to = "../shop/orders.odcs.yaml#orders.customer";
    for (from, is) in [("name: customer", "nam: customer"), ("schema:", "\t- [")] {
        let [calls, (domain, orders)] = calls(to);
        let orders = Source::new(orders.path.clone(), orders.text.replace(from, is));
        let (_, found) = ContractSet::load([calls, (domain, orders)]);
        let files: Vec<_> = found.iter().map(|found| found.file.display().to_string()).collect();
        assert!(
            !files.is_empty() && files.iter().all(|file| file.contains("orders")),
            "{found:#?}"
        );
    }
}
