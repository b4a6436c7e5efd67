//! Names with words behind a plural: which of the things are meant, or what else is said of them.

use std::collections::BTreeSet;

use super::plurals::{TEXTS, columns, found_by, paths, plural};
use super::*;
use crate::BuiltIn;
use crate::policy::Rule;

const PERSONAL: &str = "personal-data";
const FORBIDDEN: &str = "no-card-data-or-credentials";
const TEXT: &str = "logicalType: string";
const NUMBERS: [&str; 3] = [
    "logicalType: number, physicalType: 'decimal(12,2)'",
    "logicalType: number, physicalType: double",
    "logicalType: integer, physicalType: bigint",
];

/// The columns that a default policy finds of these.
fn found(policy: &str, names: &[&str], rest: &str) -> BTreeSet<String> {
    found_by(policy, &columns(names, rest))
}

#[test]
fn words_that_say_which_of_the_things_are_meant_hide_none() {
    let forbidden = [
        "passwords",
        "passwords_plain",
        "passwords_old",
        "card_numbers_full",
        "cvvs_entered",
        "secrets_plain",
        "api_keys_live",
        "access_tokens_current",
        "jwts_issued",
        "passwords_domain_user",
        "passwordsPlain",
    ];
    let personal = [
        "emails_work",
        "emails_private",
        "emails_primary",
        "emails_cc",
        "phones_home",
        "addresses_line1",
        "addresses_billing",
        "ibans_payout",
        "ssns_applicant",
        "ips_client",
        "ips_blocked",
        "ips_source",
        "emails_hash",
        "emails_by_domain",
        "phones_of_policy_holder",
        "phones_policy_holder",
        "phones_at_home",
        "phones_day_time",
        "phones_on_record",
        "births_date",
        "patients_age",
        "wages",
        "wages_per_month",
        "salaries_average_net",
    ];
    for rest in [TEXT, TEXTS] {
        assert_eq!(found(FORBIDDEN, &forbidden, rest), paths(&forbidden), "{rest}");
        assert_eq!(found(PERSONAL, &personal, rest), paths(&personal), "{rest}");
    }
}

#[test]
fn what_is_said_of_the_things_is_none_of_them() {
    let personal = [
        "emails_domain",
        "emails_domains",
        "emails_work_domain",
        "emails_domain_normalized",
        "emails_customer_domain",
        "emails_sent_at",
        "emails_sent_at_utc",
        "emails_last_sent_date",
        "emails_per_day",
        "emails_per_customer",
        "emails_bounce_rate_weekly",
        "phones_carrier",
        "phones_carrier_name",
        "patients_count_daily",
        "wages_currency",
    ];
    let forbidden = [
        "passwords_policy",
        "passwords_policies",
        "passwords_policy_version",
        "passwords_age_days",
        "passwords_changed_on",
        "passwords_rotation_interval",
        "access_tokens_expiry",
        "card_numbers_per_day",
    ];
    for rest in NUMBERS.iter().chain(&[TEXT]) {
        assert_eq!(found(PERSONAL, &personal, rest), BTreeSet::new(), "{rest}");
        assert_eq!(found(FORBIDDEN, &forbidden, rest), BTreeSet::new(), "{rest}");
    }
}

#[test]
fn a_number_under_a_plural_is_the_thing_where_the_thing_is_a_number() {
    let amounts = [
        "wages",
        "salaries",
        "wages_paid",
        "salaries_monthly",
        "avg_salaries",
        "salaries_total_net",
        "wages_per_hour",
    ];
    let cards = ["card_numbers", "card_numbers_full", "cvvs_entered", "cc_nos"];
    let measures = [
        "avg_emails",
        "emails_per_day",
        "passwords_age_days",
        "ips_blocked",
        "emails_work",
        // By the policy's own endings, as `salary_total`.
        "salaries_total",
        "share_of_wages",
        "number_of_salaries",
        "num_salaries",
        "wages_count",
        "salaries_percent",
        "card_numbers_count",
        "count_card_numbers",
        "passwords_plain",
        "api_keys_live",
    ];
    for rest in NUMBERS {
        assert_eq!(found(PERSONAL, &amounts, rest), paths(&amounts), "{rest}");
        assert_eq!(found(FORBIDDEN, &cards, rest), paths(&cards), "{rest}");
        for policy in [PERSONAL, FORBIDDEN] {
            assert_eq!(found(policy, &measures, rest), BTreeSet::new(), "{policy}, {rest}");
        }
    }
}

#[test]
fn no_plural_of_a_default_word_hides_what_its_singular_tells() {
    let suffixes = [
        "plain", "old", "full", "work", "home", "private", "primary", "billing", "line1", "client", "live", "current",
    ];
    let defaults = Policies::defaults();
    for id in [PERSONAL, FORBIDDEN] {
        let words = match &defaults.get(id).unwrap().rule {
            Rule::BuiltIn(BuiltIn::PersonalData { words, .. } | BuiltIn::ForbiddenData { words, .. }) => words,
            other => panic!("{other:?}"),
        };
        let pairs: Vec<(String, String)> = words
            .0
            .iter()
            .filter_map(|word| Some((word.to_owned(), plural(word)?)))
            .flat_map(|(word, plural)| {
                suffixes.map(|suffix| (format!("{word}_{suffix}"), format!("{plural}_{suffix}")))
            })
            .collect();
        let asked = |names: BTreeSet<&String>| {
            let columns: Vec<_> = names.into_iter().map(|name| (name.clone(), TEXT.to_owned())).collect();
            found_by(id, &columns)
        };
        let singular = asked(pairs.iter().map(|(singular, _)| singular).collect());
        let plural = asked(pairs.iter().map(|(_, plural)| plural).collect());
        assert!(singular.len() > 500, "{id}: {}", singular.len());
        let hidden: Vec<_> = pairs
            .iter()
            .filter(|(one, many)| singular.contains(one) && !plural.contains(many))
            .collect();
        assert!(hidden.is_empty(), "{id}: {hidden:?}");
    }
}

#[test]
fn words_of_ones_own_count_in_the_plural_like_those_of_the_defaults() {
    let own = policies(
        "policies:
  - id: own
    description: d
    reason: r
    remedy: m
    severity: error
    rule: personal-data
    parameters:
      words: [shoe_size, badge, annual_income, phone_carrier, logins]
      unless_ending: [colour]
",
    );
    let own_found = |names: &[&str], rest: &str| -> BTreeSet<String> {
        let text: String = names
            .iter()
            .map(|name| format!("      - {{name: {name}, description: x, {rest}}}\n"))
            .collect();
        let text = contract("gold", &format!("{KEY}{text}"), LEVELS);
        let found = check(&own, &contracts(&text), today());
        let named = found.iter().filter_map(|found| found.message.split('`').nth(1));
        named.map(str::to_owned).collect()
    };
    let texts = [
        "badges_old",
        "shoe_sizes_left",
        "annual_incomes_net",
        // As they are declared, whatever stands behind them or in them.
        "logins_domain",
        "phone_carrier_status",
        "phones_carrier",
        "badge_policy",
    ];
    assert_eq!(own_found(&texts, TEXT), paths(&texts));
    let others = ["badges_policy", "badges_colour", "badge_colour", "badges_lost_at"];
    assert_eq!(own_found(&others, TEXT), BTreeSet::new());
    for rest in NUMBERS {
        let numbers = ["annual_incomes", "badges", "badges_old"];
        assert_eq!(own_found(&numbers, rest), paths(&["annual_incomes"]), "{rest}");
    }
}
