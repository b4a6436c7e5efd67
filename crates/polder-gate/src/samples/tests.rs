mod values;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use polder_contract::{ContractSet, DatasetContract};
use polder_core::document::{Diagnostic, Source};

use super::*;
use crate::table::NoQueries;

/// A contract with rules about rows and about the table, and these samples.
fn contract(samples: &str) -> DatasetContract {
    let text = format!(
        "apiVersion: v3.1.0
kind: DataContract
id: shop.silver.orders
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: shop.silver.orders
    properties:
      - {{name: order_id, logicalType: string, required: true, unique: true, logicalTypeOptions: {{maxLength: 5}}}}
      - {{name: amount, logicalType: number, physicalType: 'decimal(9,2)', logicalTypeOptions: {{minimum: 0}}}}
      - {{name: ordered_at, logicalType: timestamp, logicalTypeOptions: {{defaultTimezone: Europe/Berlin}}}}
      - {{name: tags, logicalType: array, items: {{logicalType: string}}}}
    quality:
      - {{id: enough, type: library, metric: rowCount, mustBeGreaterOrEqualTo: 100}}
      - {{id: fresh, type: custom, engine: polder, implementation: {{freshness: {{column: ordered_at, within: 1h}}}}}}
      - {{id: words, type: text, description: It looks right.}}
    customProperties:
      - property: polder.samples
        value:
{samples}
"
    );
    let (set, problems) =
        ContractSet::load([("shop".to_owned(), Source::new("contracts/shop/orders.odcs.yaml", text))]);
    assert!(problems.is_empty(), "{problems:?}");
    set.iter().next().unwrap().clone()
}

const GOOD: &str = "          good:
            - {order_id: A-1, amount: 1.50, ordered_at: '2026-01-02T09:15:00.000001+01:00', tags: [x]}
            - {order_id: A-2}
";
const SKIP: &str = "          skip: [{rule: enough, reason: no sample has a hundred rows}]\n";
const BAD: &str = "          bad:
            - {rule: order_id.required, change: {order_id: null}}
            - {rule: order_id.unique, change: {amount: 2}}
            - {rule: order_id.maxLength, row: {order_id: A-10000}}
            - {rule: amount.minimum, change: {order_id: A-9, amount: -0.01}}
            - {rule: fresh, now: '2026-01-02T09:15:01Z'}
";

async fn proven(samples: &str) -> (BTreeMap<String, SampleVerdict>, Vec<Diagnostic>) {
    let contract = contract(samples);
    let (samples, mut problems) = Samples::of_contract(&contract);
    let Some(samples) = samples else {
        return (BTreeMap::new(), problems);
    };
    let (results, more) = prove(&contract, &samples, &NoQueries).await.unwrap();
    problems.extend(more);
    (
        results
            .into_iter()
            .map(|result| (result.rule, result.verdict))
            .collect(),
        problems,
    )
}

#[tokio::test]
async fn rules_are_proven_by_good_and_bad_rows() {
    let (results, problems) = proven(&format!("{GOOD}{BAD}{SKIP}")).await;
    assert_eq!(problems, []);
    let words: BTreeMap<&str, &str> = results
        .iter()
        .map(|(rule, verdict)| (rule.as_str(), verdict.as_str()))
        .collect();
    assert_eq!(
        words,
        BTreeMap::from([
            ("order_id.required", "proven"),
            ("order_id.unique", "proven"),
            ("order_id.maxLength", "proven"),
            ("amount.minimum", "proven"),
            ("enough", "skipped"),
            ("fresh", "proven"),
            ("words", "not run"),
        ])
    );
}

#[tokio::test]
async fn a_time_without_an_offset_is_read_in_the_zone_of_its_column() {
    // 08:15 in UTC, as with its offset, and so an hour and a second old.
    let good = GOOD.replace("09:15:00.000001+01:00", "09:15:00.000001");
    let (with_offset, _) = proven(&format!("{GOOD}{BAD}{SKIP}")).await;
    let (without, problems) = proven(&format!("{good}{BAD}{SKIP}")).await;
    assert_eq!(problems.len(), 0, "{problems:?}");
    assert_eq!(without["fresh"], SampleVerdict::Proven);
    assert_eq!(without, with_offset);
}

#[tokio::test]
async fn a_rule_without_a_bad_row_has_no_sample() {
    let (results, _) = proven(&format!("{GOOD}{SKIP}")).await;
    assert_eq!(results["amount.minimum"], SampleVerdict::NoSample);
    let (results, _) = proven("          bad: [{rule: amount.minimum, row: {order_id: A-1, amount: -1}}]\n          skip: [{rule: enough, reason: r}]\n").await;
    assert_eq!(results["amount.minimum"], SampleVerdict::NoSample);
}

#[tokio::test]
async fn what_samples_do_not_show_is_a_failure_in_words() {
    let failed = |verdict: &SampleVerdict| match verdict {
        SampleVerdict::Failed(reasons) => reasons.clone(),
        other => panic!("{other:?}"),
    };
    let bad = format!(
        "{GOOD}{SKIP}          bad:\n            - {{rule: amount.minimum, change: {{order_id: A-9, amount: 0}}}}\n"
    );
    let (results, _) = proven(&bad).await;
    assert_eq!(
        failed(&results["amount.minimum"]),
        ["it does not fire on its bad sample"]
    );

    let bad = format!(
        "{GOOD}{SKIP}          bad:\n            - {{rule: amount.minimum, change: {{order_id: A-10000, amount: -1}}}}\n"
    );
    let (results, _) = proven(&bad).await;
    let reasons = failed(&results["amount.minimum"]);
    assert!(
        reasons[0].starts_with("its bad sample breaks `order_id.maxLength` too: order_id is A-10000"),
        "{reasons:?}"
    );

    // What is made of a good row has its key.
    let bad = format!(
        "{GOOD}{SKIP}          bad:\n            - {{rule: fresh, change: {{amount: 3}}, now: '2026-01-02T09:15:01Z'}}\n"
    );
    let (results, _) = proven(&bad).await;
    let reasons = failed(&results["fresh"]);
    assert!(
        reasons[0].starts_with("its bad sample breaks `order_id.unique` too: ")
            && reasons[0].ends_with("; give it a key of its own"),
        "{reasons:?}"
    );

    let good = "          good: [{order_id: A-1, amount: -1}, {order_id: A-2}]\n";
    let (results, _) = proven(&format!("{good}{SKIP}{BAD}")).await;
    let reasons = failed(&results["amount.minimum"]);
    assert!(
        reasons[0].starts_with("it refuses the good row 1: amount is -1.00"),
        "{reasons:?}"
    );

    let good = "          good: [{order_id: A-1}, {order_id: A-1}]\n";
    let (results, _) = proven(&format!("{good}{SKIP}")).await;
    let reasons = failed(&results["order_id.unique"]);
    assert!(
        reasons[0].starts_with("it refuses the good rows together: 1 duplicate value, asked: none"),
        "{reasons:?}"
    );

    let (results, _) = proven(&format!("{GOOD}{BAD}")).await;
    assert!(
        failed(&results["enough"])[0].starts_with("it refuses the good rows together: 2 rows, asked: "),
        "{results:?}"
    );
}

#[tokio::test]
async fn a_skipped_rule_that_refuses_a_good_row_fails() {
    let skip = |rule: &str| format!("          skip: [{{rule: enough, reason: r}}, {{rule: {rule}, reason: r}}]\n");
    let cases = [
        (
            "amount.minimum",
            "[{order_id: A-1, amount: -20.50}, {order_id: A-2}]",
            "it refuses the good row 1: amount is -20.50",
        ),
        (
            "order_id.unique",
            "[{order_id: A-1}, {order_id: A-1}]",
            "it refuses the good rows together: 1 duplicate value",
        ),
    ];
    for (rule, good, said) in cases {
        let (results, problems) = proven(&format!("          good: {good}\n{}", skip(rule))).await;
        assert_eq!(problems, []);
        assert!(
            matches!(&results[rule], SampleVerdict::Failed(reasons) if reasons[0].starts_with(said)),
            "{results:?}"
        );
        // Too few rows are no fault of the rows.
        assert_eq!(results["enough"], SampleVerdict::Skipped("r".to_owned()));
        let (results, _) = proven(&format!("{GOOD}{}", skip(rule))).await;
        assert_eq!(results[rule], SampleVerdict::Skipped("r".to_owned()));
    }
    // What no sample can show on its own may be broken by the sample of another rule.
    let bad = "          bad: [{rule: order_id.maxLength, change: {order_id: A-10000, amount: -1}}]\n";
    let (results, _) = proven(&format!("{GOOD}{bad}{}", skip("amount.minimum"))).await;
    assert_eq!(results["order_id.maxLength"], SampleVerdict::Proven);
}

#[tokio::test]
async fn a_rule_is_not_skipped_and_shown_at_once() {
    let bad = "          bad: [{rule: amount.minimum, change: {amount: 1}}]\n";
    let skip = "          skip: [{rule: amount.minimum, reason: r}]\n";
    let (results, problems) = proven(&format!("{GOOD}{bad}{skip}")).await;
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert!(results.is_empty());
    assert_eq!(said, ["`amount.minimum` is skipped, and a bad sample names it"]);
    assert!(problems[0].span.is_some());
}

#[tokio::test]
async fn several_rows_and_several_rules_can_make_one_bad_sample() {
    let bad = format!(
        "{GOOD}{SKIP}          bad:
            - {{rule: [order_id.maxLength, amount.minimum], change: {{order_id: A-10000, amount: -1}}}}
            - {{rule: order_id.unique, rows: [{{order_id: A-7}}, {{order_id: A-7}}]}}
            - {{rule: order_id.required, changes: [{{order_id: null}}]}}
"
    );
    let (results, problems) = proven(&bad).await;
    assert_eq!(problems, []);
    for rule in [
        "order_id.maxLength",
        "amount.minimum",
        "order_id.unique",
        "order_id.required",
    ] {
        assert_eq!(results[rule], SampleVerdict::Proven, "{rule}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_samples_is_said_at_its_place() {
    let cases = [
        ("good: [{order_id: A-1, amont: 1}]", "there is no column `amont`"),
        (
            "good: [{order_id: A-1, amount: 1.005}]",
            "`amount` of a sample row: `1.005` is not a decimal(9,2)",
        ),
        (
            "good: [{order_id: A-1, amount: 12345678.00}]",
            "`amount` of a sample row: `12345678.00` is not a decimal(9,2)",
        ),
        (
            "good: [{order_id: A-1, ordered_at: 2026-01-02}]",
            "`ordered_at` of a sample row: `2026-01-02` is not a timestamp: write it as 2026-01-31T08:30:00Z",
        ),
        (
            "good: [{order_id: A-1, ordered_at: '2026-10-25T02:30:00'}]",
            "`ordered_at` of a sample row: `2026-10-25T02:30:00` has no offset, and clocks in Europe/Berlin show it twice or never",
        ),
        (
            "good: [{order_id: A-1, tags: x}]",
            "`tags` of a sample row: text is not a list",
        ),
        (
            "bad: [{rule: amount.minimun, row: {order_id: A-1}}]",
            "the contract has no rule `amount.minimun`",
        ),
        (
            "bad: [{rule: amount.minimum, change: {amount: -1}}]",
            "there is no good row to change",
        ),
        ("bad: [{rule: amount.minimum}]", "the bad sample has no row"),
        ("bad: [{row: {order_id: A-1}}]", "`bad.rule` is missing"),
        ("goood: []", "`samples.goood` is not known"),
        ("now: soon", "`soon` is not an instant"),
    ];
    for (samples, said) in cases {
        let (results, problems) = proven(&format!("          {samples}\n")).await;
        assert!(
            problems
                .iter()
                .any(|problem| problem.message == said && problem.span.is_some()),
            "{samples} gave {problems:?}"
        );
        assert!(
            results.is_empty()
                || said.contains("not known")
                || said.contains("no row")
                || said.contains("missing")
                || said.contains("instant")
        );
    }
}

#[test]
fn a_rule_whose_name_is_a_number_of_ours_is_listed_with_its_line() {
    let text = "apiVersion: v3.1.0
kind: DataContract
id: shop.silver.t
version: 1.0.0
status: active
schema:
  - name: t
    physicalName: shop.silver.t
    properties: [{name: id, logicalType: string}]
    quality:
      - {metric: rowCount, mustBeGreaterThan: 1}
      - {metric: rowCount, mustBeLessThan: 9}
    customProperties:
      - property: polder.samples
        value: {good: [{id: a}], bad: [{rule: entirely_other, change: {id: b}}]}
";
    let source = Source::new("contracts/shop/t.odcs.yaml", text);
    let (set, found) = ContractSet::load([("shop".to_owned(), source)]);
    assert_eq!(found, []);
    let contract = set.iter().next().unwrap().clone();
    let (samples, found) = Samples::of_contract(&contract);
    assert_eq!(found, []);
    let found = problems(&contract, &samples.unwrap());
    let help = found[0].help.as_deref().unwrap();
    assert!(help.ends_with("rowCount, rowCount#2 (line 12)"), "{found:?}");
}

#[test]
fn a_document_beside_the_contract_has_the_same_form() {
    let text = "orders:\n  good:\n    - {order_id: A-1}\n  bad: []\n";
    let (samples, problems) = Samples::of_document(&Source::new("x.samples.yaml", text));
    assert_eq!(problems, []);
    assert_eq!(samples[0].0, "orders");
    let joined = samples[0].2.clone().join(samples[0].2.clone());
    assert_eq!(joined.good.len(), 2);
}

#[tokio::test]
async fn one_mistake_is_told_once() {
    // In the first good row, of which the bad ones are made.
    let good = "          good: [{order_id: A-1, amount: 1.005}]\n";
    let (results, problems) = proven(&format!("{good}{BAD}{SKIP}")).await;
    assert!(results.is_empty() && problems.len() == 1, "{problems:?}");
    // A column that is in no row, and its rules.
    let bad = "          bad: [{rule: amont.minimum, change: {amont: -1}}, {rule: order_id.required, change: {order_id: null}}]\n";
    let (_, problems) = proven(&format!("          good: [{{order_id: A-1, amont: 1}}]\n{bad}{SKIP}")).await;
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(said, ["there is no column `amont`"]);
    let (_, problems) = proven("          good: [{order_id: A-1, warehouse: 1}]\n").await;
    let help = problems[0].help.as_ref().unwrap();
    assert!(help.starts_with("there are: order_id, "), "{help}");
    // No good row at all.
    let (_, problems) = proven(&format!("{BAD}{SKIP}")).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    // A good row that breaks a rule breaks it in what is made of it, too.
    let good = "          good: [{order_id: A-1, amount: -1, ordered_at: '2026-01-02T08:15:00Z'}]\n";
    let (results, _) = proven(&format!("{good}{BAD}{SKIP}")).await;
    let failed = results
        .values()
        .filter(|verdict| matches!(verdict, SampleVerdict::Failed(_)));
    assert_eq!(failed.count(), 1, "{results:?}");
    assert!(
        matches!(&results["amount.minimum"], SampleVerdict::Failed(reasons) if reasons.len() == 1),
        "{results:?}"
    );
}

#[test]
fn documents_are_held_against_the_contract_beside_them() {
    let contract = contract("          good: [{order_id: A-1}]\n");
    let document = |name: &str, text: &str| [Source::new(format!("contracts/shop/{name}"), text)];
    let lies_there = |path: &Path| path == Path::new("contracts/shop/wrong.odcs.yaml");
    let cases = [
        ("orders.samples.yaml", "orders: {good: [{order_id: A-2}]}\n", ""),
        (
            "orders.samples.yaml",
            "order: {good: []}\n",
            "the contract has no object `order`",
        ),
        (
            "other.samples.yaml",
            "orders: {good: []}\n",
            "there is no contract beside these samples",
        ),
        // What is wrong with the contract is told elsewhere.
        ("wrong.samples.yaml", "orders: {good: []}\n", ""),
        (
            "wrong.samples.yaml",
            "orders: {godo: []}\n",
            "`samples.godo` is not known",
        ),
    ];
    for (name, text, said) in cases {
        let (samples, problems) = gather([&contract], &document(name, text), lies_there);
        let found: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        let wanted: &[&str] = if said.is_empty() { &[] } else { &[said] };
        assert_eq!(found, wanted, "{text}");
        let good = samples[contract.dataset()].good.len();
        assert_eq!(good, if text.contains("A-2") { 2 } else { 1 }, "{text}");
    }
    // Of two contracts for one dataset nobody knows whose rows they are.
    let [name, text] = ["orders.samples.yaml", "orders: {good: [{order_id: A-2}]}\n"];
    let (samples, problems) = gather([&contract, &contract], &document(name, text), lies_there);
    assert_eq!((samples.len(), problems), (0, Vec::new()));
}

/// The contracts of this repository and of the mesh that is made for newcomers: every rule has its samples.
#[tokio::test]
async fn every_rule_of_this_repository_is_proven() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    let mut sources = Vec::new();
    let mut samples = BTreeMap::new();
    for domain in std::fs::read_dir(&root).unwrap().map(Result::unwrap) {
        for file in std::fs::read_dir(domain.path()).unwrap().map(Result::unwrap) {
            let name = file.file_name().into_string().unwrap();
            let text: Arc<str> = std::fs::read_to_string(file.path()).unwrap().into();
            if let Some(stem) = name.strip_suffix(".samples.yaml") {
                samples.insert(
                    file.path().with_file_name(format!("{stem}.odcs.yaml")),
                    Source::new(file.path(), text),
                );
            } else if name.ends_with(".odcs.yaml") {
                sources.push((
                    domain.file_name().into_string().unwrap(),
                    Source::new(file.path(), text),
                ));
            }
        }
    }
    let (set, _) = ContractSet::load(sources);
    let mut proven = 0;
    for contract in set.iter() {
        let source = &samples[&contract.contract.source_path];
        let (of_document, problems) = Samples::of_document(source);
        assert_eq!(problems, []);
        for (object, _, samples) in of_document {
            assert_eq!(object, contract.object().name);
            let (results, problems) = prove(contract, &samples, &NoQueries).await.unwrap();
            assert_eq!(problems, []);
            for result in results {
                assert_eq!(
                    result.verdict,
                    SampleVerdict::Proven,
                    "{} {}",
                    result.dataset,
                    result.rule
                );
                proven += 1;
            }
        }
    }
    assert!(proven > 50, "{proven}");
}
