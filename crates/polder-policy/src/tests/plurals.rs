//! What lists, maps and names in the plural hold.

use std::collections::BTreeSet;

use super::*;
use crate::BuiltIn;
use crate::policy::Rule;

/// The columns that a default policy finds in an object of gold that has these, by path.
pub(super) fn found_by(policy: &str, columns: &[(String, String)]) -> BTreeSet<String> {
    let text: String = columns
        .iter()
        .map(|(name, rest)| format!("      - {{name: {name}, description: x, {rest}}}\n"))
        .collect();
    let text = contract("gold", &format!("{KEY}{text}"), LEVELS);
    check(&Policies::defaults(), &contracts(&text), today())
        .into_iter()
        .filter(|found| found.code == policy && !found.message.contains("which currency"))
        .filter_map(|found| Some(found.message.split('`').nth(1)?.to_owned()))
        .collect()
}

pub(super) fn columns(names: &[&str], rest: &str) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), rest.to_owned())).collect()
}

pub(super) const TEXTS: &str = "logicalType: array, items: {logicalType: string}";
const DOUBLES: &str = "logicalType: array, items: {logicalType: number}";

/// As English has it; a plural, and a word of another language, has none.
pub(super) fn plural(phrase: &str) -> Option<String> {
    let (head, last) = phrase
        .rsplit_once('_')
        .map_or(("", phrase), |(head, last)| (head, last));
    let last = match last {
        "credentials" | "plz" | "postleitzahl" | "material" | "monetary" => return None,
        "address" | "ipaddress" | "emailaddress" => format!("{last}es"),
        "fax" => "faxes".to_owned(),
        "nationality" => "nationalities".to_owned(),
        "salary" => "salaries".to_owned(),
        "security" => "securities".to_owned(),
        other => format!("{other}s"),
    };
    Some(match head {
        "" => last,
        head => format!("{head}_{last}"),
    })
}

#[test]
fn each_word_of_the_default_policies_is_known_in_the_plural() {
    let defaults = Policies::defaults();
    for (id, rest, path) in [
        ("personal-data", TEXTS, ""),
        ("no-card-data-or-credentials", TEXTS, ""),
        ("money-decimal", DOUBLES, "[]"),
    ] {
        let words = match &defaults.get(id).unwrap().rule {
            Rule::BuiltIn(BuiltIn::PersonalData { words, .. }) => vec![words],
            Rule::BuiltIn(BuiltIn::ForbiddenData { words, names, .. }) => vec![words, names],
            Rule::BuiltIn(BuiltIn::Money { words, .. }) => vec![words],
            other => panic!("{other:?}"),
        };
        let declared = words.into_iter().flat_map(|words| words.0.iter());
        let plurals: BTreeSet<String> = declared.filter_map(plural).collect();
        assert!(plurals.len() > 12, "{plurals:?}");
        let asked: Vec<_> = plurals.iter().map(|name| (name.clone(), rest.to_owned())).collect();
        let wanted: BTreeSet<String> = plurals.iter().map(|name| format!("{name}{path}")).collect();
        assert_eq!(found_by(id, &asked), wanted, "{id}");
    }
}

#[test]
fn plurals_without_a_list_are_known_and_counts_of_things_are_left_alone() {
    let money = columns(&["prices", "total_amounts"], "logicalType: number");
    assert_eq!(found_by("money-decimal", &money).len(), 2);
    let secrets = columns(&["passwords", "card_numbers"], "logicalType: string");
    assert_eq!(found_by("no-card-data-or-credentials", &secrets).len(), 2);
    let counts = [
        "payments",
        "discounts",
        "emails",
        "patients",
        "births",
        "passwords",
        "tokens",
        "phones",
    ];
    for policy in ["money-decimal", "personal-data", "no-card-data-or-credentials"] {
        let counts = columns(&counts, "logicalType: integer, physicalType: bigint");
        assert_eq!(found_by(policy, &counts), BTreeSet::new(), "{policy}");
    }
}

#[test]
fn measures_of_things_and_what_is_said_of_them_are_left_alone() {
    let measures = [
        "avg_emails",
        "emails_per_day",
        "share_of_phones",
        "avg_addresses",
        "ips_blocked",
        "passwords_age_days",
        "emails",
    ];
    let said_of_them = ["emails_domain", "emails_sent_at", "passwords_policy", "phones_carrier"];
    for policy in ["personal-data", "no-card-data-or-credentials"] {
        for rest in [
            "logicalType: number, physicalType: double",
            "logicalType: number, physicalType: 'decimal(9,2)'",
            "logicalType: integer, physicalType: int",
        ] {
            let measures = columns(&measures, rest);
            assert_eq!(found_by(policy, &measures), BTreeSet::new(), "{policy}, {rest}");
        }
        let said_of_them = columns(&said_of_them, "logicalType: string");
        assert_eq!(found_by(policy, &said_of_them), BTreeSet::new(), "{policy}");
    }
    // The things themselves.
    let texts = ["emails", "work_emails", "emails_json", "phones_of_customer", "emails_2"];
    let found = found_by("personal-data", &columns(&texts, "logicalType: string"));
    assert_eq!(found, paths(&texts));
    let lists = ["emails", "emails_blocked"];
    assert_eq!(found_by("personal-data", &columns(&lists, TEXTS)), paths(&lists));
    let numbers = columns(&["phones"], DOUBLES);
    assert_eq!(found_by("personal-data", &numbers), paths(&["phones"]));
    let singular = columns(&["phone"], "logicalType: number");
    assert_eq!(found_by("personal-data", &singular), paths(&["phone"]));
    // Amounts are numbers.
    let amounts = columns(&["prices", "avg_costs"], "logicalType: number");
    assert_eq!(found_by("money-decimal", &amounts).len(), 2);
}

#[test]
fn words_that_end_like_plurals_are_left_alone() {
    let names = [
        "business",
        "status",
        "statuses",
        "series",
        "process",
        "access",
        "basis",
        "class",
        "analysis",
        "bus",
        "gas",
        "always",
        "panes",
        "feeds",
        "pricing",
        "costume",
        "balances_count",
        "price_types",
        "address_types",
        "password_hashes",
        "opening_times",
        "weekdays",
        "sales",
        "items",
        "news",
        "tokens_used",
        "pins_sold",
    ];
    for policy in [
        "money-decimal",
        "personal-data",
        "no-card-data-or-credentials",
        "dates-as-text",
    ] {
        for rest in ["logicalType: string", "logicalType: number"] {
            assert_eq!(
                found_by(policy, &columns(&names, rest)),
                BTreeSet::new(),
                "{policy}, {rest}"
            );
        }
    }
    // A tag in the plural is a topic.
    let tagged = columns(&["quantity"], "logicalType: number, tags: [payments, emails]");
    for policy in ["money-decimal", "personal-data"] {
        assert_eq!(found_by(policy, &tagged), BTreeSet::new(), "{policy}");
    }
}

pub(super) fn paths(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn map(key: &str, value: &str) -> String {
    format!("logicalType: map, map: {{key: {{logicalType: {key}}}, value: {{{value}}}}}")
}

#[test]
fn money_is_found_in_lists_and_maps() {
    let column = |name: &str, rest: &str| (name.to_owned(), rest.to_owned());
    let values = map("string", "logicalType: number");
    let nested = map("string", &format!("logicalType: array, items: {{{DOUBLES}}}"));
    let found = found_by(
        "money-decimal",
        &[
            column("price", DOUBLES),
            column("cost", &values),
            column("fee", &nested),
            column("values_a", &format!("{DOUBLES}, tags: [revenue]")),
            column("values_b", &format!("{DOUBLES}, businessName: Order total")),
            column("price_by_size", &map("number", "logicalType: number")),
            column("orders_by_price", &map("number", "logicalType: number")),
            column("prices", TEXTS),
            // Rightly so.
            column(
                "amount",
                "logicalType: array, items: {logicalType: number, physicalType: 'decimal(9,2)'}",
            ),
            column("discount_rates", DOUBLES),
            column("payment_types", TEXTS),
            // Of a map the values are what it is named by.
            column(
                "balance",
                &map("string", "logicalType: number, physicalType: 'decimal(9,2)'"),
            ),
        ],
    );
    let wanted = [
        "price[]",
        "cost.value",
        "fee.value[][]",
        "values_a[]",
        "values_b[]",
        "price_by_size.value",
        "orders_by_price.key",
        "prices[]",
    ];
    assert_eq!(found, paths(&wanted));
}

#[test]
fn dates_as_text_are_found_in_lists_and_maps() {
    let column = |name: &str, rest: &str| (name.to_owned(), rest.to_owned());
    let found = found_by(
        "dates-as-text",
        &[
            column("ship_date", TEXTS),
            column("due_dates", TEXTS),
            column("ship_time", &map("string", "logicalType: string")),
            column("sales_by_day", &map("string", "logicalType: string")),
            column("paid_at", &map("string", "logicalType: date")),
            column("paid_dates", "logicalType: array, items: {logicalType: date}"),
            column("names", TEXTS),
        ],
    );
    assert_eq!(
        found,
        paths(&["ship_date[]", "due_dates[]", "ship_time.value", "sales_by_day.key"])
    );
}

#[test]
fn service_levels_go_by_the_standards_short_names_too() {
    let short = LEVELS
        .replace("property: retention", "property: re")
        .replace("property: latency", "property: Ly")
        .replace("property: frequency", "property: fy");
    let found = |levels: &str| {
        let found = check(
            &Policies::defaults(),
            &contracts(&contract("gold", KEY, levels)),
            today(),
        );
        codes(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(&short), Vec::<String>::new());
    // Theirs is the question after the unit, too.
    assert_eq!(found(&short.replace(", unit: y", "")), ["service-level-units"]);
    assert_eq!(
        found(&short.replace("re, value: 3, unit: y", "ga, value: 3")),
        ["retention-set"]
    );
}
