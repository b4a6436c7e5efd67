//! What `polder check --base` says to who writes a dataset: what becomes of the rows of a stream after each kind of change.

use std::fs;

use super::table_fitness::{Copy, ORDERS, said};

/// The orders with a currency, with the time zone in which times without an offset are read, and with an id by which a renamed
/// column is known.
const BEFORE: [(&str, &str); 3] = [
    (
        "    description: One row an order, as the shop sent it.\n",
        "    description: One row an order, as the shop sent it.\n    customProperties: [{property: polder.currency, value: EUR}]\n",
    ),
    (
        "        physicalType: timestamp\n",
        "        physicalType: timestamp\n        logicalTypeOptions: {defaultTimezone: Europe/Berlin}\n",
    ),
    (
        "      - name: customer\n",
        "      - id: customer\n        name: customer\n",
    ),
];

#[test]
fn what_becomes_of_a_streams_rows_is_told_by_the_kind_of_the_change() {
    let base = Copy::built(&BEFORE.map(|(old, new)| (ORDERS, old, new)));
    let text = fs::read_to_string(base.path(ORDERS)).unwrap();
    let refused = "rows of stream shop.orders may be refused";
    let otherwise = "no row of stream shop.orders is refused for it, but";
    for (old, new, told) in [
        ("          minimum: 0\n", "          minimum: 1\n", refused),
        ("^[A-Z]{3}$", "^[A-Z]{2}$", refused),
        (
            "value: EUR",
            "value: USD",
            "the amounts of `orders` are in USD now, no longer in EUR: no row of stream shop.orders is refused for it, but \
             the amounts that come are taken to be in that currency",
        ),
        (
            "Europe/Berlin",
            "America/New_York",
            "times without an offset that come by stream shop.orders are other instants now",
        ),
        (
            "{defaultTimezone: Europe/Berlin}",
            "{defaultTimezone: Europe/Berlin, timezone: false}",
            otherwise,
        ),
        (
            "        name: customer\n",
            "        name: buyer\n",
            "what stream shop.orders brings under the old name is in no row any more",
        ),
    ] {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        fs::write(base.path(ORDERS), text.replace(old, new)).unwrap();
        let ended = base.polder.run(&["check", "--base", "main"]);
        let warned = ended.stderr.lines().filter(|line| line.contains("[breaks-writers]"));
        let warned: Vec<_> = warned.collect();
        assert_eq!(warned.len(), 1, "{new}\n{}", said(&ended));
        assert!(warned[0].contains(told), "{new}\n{}", said(&ended));
        assert_eq!(warned[0].contains("may be refused"), told == refused, "{}", warned[0]);
    }
}
