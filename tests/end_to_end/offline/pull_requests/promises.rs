//! What is owed to consumers and products, and ends only as it was said.

use super::*;

#[test]
fn a_change_that_breaks_a_consumer_cannot_strike_it_off() {
    let repository = Repository::new();
    drop_gross_revenue(&repository);
    let chain = "product.gold.product_sales.gross_revenue (removed) → consumer finance-dashboard";
    let ended = repository.check();
    assert!(ended.stderr.contains(chain), "{}", said(&ended));
    // It still reads what is not there: a wrong document too.
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    // Less is registered, in the same change.
    repository.edit(DASHBOARD, "gross_revenue, ", "");
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    assert!(ended.stderr.contains(chain), "{}", said(&ended));
    fs::remove_file(repository.path(DASHBOARD)).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    assert!(ended.stderr.contains(chain), "{}", said(&ended));
    assert!(ended.stderr.contains("contract cancel"), "{}", said(&ended));
}

#[test]
fn a_consumer_made_for_a_major_version_is_spared_the_step_to_it_and_nothing_within_it() {
    let gold = "contracts/product/product_sales.odcs.yaml";
    let lowered = "the service level `latency` was lowered from 2 h to 4 h: it breaks consumer finance-dashboard";
    let repository = Repository::new();
    repository.edit(
        DASHBOARD,
        "    since: 2026-02-02",
        "    version: 1\n    since: 2026-02-02",
    );
    repository.commit();
    // Latency and frequency are told apart by their figures.
    repository.edit(gold, "    value: 2\n", "    value: 4\n");
    repository.edit(gold, "version: 1.0.0", "version: 1.1.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    assert!(ended.stderr.contains(lowered), "{}", said(&ended));
    // The next major version breaks it as long as it is made for the one before.
    repository.edit(gold, "version: 1.1.0", "version: 2.0.0");
    let ended = repository.check();
    assert!(ended.stderr.contains(lowered), "{}", said(&ended));
    repository.edit(DASHBOARD, "version: 1", "version: 2");
    let ended = repository.check();
    assert!(!ended.stderr.contains("it breaks consumer"), "{}", said(&ended));
    // Within that version it is protected again.
    repository.commit();
    repository.edit(gold, "    value: 4\n", "    value: 5\n");
    repository.edit(gold, "version: 2.0.0", "version: 2.1.0");
    let ended = repository.check();
    assert!(
        ended.stderr.contains("it breaks consumer finance-dashboard"),
        "{}",
        said(&ended)
    );
}

#[test]
fn an_end_that_is_no_date_is_one_error_of_the_contract() {
    let repository = Repository::new();
    repository.edit(
        "contracts/product/product_sales.odcs.yaml",
        "slaProperties:\n",
        "slaProperties:\n  - property: endOfLife\n    value: \"01.12.2027\"\n",
    );
    let ended = repository.run(&["check"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains("this is no date"), "{}", said(&ended));
    assert!(!ended.stderr.contains("ended-contract"), "{}", said(&ended));
}

#[test]
fn a_consumer_that_ended_its_registration_before_or_on_record_is_not_broken() {
    let repository = Repository::new();
    let registration = fs::read(repository.path(DASHBOARD)).unwrap();
    fs::remove_file(repository.path(DASHBOARD)).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    repository.commit();
    drop_gross_revenue(&repository);
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    assert!(ended.stdout.contains("breaks nobody"), "{}", said(&ended));
    // The change is the base of the next.
    repository.commit();
    let ended = repository.check();
    assert!(ended.stdout.contains("contracts changed: 0"), "{}", said(&ended));

    let repository = Repository::new();
    drop_gross_revenue(&repository);
    repository.cancel("2999-01-01", "finance-dashboard");
    fs::write(repository.path(DASHBOARD), registration).unwrap();
    repository.edit(DASHBOARD, "gross_revenue, ", "");
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
}

#[test]
fn a_cancellation_is_of_a_consumer_that_there_is_and_of_no_day_before() {
    let repository = Repository::new();
    repository.cancel("2001-01-01", "nobody");
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    assert!(
        ended.stderr.contains("there is no consumer `nobody`"),
        "{}",
        said(&ended)
    );
    assert!(ended.stderr.contains("announced on 2001-01-01"), "{}", said(&ended));
    // What is on record stays there.
    repository.commit();
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    fs::remove_file(repository.path("catalog/cancellations/one.yaml")).unwrap();
    let ended = repository.check();
    assert!(ended.stderr.contains("taken from the record"), "{}", said(&ended));
}

#[test]
fn a_contract_with_another_id_still_owes_what_it_promised() {
    let repository = Repository::new();
    let gold = "contracts/product/product_sales.odcs.yaml";
    repository.edit(gold, "id: product.gold.product_sales\n", "id: product.gold.sales\n");
    repository.edit(gold, "status: active", "status: draft");
    let ended = repository.check();
    assert!(
        ended.stderr.contains("a contract that is active cannot become draft"),
        "{}",
        said(&ended)
    );
    assert!(ended.stderr.contains("error[contract-version]"), "{}", said(&ended));
    // It is the same one under another name, none that is new.
    assert!(
        said(&ended).contains("contracts changed: 1, added: 0"),
        "{}",
        said(&ended)
    );
}

#[test]
fn a_product_in_use_does_not_just_go() {
    let repository = Repository::new();
    fs::remove_file(repository.path("contracts/product/product_sales.odps.yaml")).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "error[lifecycle]",
        "the product Product sales (product.sales) was removed",
    ] {
        assert!(ended.stderr.contains(part), "{}", said(&ended));
    }
}

#[test]
fn a_dataset_that_moves_to_another_contract_is_not_removed() {
    let repository = Repository::new();
    let [one, extra] = repository.add_object();
    repository.commit();
    fs::write(repository.path(BRONZE), &one).unwrap();
    let moved = "contracts/sales/extra.odcs.yaml";
    fs::write(repository.path(moved), extra).unwrap();
    let ended = repository.check();
    assert!(!said(&ended).contains("removed, "), "{}", said(&ended));
    assert!(!said(&ended).contains("`extra`"), "{}", said(&ended));
    // What it promised counts there.
    repository.edit(moved, "name: one\n", "name: two\n");
    let ended = repository.check();
    assert!(
        said(&ended).contains("the column `one` was removed"),
        "{}",
        said(&ended)
    );
}

#[test]
fn a_product_goes_with_its_retired_contracts() {
    let repository = Repository::new();
    let gold = "contracts/product/product_sales.odcs.yaml";
    repository.edit(gold, "status: active", "status: retired");
    repository.edit(gold, "version: 1.0.0", "version: 2.0.0");
    fs::remove_file(repository.path("contracts/product/product_sales.odps.yaml")).unwrap();
    let ended = repository.check();
    assert!(!ended.stderr.contains("the product Product sales"), "{}", said(&ended));
}

#[test]
fn a_contract_is_not_retired_while_somebody_uses_it() {
    let repository = Repository::new();
    repository.edit(
        "contracts/sales/products.silver.odcs.yaml",
        "status: active",
        "status: retired",
    );
    let ended = repository.polder.run(&["check"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let names = "retired while consumers remain: assortment-planning, model recommendation.bought_together, \
                 model recommendation.personal_top_n";
    for said_of in [
        names,
        "the pipeline sales.products writes sales.silver.products, and the contract is retired",
    ] {
        assert!(ended.stderr.contains(said_of), "{}", said(&ended));
    }
}
