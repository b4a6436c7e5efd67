//! What is asked of rows that land: how many are searched, and what policies let pass.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use polder_contract::DatasetContract;

use super::*;
use crate::Sample;

const CARD: &str = "4111111111111111";
const IBAN: &str = "DE89370400440532013000";

fn dataset(columns: &str) -> DatasetContract {
    let set = contracts(&contract("bronze", &format!("{KEY}{columns}"), ""));
    set.get(&"sales.bronze.orders".parse().unwrap()).unwrap()
}

/// A policy about rows, with more keys of its own.
fn policy(id: &str, severity: &str, more: &str) -> String {
    format!(
        "  - {{id: {id}, description: d, reason: r, remedy: m, severity: {severity}, rule: no-secrets-landed{more}}}\n"
    )
}

fn set(list: &[String]) -> Policies {
    policies(&format!("policies:\n{}", list.concat()))
}

fn texts(column: &str, texts: &[&str]) -> RecordBatch {
    let array: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    RecordBatch::try_from_iter([(column, array)]).unwrap()
}

/// What of these batches is caught: column, kind, values, and by which policy; and how many rows were searched.
fn caught(policies: &Policies, contract: &DatasetContract, batches: &[RecordBatch]) -> (Vec<String>, u64) {
    let landing = policies.landing(contract).unwrap();
    let mut sample = Sample::default();
    for batch in batches {
        sample.search(&landing, batch);
    }
    let caught = sample.caught(&landing, today());
    let caught = caught.map(|caught| {
        let sighting = caught.sighting;
        format!(
            "{} {} {} {}",
            sighting.column, sighting.kind, sighting.values, caught.policy.id
        )
    });
    (caught.collect(), sample.rows())
}

#[test]
fn the_first_rows_are_searched_and_no_more() {
    let contract = dataset("");
    let batches = [texts("note", &["", CARD]), texts("note", &["", CARD, CARD])];
    for (rows, values, searched) in [
        (1, None, 1),
        (2, Some(1), 2),
        (4, Some(2), 4),
        (9, Some(3), 5),
        (0, Some(3), 5),
    ] {
        let policies = set(&[policy("x", "warning", &format!(", parameters: {{rows: {rows}}}"))]);
        let expected: Vec<String> = values
            .iter()
            .map(|values| format!("note card-number {values} x"))
            .collect();
        assert_eq!(
            caught(&policies, &contract, &batches),
            (expected, searched),
            "{rows} rows"
        );
    }
    // Without a number there is one, and of several policies the largest counts.
    let many = texts("note", &vec![""; 5_000]);
    let policies = set(&[policy("x", "warning", "")]);
    assert_eq!(caught(&policies, &contract, std::slice::from_ref(&many)).1, 1_000);
    let policies = set(&[
        policy("x", "warning", ""),
        policy("y", "warning", ", parameters: {rows: 3000}"),
    ]);
    assert_eq!(caught(&policies, &contract, &[many]).1, 3_000);
}

#[test]
fn long_rows_make_a_sample_shorter() {
    let long = "x".repeat(100 * 1024);
    let policies = set(&[policy("x", "warning", ", parameters: {rows: 1000}")]);
    // 1,000 rows have 1,000 KiB: the tenth row of 100 KiB (and a little) reaches that, or the one behind it.
    let (_, searched) = caught(&policies, &dataset(""), &[texts("note", &vec![long.as_str(); 300])]);
    assert!((9..=11).contains(&searched), "{searched}");
    // One row is searched however long it is.
    let huge = format!("{} {CARD}", "x".repeat(3 << 20));
    let (found, searched) = caught(&policies, &dataset(""), &[texts("note", &[&huge, CARD])]);
    assert_eq!((found, searched), (vec!["note card-number 1 x".to_owned()], 1));
}

#[test]
fn a_sample_of_lists_has_only_the_lists_of_its_rows() {
    let notes: ArrayRef = Arc::new(StringArray::from(vec!["", "", CARD, CARD]));
    let item = Arc::new(Field::new("note", DataType::Utf8, true));
    let items: ArrayRef = Arc::new(StructArray::from(vec![(item, notes)]));
    let field = Arc::new(Field::new("item", items.data_type().clone(), true));
    let list = ListArray::new(field, OffsetBuffer::from_lengths([1, 2, 1]), items, None);
    let batch = RecordBatch::try_from_iter([("lines", Arc::new(list) as ArrayRef)]).unwrap();
    for (rows, found) in [(1, vec![]), (2, vec!["lines[].note card-number 1 x".to_owned()])] {
        let policies = set(&[policy("x", "warning", &format!(", parameters: {{rows: {rows}}}"))]);
        assert_eq!(
            caught(&policies, &dataset(""), std::slice::from_ref(&batch)),
            (found, rows)
        );
    }
    let policies = set(&[policy("x", "warning", "")]);
    let landing = policies.landing(&dataset("")).unwrap();
    let mut sample = Sample::default();
    sample.search(&landing, &batch.slice(1, 2));
    let first: Vec<u64> = sample
        .caught(&landing, today())
        .map(|caught| caught.sighting.first_row)
        .collect();
    assert_eq!(first, [0]);
}

#[test]
fn exceptions_hold_for_their_column_until_their_day_is_over() {
    let contract = dataset("      - {name: note, logicalType: string}\n");
    let found = |exception: &str| {
        let policies = set(&[policy("x", "error", &format!(", exceptions: [{{{exception}}}]"))]);
        caught(&policies, &contract, &[texts("note", &[CARD])]).0.len()
    };
    assert_eq!(
        found("dataset: sales.bronze.orders, column: note, reason: r, until: 2026-06-30"),
        0
    );
    assert_eq!(found("dataset: 'sales.*', reason: r, until: 2026-06-30"), 0);
    assert_eq!(
        found("dataset: 'sales.*', column: note, reason: r, until: 2026-06-29"),
        1
    );
    assert_eq!(
        found("dataset: 'sales.*', column: number, reason: r, until: 2026-06-30"),
        1
    );
    assert_eq!(found("dataset: sales.gold.orders, reason: r, until: 2026-06-30"), 1);
}

#[test]
fn the_policy_that_weighs_most_and_is_not_excused_tells() {
    let mild = policy("mild", "warning", "");
    let note = [texts("note", &[CARD])];
    let strict = policy("strict", "error", "");
    assert_eq!(
        caught(&set(&[mild.clone(), strict]), &dataset(""), &note).0,
        ["note card-number 1 strict"]
    );
    let strict = policy(
        "strict",
        "error",
        ", exceptions: [{dataset: '*', column: note, reason: r, until: 2026-06-30}]",
    );
    assert_eq!(
        caught(&set(&[mild, strict]), &dataset(""), &note).0,
        ["note card-number 1 mild"]
    );
}

#[test]
fn nothing_is_searched_where_no_policy_asks() {
    let contract = dataset("");
    assert!(Policies::defaults().landing(&contract).is_some());
    assert!(Policies::default().landing(&contract).is_none());
    for applies in ["layers: [silver]", "datasets: ['shop.*']", "statuses: [draft]"] {
        let policies = set(&[policy("x", "warning", &format!(", applies: {{{applies}}}"))]);
        assert!(policies.landing(&contract).is_none(), "{applies}");
    }
}

#[test]
fn bank_account_numbers_may_land_where_the_contract_classifies_them() {
    let of = |columns: &str, column: &str| {
        let account: ArrayRef = Arc::new(StringArray::from(vec![IBAN]));
        let batch = match column.split_once('.') {
            None => RecordBatch::try_from_iter([(column, account)]),
            Some((outer, inner)) => {
                let field = Arc::new(Field::new(inner, DataType::Utf8, true));
                let payer: ArrayRef = Arc::new(StructArray::from(vec![(field, account)]));
                RecordBatch::try_from_iter([(outer, payer)])
            }
        };
        caught(&Policies::defaults(), &dataset(columns), &[batch.unwrap()])
            .0
            .len()
    };
    let classified = |class: &str| format!("      - {{name: account, logicalType: string{class}}}\n");
    assert_eq!(of(&classified(", classification: confidential"), "account"), 0);
    assert_eq!(of(&classified(""), "account"), 1);
    // As the policy about personal data has it, `none` is open too.
    for open in ["public", "none", "Unclassified", "''"] {
        assert_eq!(
            of(&classified(&format!(", classification: {open}")), "account"),
            1,
            "{open}"
        );
    }
    let nested = |outer: &str, inner: &str| {
        format!(
            "      - name: payer\n        logicalType: object{outer}\n        properties:\n          \
             - {{name: account, logicalType: string{inner}}}\n"
        )
    };
    let class = "\n        classification: restricted";
    assert_eq!(of(&nested("", ", classification: restricted"), "payer.account"), 0);
    assert_eq!(of(&nested(class, ""), "payer.account"), 0);
    assert_eq!(of(&nested("", ""), "payer.account"), 1);
    // A card number may be nowhere.
    let columns = classified(", classification: restricted");
    let found = caught(&Policies::defaults(), &dataset(&columns), &[texts("account", &[CARD])]);
    assert_eq!(found.0, ["account card-number 1 no-secrets-landed"]);
}

#[test]
fn an_exception_about_rows_is_told_of_only_where_nothing_has_its_name() {
    let set = contracts(&contract("silver", KEY, LEVELS));
    let found = |exception: &str| {
        let text = policy("x", "warning", &format!(", exceptions: [{{{exception}}}]"));
        let found = check(&policies(&format!("policies:\n{text}")), &set, today());
        codes(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        found("dataset: 'sales.*', column: order_id, reason: r, until: 2026-06-30"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("dataset: 'sales.*', reason: r, until: 2026-06-30"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("dataset: 'sales.*', column: order, reason: r, until: 2026-06-30"),
        ["unused-exception"]
    );
    assert_eq!(
        found("dataset: shop.silver.x, reason: r, until: 2026-06-30"),
        ["unused-exception"]
    );
    assert_eq!(
        found("dataset: 'sales.*', reason: r, until: 2026-06-29"),
        ["expired-exception"]
    );
}
