//! Cancellations, and what follows from them.

use chrono::{DateTime, NaiveDate, Utc};
use polder_core::document::{Diagnostic, Source};

use crate::cancellation::{Cancellation, Canceller, check, end_registrations, parse};
use crate::{Consumer, Contract, ContractSet};

fn now() -> DateTime<Utc> {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

/// The contracts of `shop.gold.report` with this status and end, and of `shop.gold.next`.
fn contracts(status: &str, end: Option<&str>) -> ContractSet {
    let contract = |dataset: &str, status: &str, more: &str| {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nversion: 1.0.0\nstatus: {status}\nschema:\n  - name: t\n    \
             physicalName: {dataset}\n    properties:\n      - {{name: id, logicalType: string}}\n\
             customProperties:\n  - {{property: polder.noticePeriod, value: 90d}}\n{more}"
        );
        ("shop".to_owned(), Source::new(format!("{dataset}.odcs.yaml"), text))
    };
    let level = end.map_or_else(String::new, |end| {
        format!("slaProperties: [{{property: endOfLife, value: \"{end}\"}}]\n")
    });
    let (set, found) = ContractSet::load([
        contract("shop.gold.report", status, &level),
        contract("shop.gold.next", "active", ""),
    ]);
    assert_eq!(found, []);
    set
}

fn report(set: &ContractSet) -> &Contract {
    &set.contracts()[0]
}

const TEXT: &str = "contract: shop.gold.report
by: provider
party: shop
announced: \"2026-06-15\"
notice: 90d
effective: \"2026-09-13\"
reason: \"nobody \\\"likes\\\" it: really\"
replacement: shop.gold.next
";

fn read(text: &str) -> Cancellation {
    let (cancellation, found) = parse(&Source::new("catalog/cancellations/a.yaml", text));
    cancellation.unwrap_or_else(|| panic!("{found:#?}"))
}

fn messages(found: &[Diagnostic]) -> Vec<String> {
    found
        .iter()
        .map(|found| {
            format!(
                "{} {} ({})",
                found.severity.as_str(),
                found.message,
                found.help.as_deref().unwrap_or("")
            )
        })
        .collect()
}

#[test]
fn a_cancellation_reads_back_as_written() {
    let cancellation = read(TEXT);
    assert_eq!((cancellation.by, cancellation.notice_days), (Canceller::Provider, 90));
    assert_eq!(cancellation.reason, "nobody \"likes\" it: really");
    let again = read(&cancellation.to_yaml());
    assert_eq!(
        again,
        Cancellation {
            place: again.place.clone(),
            ..cancellation
        }
    );
}

#[test]
fn nonsense_is_refused_with_its_place() {
    let cases = [
        (
            "effective: \"2026-09-13\"",
            "effective: \"2026-09-12\"",
            "has not run out on 2026-09-12",
        ),
        ("notice: 90d", "notice: soon", "`notice` must be a number of days"),
        ("by: provider", "by: nobody", "`nobody` can cancel nothing"),
        (
            "announced: \"2026-06-15\"",
            "announced: yesterday",
            "`announced` must be a date",
        ),
        ("party: shop", "party: \"\"", "`party` is empty"),
        ("party: shop\n", "", "`party` is missing"),
        ("replacement:", "replacment:", "`replacment` is not known"),
    ];
    for (from, to, expected) in cases {
        let (cancellation, found) = parse(&Source::new("a.yaml", TEXT.replacen(from, to, 1)));
        assert!(cancellation.is_none(), "{to}");
        assert!(
            found.len() == 1 && found[0].message.contains(expected) && found[0].span.is_some(),
            "{found:?}"
        );
    }
}

#[test]
fn a_cancellation_is_held_against_its_contract() {
    let checked = |text: &str, set: &ContractSet| messages(&check(&[read(text)], set, now()));
    let nothing = Vec::<String>::new();
    assert_eq!(checked(TEXT, &contracts("deprecated", Some("2026-09-13"))), nothing);
    assert_eq!(checked(TEXT, &contracts("retired", None)), nothing);
    let active = checked(TEXT, &contracts("active", None));
    assert!(
        active[0].contains("shop.gold.report is cancelled, and its status is active (write status: deprecated"),
        "{active:?}"
    );
    let early = checked(TEXT, &contracts("deprecated", Some("2026-08-01")));
    assert!(
        early[0].contains("ends before its cancellation takes effect (write endOfLife: 2026-09-13)"),
        "{early:?}"
    );
    let short = TEXT.replacen("notice: 90d", "notice: 30d", 1);
    let short = checked(&short, &contracts("deprecated", Some("2026-09-13")));
    assert!(
        short[0].contains("a notice of 30 days is shorter than the 90 days"),
        "{short:?}"
    );
    let unknown = TEXT.replacen("contract: shop.gold.report", "contract: shop.gold.reprot", 1);
    assert_eq!(
        checked(&unknown, &contracts("active", None)),
        ["error there is no contract `shop.gold.reprot` (did you mean `shop.gold.report`?)"]
    );
    let nowhere = TEXT.replacen("replacement: shop.gold.next", "replacement: shop.gold.nxt", 1);
    let nowhere = checked(&nowhere, &contracts("deprecated", Some("2026-09-13")));
    assert_eq!(
        nowhere,
        ["error the replacement `shop.gold.nxt` has no contract (did you mean `shop.gold.next`?)"]
    );
    let over = TEXT
        .replacen("announced: \"2026-06-15\"", "announced: \"2026-01-01\"", 1)
        .replacen("2026-09-13", "2026-06-01", 1);
    let over = checked(&over, &contracts("deprecated", Some("2026-06-01")));
    assert_eq!(
        over,
        ["warning shop.gold.report ended on 2026-06-01 and is not retired (write status: retired)"]
    );
}

#[test]
fn what_follows_is_planned_by_day() {
    let set = contracts("active", None);
    let lines = |text: &str, consumers: &[&str]| -> Vec<String> {
        let effects = read(text).effects(report(&set), consumers, None);
        effects
            .iter()
            .map(|effect| format!("{} {}", effect.day, effect.what))
            .collect()
    };
    assert_eq!(
        lines(TEXT, &["bi", "forecast"]),
        [
            "2026-06-15 shop.gold.report is deprecated: status `deprecated`, endOfLife 2026-09-13",
            "2026-09-13 support ends",
            "2026-09-13 bi has moved to shop.gold.next",
            "2026-09-13 forecast has moved to shop.gold.next",
            "2026-09-13 shop.gold.report ends; from the next day on nothing is written to it",
        ]
    );
    let consumer = TEXT
        .replacen("by: provider", "by: consumer", 1)
        .replacen("party: shop", "party: bi", 1);
    assert_eq!(
        lines(&consumer, &["bi", "forecast"])[1..],
        [
            "2026-09-13 bi has moved to shop.gold.next; its registration ends",
            "2026-09-13 shop.gold.report goes on for forecast",
        ]
    );
    assert!(lines(&consumer, &["bi"])[2].contains("nobody is registered"));
    let ending = contracts("deprecated", Some("2026-12-31"));
    let last = read(&consumer).effects(report(&ending), &["bi"], None).pop().unwrap();
    assert_eq!(
        last.what,
        "nobody is registered for shop.gold.report any more: it can be retired when its life ends at 2026-12-31"
    );
    // The provider has cancelled too, and the contract does not say so yet.
    let both = read(&consumer).effects(report(&set), &["bi"], "2026-10-01".parse().ok());
    assert_eq!(
        both.last().unwrap().what,
        "nobody is registered for shop.gold.report any more: it can be retired when its life ends at 2026-10-01"
    );
    let day = NaiveDate::from_ymd_opt(2026, 9, 13);
    assert_eq!(crate::cancellation::end("2026-06-15".parse().unwrap(), 90), day);
}

#[test]
fn a_draft_is_not_cancelled() {
    let set = contracts("draft", None);
    assert!(
        read(TEXT)
            .problem(report(&set))
            .unwrap()
            .message
            .contains("nothing is promised")
    );
}

#[test]
fn a_provider_that_has_no_say_in_the_contract_cannot_end_it() {
    let set = contracts("active", None);
    let problem = read(&TEXT.replacen("party: shop", "party: sales", 1)).problem(report(&set));
    assert_eq!(
        messages(&problem.into_iter().collect::<Vec<_>>()),
        [
            "error `sales` does not provide shop.gold.report: it cannot end it (its team, its owner or its domain can: shop)"
        ]
    );
}

#[test]
fn a_registration_ends_behind_the_last_day_of_its_own_cancellation() {
    let set = contracts("active", None);
    let own = TEXT
        .replacen("by: provider", "by: consumer", 1)
        .replacen("party: shop", "party: bi", 1);
    let registered = |name: &str, since: &str| {
        let text = format!(
            "consumer: {name}\nowner: o\ndescription: d\nreads:\n  - {{dataset: shop.gold.report{since}}}\n  \
             - {{dataset: shop.gold.next}}\n"
        );
        Consumer::parse(&Source::new(format!("catalog/consumers/{name}.yaml"), text))
            .0
            .unwrap()
    };
    let reads = |cancellation: &str, consumer: Consumer, now: &str| {
        let mut consumers = [consumer];
        end_registrations(&mut consumers, &[read(cancellation)], &set, now.parse().unwrap());
        consumers[0].reads.len()
    };
    assert_eq!(reads(&own, registered("bi", ""), "2026-09-13T23:59:59Z"), 2);
    assert_eq!(reads(&own, registered("bi", ""), "2026-09-14T00:00:00Z"), 1);
    assert_eq!(reads(&own, registered("other", ""), "2026-09-14T00:00:00Z"), 2);
    assert_eq!(reads(TEXT, registered("shop", ""), "2026-09-14T00:00:00Z"), 2);
    let again = registered("bi", ", since: 2026-10-01");
    assert_eq!(reads(&own, again, "2026-10-02T00:00:00Z"), 2);
}

#[test]
fn a_contract_has_one_cancellation_of_its_provider_at_a_time() {
    let read = |file: &str, text: &str| parse(&Source::new(file, text)).0.unwrap();
    let set = contracts("deprecated", Some("2026-12-31"));
    let first = read("catalog/cancellations/first.yaml", TEXT);
    let text = TEXT
        .replacen("announced: \"2026-06-15\"", "announced: \"2026-06-16\"", 1)
        .replacen("2026-09-13", "2026-12-31", 1)
        .replacen("party: shop", "party: SHOP", 1);
    let second = read("catalog/cancellations/second.yaml", &text);
    let found = check(&[second.clone(), first.clone()], &set, now());
    assert_eq!(
        messages(&found),
        [
            "error shop has cancelled shop.gold.report already, for 2026-09-13 (a contract ends once: keep one of the two; \
             the other is catalog/cancellations/first.yaml)"
        ]
    );
    assert_eq!(found[0].file.to_str(), Some("catalog/cancellations/second.yaml"));
    // Another that was over before this one was announced, and consumers who go, contradict nobody.
    let over = text
        .replacen("2026-06-16", "2025-01-01", 1)
        .replacen("2026-12-31", "2025-12-31", 1);
    let consumer = text.replacen("by: provider", "by: consumer", 1);
    for other in [over, consumer] {
        let other = read("catalog/cancellations/other.yaml", &other);
        let found = check(&[first.clone(), other], &set, now());
        assert!(
            messages(&found).iter().all(|found| !found.contains("already")),
            "{found:?}"
        );
    }
}

#[test]
fn a_contract_ends_when_it_was_cancelled_for_with_all_its_objects() {
    let set = |ends: &str| {
        let object = |name: &str| {
            format!(
                "  - {{name: {name}, physicalName: shop.gold.{name}, properties: [{{name: id, logicalType: string}}]}}\n"
            )
        };
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: c\nname: C\nversion: 1.0.0\nstatus: deprecated\nschema:\n{}{}slaProperties:\n\
             {ends}",
            object("report"),
            object("old"),
        );
        ContractSet::load([("shop".to_owned(), Source::new("c.odcs.yaml", text))]).0
    };
    let record = TEXT.replace("replacement: shop.gold.next", "replacement: none");
    let checked = |ends: &str| messages(&check(&[read(&record)], &set(ends), now()));
    let level = |day: &str, of: &str| format!("  - {{property: endOfLife, value: \"{day}\"{of}}}\n");
    let whole = level("2026-09-13", "");
    assert_eq!(checked(&whole), Vec::<String>::new());
    assert_eq!(
        checked(&level("2099-01-01", "")),
        [
            "warning C says that it ends at 2099-01-01, and it was cancelled for 2026-09-13 (write endOfLife: 2026-09-13; where \
             it goes on longer on purpose, the contract's date holds)"
        ]
    );
    let with_old = |day: &str| checked(&(whole.clone() + &level(day, ", element: old")));
    assert_eq!(
        with_old("2026-06-15"),
        ["error C says that it ends before its cancellation takes effect (write endOfLife: 2026-09-13)"]
    );
    assert!(with_old("2027-01-01")[0].starts_with("warning C says that it ends at 2027-01-01"));
    // It was over before.
    assert_eq!(with_old("2026-06-01"), Vec::<String>::new());
}

#[test]
fn what_takes_the_place_of_what_is_cancelled_is_in_force() {
    let set = contracts("deprecated", Some("2026-09-13"));
    let with = |replacement: &str| {
        let text = TEXT.replacen("shop.gold.next", replacement, 1);
        messages(&check(&[read(&text)], &set, now()))
    };
    assert!(with("slaes-orders")[0].contains("the replacement `slaes-orders` has no contract"));
    assert!(with("shop.gold.report")[0].contains("the replacements go in a circle"));
    assert_eq!(with("\"https://example.org/next\""), Vec::<String>::new());
}
