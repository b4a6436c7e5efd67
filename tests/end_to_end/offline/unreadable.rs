//! What `polder check --base` says where documents of the new state cannot be read: nothing hides behind a mistake.

use std::fs;

use super::pull_requests::{BRONZE, Repository, SILVER, said};

const LINES: &str = "pipelines/sales/invoice_lines.pipeline.yaml";
const DASHBOARD: &str = "catalog/consumers/finance-dashboard.yaml";

/// The way from a column of bronze to a consumer, three steps downstream.
const CHAIN: &str = "sales.bronze.invoice_lines.country (removed) → pipeline sales.invoice_lines → \
                     sales.silver.invoice_lines.country → pipeline product.product_sales → \
                     product.gold.product_sales.country → consumer finance-dashboard";

/// Takes the country, which many read, out of bronze.
fn without_country() -> Repository {
    let repository = Repository::new();
    repository.drop_column(BRONZE, "country");
    repository.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    repository
}

#[test]
fn a_contract_that_cannot_be_read_any_more_is_not_compared_rather_than_unchanged() {
    let repository = without_country();
    repository.edit(BRONZE, "status: active", "status: 5");
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    for told in [
        &format!("error[not-compared]: {BRONZE}: "),
        "the contract sales.bronze.invoice_lines could not be read: not compared with main",
    ] {
        assert!(ended.stderr.contains(told), "{told}\n{}", said(&ended));
    }
    for told in [
        "contracts changed: 0, added: 0, removed: 0, could not be read: 1; changes that break somebody: 0",
        // Who is made of it is named.
        "not built until mended: ",
        "pipeline sales.invoice_lines",
        "consumer finance-dashboard",
    ] {
        assert!(ended.stdout.contains(told), "{told}\n{}", said(&ended));
    }
    assert!(!said(&ended).contains("was removed"), "{}", said(&ended));
    let ended = repository.run(&["check", "--base", "main", "--report", "github"]);
    assert!(ended.stdout.contains("not compared with main"), "{}", said(&ended));
    // Where the document was moved as well, the contract did not go either.
    let moved = BRONZE.replace("invoice_lines.bronze", "lines");
    fs::rename(repository.path(BRONZE), repository.path(&moved)).unwrap();
    let ended = repository.check();
    assert!(ended.stdout.contains("could not be read: 1;"), "{}", said(&ended));
    assert!(!said(&ended).contains("was removed"), "{}", said(&ended));
}

#[test]
fn a_change_upstream_of_a_contract_that_cannot_be_read_still_breaks_those_behind_it() {
    let repository = without_country();
    repository.edit(SILVER, "status: active", "status: 5");
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains(CHAIN), "{}", said(&ended));
    assert!(ended.stdout.contains("could not be read: 1;"), "{}", said(&ended));
}

#[test]
fn a_change_reaches_a_consumer_whose_registration_cannot_be_read_any_more() {
    let repository = without_country();
    let text = fs::read_to_string(repository.path(DASHBOARD)).unwrap();
    fs::write(repository.path(DASHBOARD), format!("{text}what: is this\n")).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains(CHAIN), "{}", said(&ended));
    let taken = format!("taken as in main, as what is there now could not be read: {DASHBOARD}\n");
    assert!(ended.stdout.contains(&taken), "{}", said(&ended));
}

#[test]
fn a_change_is_followed_through_a_pipeline_that_cannot_be_read_any_more() {
    let repository = without_country();
    repository.edit(LINES, "\ndataset:", "\ndatset:");
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains(CHAIN), "{}", said(&ended));
    let taken = format!("taken as in main, as what is there now could not be read: {LINES}\n");
    assert!(ended.stdout.contains(&taken), "{}", said(&ended));
}

#[test]
fn documents_that_the_base_does_not_have_either_leave_the_impact_incomplete_and_are_named() {
    let repository = without_country();
    let new = "catalog/consumers/new.yaml";
    fs::write(repository.path(new), "reads: []\nwhat: is this\n").unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let told = format!("what changes break is incomplete, because of documents that could not be read: {new}\n");
    assert!(ended.stdout.contains(&told), "{}", said(&ended));
    // Without such documents there is nothing of that.
    fs::remove_file(repository.path(new)).unwrap();
    let ended = repository.check();
    for word in ["incomplete", "could not be read", "taken as in"] {
        assert!(!ended.stdout.contains(word), "{}", said(&ended));
    }
}
