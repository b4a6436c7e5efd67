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
