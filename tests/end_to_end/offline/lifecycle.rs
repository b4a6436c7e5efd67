//! Ends of contracts as `polder check` and `polder contract cancel` see them, in a repository.

use std::fs;

use super::pull_requests::{BRONZE, Repository, said};

/// An object more of the contract of the bronze invoice lines.
const OBJECT: &str = "  - name: extra\n    physicalName: sales.bronze.extra\n    description: More.\n    properties:\n      - \
                      name: one\n        description: One.\n        logicalType: string\n        physicalType: string\n";

/// A repository whose contract has that object too, with this end; and the contract without it.
fn with_extra(end: &str) -> (Repository, String) {
    let repository = Repository::new();
    let text = fs::read_to_string(repository.path(BRONZE)).unwrap();
    assert_eq!(text.matches("slaProperties:\n").count(), 1);
    let level = format!("slaProperties:\n{end}");
    let both = text
        .replacen("schema:\n", &format!("schema:\n{OBJECT}"), 1)
        .replacen("slaProperties:\n", &level, 1);
    fs::write(repository.path(BRONZE), both).unwrap();
    repository.commit();
    (repository, text)
}

#[test]
fn a_dataset_leaves_its_contract_behind_its_end_only() {
    let (repository, without) = with_extra("");
    let renamed =
        fs::read_to_string(repository.path(BRONZE))
            .unwrap()
            .replacen("sales.bronze.extra", "sales.bronze.others", 1);
    for (text, message) in [
        (
            &without,
            "the dataset sales.bronze.extra was removed, and it was active and has no end",
        ),
        (
            &renamed,
            "the name of `extra` changed from `sales.bronze.extra` to `sales.bronze.others`, and it \
             was active and has no end",
        ),
    ] {
        fs::write(repository.path(BRONZE), text).unwrap();
        let ended = repository.check();
        assert_eq!(ended.code, Some(1), "{}", said(&ended));
        assert!(ended.stderr.contains(message), "{message}\n{}", said(&ended));
        assert!(
            ended.stderr.contains(&format!("error[lifecycle]: main:{BRONZE}:")),
            "{}",
            said(&ended)
        );
    }
    let (repository, without) = with_extra("  - property: endOfLife\n    value: \"2020-01-01\"\n    element: extra\n");
    fs::write(repository.path(BRONZE), without).unwrap();
    let ended = repository.check();
    assert!(!said(&ended).contains("lifecycle"), "{}", said(&ended));
}

#[test]
fn a_shorter_notice_breaks_those_who_were_promised_the_longer_one() {
    let repository = Repository::new();
    let gold = "contracts/product/product_sales.odcs.yaml";
    repository.edit(gold, "value: 90d", "value: 30d");
    repository.edit(gold, "version: 1.0.0", "version: 1.1.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "the notice period changed from `90d` to `30d`: it breaks consumer assortment-planning, consumer finance-dashboard",
        "ask for a major version: write version: 2.0.0",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", said(&ended));
    }
}

#[test]
fn what_is_over_takes_nobodys_place() {
    let repository = Repository::new();
    let silver = "contracts/sales/products.silver.odcs.yaml";
    let cancel = |replacement: &str| {
        let gold = "product.gold.product_sales";
        let mut all = vec!["contract", "cancel", gold, "--by", "provider", "--party", "product"];
        all.extend([
            "--notice",
            "90d",
            "--reason",
            "x",
            "--dry-run",
            "--replacement",
            replacement,
        ]);
        repository.run(&all)
    };
    assert_eq!(cancel("sales.silver.products").code, Some(0));
    repository.edit(silver, "status: active", "status: retired");
    let ended = cancel("sales.silver.products");
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let message = "the replacement `sales.silver.products` is retired";
    assert!(ended.stderr.contains(message), "{}", said(&ended));
}

#[test]
fn who_has_cancelled_until_the_end_is_not_asked_to_move() {
    let repository = Repository::new();
    let gold = "product.gold.product_sales";
    let cancel = |by: &str, party: &str, more: &[&str]| {
        let all = [
            "contract", "cancel", gold, "--by", by, "--party", party, "--reason", "x",
        ];
        let ended = repository.run(&[&all[..], more].concat());
        assert_eq!(ended.code, Some(0), "{}", said(&ended));
        ended.stdout
    };
    let planned = cancel("provider", "product", &["--replacement", "none"]);
    // The contract is to say so, and when, with the words that it is told.
    let (_, end) = planned.split_once("endOfLife with the value \"").unwrap();
    let end = end.split('"').next().unwrap();
    let document = "contracts/product/product_sales.odcs.yaml";
    repository.edit(document, "status: active", "status: deprecated");
    let level = format!("slaProperties:\n  - property: endOfLife\n    value: \"{end}\"\n");
    repository.edit(document, "slaProperties:\n", &level);
    let custom = "customProperties:\n  - property: polder.replacement\n    value: none\n";
    repository.edit(document, "customProperties:\n", custom);
    let moving = || {
        let ended = repository.run(&["check"]);
        let said = said(&ended);
        let line = said
            .lines()
            .find(|line| line.contains("these have to move"))
            .map(str::to_owned);
        line.map(|line| line.rsplit(": ").next().unwrap_or_default().to_owned())
    };
    // Models of the mesh read it too, and cancel nothing.
    let model = "model finance.net_revenue_forecast";
    let both = format!("assortment-planning, finance-dashboard, {model}");
    assert_eq!(moving(), Some(both));
    let first = cancel("consumer", "assortment-planning", &[]);
    assert!(first.contains("goes on for finance-dashboard"), "{first}");
    assert_eq!(moving(), Some(format!("finance-dashboard, {model}")));
    let last = cancel("consumer", "finance-dashboard", &[]);
    assert!(last.contains("nobody is registered"), "{last}");
    assert!(
        last.contains(&format!("it can be retired when its life ends at {end}")),
        "{last}"
    );
    assert_eq!(moving().as_deref(), Some(model));
}
