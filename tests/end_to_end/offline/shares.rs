//! What `polder check --base` says of the ports of products, and where it shows what is gone.

use std::fs;

use super::table_fitness::{Copy, DAILY, ORDERS, said};

#[test]
fn a_removed_column_is_shown_at_its_object_and_where_it_stood() {
    let base = Copy::built(&[]);
    let contract = fs::read_to_string(base.path(ORDERS)).unwrap();
    let at = |text: &str, what: &str| 1 + text.lines().position(|line| line == what).unwrap();
    let stood = at(&contract, "      - name: currency");
    let (before, rest) = contract.split_once("      - name: currency\n").unwrap();
    let (_, after) = rest.split_once("team:\n").unwrap();
    fs::write(base.path(ORDERS), format!("{before}team:\n{after}")).unwrap();
    let object = at(&fs::read_to_string(base.path(ORDERS)).unwrap(), "  - name: orders");
    let ended = base.polder.run(&["check", "--base", "main"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    for part in [
        "the column `currency` was removed: it breaks pipeline shop.daily_orders",
        &format!("{ORDERS}:{object}:11"),
        &format!("it stood at main:{ORDERS}:{stood}:15"),
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", said(&ended));
    }
}

#[test]
fn shares_are_named_as_such_among_what_breaks_and_what_does_not() {
    let base = Copy::built(&[]);
    let product = "apiVersion: v1.0.0\nkind: DataProduct\nid: shop.days\nname: Days\nversion: 1.0.0\nstatus: active\ndomain: \
                   shop\ndescription:\n  purpose: Days.\ninputPorts:\n  - name: orders\n    version: 1.0.0\n    contractId: \
                   shop.bronze.orders\noutputPorts:\n  - name: days\n    type: deltaSharing\n    version: 1.0.0\n    \
                   contractId: shop.gold.daily_orders\n  - name: days_sql\n    type: tables\n    version: 1.0.0\n    \
                   contractId: shop.gold.daily_orders\n  - name: rates\n    type: deltaSharing\n    version: 1.0.0\n    \
                   contractId: shop.gold.rates\nteam:\n  name: shop\n  members:\n    - username: you@shop.example\n      \
                   role: owner\n";
    fs::write(base.path("contracts/shop/days.odps.yaml"), product).unwrap();
    let rates = fs::read_to_string(base.path(DAILY)).unwrap();
    let rates = rates.replace("shop.gold.daily_orders", "shop.gold.rates");
    fs::write(base.path("contracts/shop/rates.odcs.yaml"), rates).unwrap();
    base.commit();
    let orders = fs::read_to_string(base.path(ORDERS)).unwrap();
    fs::write(
        base.path(ORDERS),
        orders.replacen("- name: currency\n", "- name: money\n", 1),
    )
    .unwrap();
    let ended = base.polder.run(&["check", "--base", "main"]);
    let broken = "it breaks pipeline shop.daily_orders, product Days (port days_sql, tables), product Days (share days, \
                  deltaSharing)";
    assert!(ended.stderr.contains(broken), "{}", said(&ended));
    let not = "not affected: product Days (share rates, deltaSharing)";
    assert!(ended.stderr.contains(not), "{}", said(&ended));
    // What a product offers itself changes with it, and is told as that.
    fs::write(base.path(ORDERS), orders).unwrap();
    base.edit(&(DAILY, "      - name: orders\n        description: How many orders there were.\n        logicalType: integer\n        physicalType: bigint\n        required: true\n", ""));
    base.edit(&(
        "pipelines/shop/daily_orders.sql",
        "    count(DISTINCT order_id) AS orders,\n",
        "",
    ));
    let ended = base.polder.run(&["check", "--base", "main"]);
    let changes = "breaks nobody; changes with it: product Days (port days_sql, tables), product Days (share days, \
                   deltaSharing)";
    assert!(ended.stdout.contains(changes), "{}", said(&ended));
}
