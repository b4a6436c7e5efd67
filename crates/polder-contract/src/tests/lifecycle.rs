//! The life of a contract.

use chrono::{DateTime, Utc};

use polder_core::document::Source;

use super::contract;
use crate::diff::{Bump, compare};
use crate::lifecycle::{User, days, departure_problem, replacement_problems, retirement_problems, transition_problems};
use crate::{Contract, ContractSet, Status};

fn now() -> DateTime<Utc> {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

/// A contract with this status, these service levels and custom properties.
fn with(status: &str, levels: &[(&str, &str)], custom: &[(&str, &str)]) -> Contract {
    let levels: String = levels
        .iter()
        .map(|(property, value)| format!("  - {{property: {property}, value: \"{value}\"}}\n"))
        .collect();
    let custom: String = custom
        .iter()
        .map(|(property, value)| format!("  - {{property: {property}, value: \"{value}\"}}\n"))
        .collect();
    let mut text =
        format!("apiVersion: v3.1.0\nkind: DataContract\nid: c\nname: C\nversion: 1.0.0\nstatus: {status}\n");
    if !levels.is_empty() {
        text.push_str(&format!("slaProperties:\n{levels}"));
    }
    if !custom.is_empty() {
        text.push_str(&format!("customProperties:\n{custom}"));
    }
    contract(&text)
}

fn messages(problems: &[polder_core::document::Diagnostic]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| {
            format!(
                "{} {} ({})",
                problem.severity.as_str(),
                problem.message,
                problem.help.as_deref().unwrap_or("")
            )
        })
        .collect()
}

#[test]
fn a_status_leads_to_the_next() {
    let allowed = [
        ("draft", "active"),
        ("proposed", "draft"),
        ("draft", "retired"),
        ("active", "active"),
        ("active", "deprecated"),
        ("deprecated", "active"),
        ("deprecated", "retired"),
        ("in review", "active"),
        ("active", "in review"),
    ];
    let refused = [
        ("active", "draft"),
        ("active", "retired"),
        ("draft", "deprecated"),
        ("deprecated", "draft"),
        ("retired", "active"),
        ("in review", "retired"),
        ("in review", "draft"),
        ("in review", "proposed"),
        ("retired", "in review"),
    ];
    for (from, to) in allowed {
        assert!(Status::read(from).may_become(&Status::read(to)), "{from} {to}");
    }
    for (from, to) in refused {
        assert!(!Status::read(from).may_become(&Status::read(to)), "{from} {to}");
    }
    assert_eq!(
        messages(&transition_problems(
            &with("active", &[], &[]),
            &with("draft", &[], &[]),
            now()
        )),
        ["error a contract that is active cannot become draft (after active comes deprecated)"]
    );
}

#[test]
fn what_the_contract_says_is_read() {
    let life = with(
        "deprecated",
        &[("es", "2026-12-31"), ("EndOfLife", "2027-06-30T12:00:00+02:00")],
        &[
            ("polder.noticePeriod", "90d"),
            ("polder.replacement", "sales.gold.lines"),
        ],
    )
    .lifecycle();
    assert_eq!(life.end_of_support.unwrap().to_rfc3339(), "2027-01-01T00:00:00+00:00");
    assert_eq!(life.end_of_life.unwrap().to_rfc3339(), "2027-06-30T10:00:00+00:00");
    assert_eq!(
        (life.notice_days, life.replacement.as_deref()),
        (Some(90), Some("sales.gold.lines"))
    );
    for (text, expected) in [
        ("90d", Some(90)),
        ("2 w", Some(14)),
        ("1y", Some(365)),
        ("soon", None),
        ("1h", None),
    ] {
        assert_eq!(days(text), expected, "{text}");
    }
}

#[test]
fn a_deprecation_says_when_for_how_long_and_what_instead() {
    let bare = with("deprecated", &[], &[]).lifecycle_problems();
    assert_eq!(bare.len(), 3, "{bare:?}");
    let whole = with(
        "deprecated",
        &[("endOfLife", "2027-01-01")],
        &[("polder.noticePeriod", "90d"), ("polder.replacement", "none")],
    );
    assert_eq!(whole.lifecycle_problems(), []);
    let unreadable = with(
        "deprecated",
        &[("endOfLife", "soon")],
        &[("polder.noticePeriod", "soon"), ("polder.replacement", "none")],
    );
    assert_eq!(
        unreadable.lifecycle_problems().len(),
        2,
        "what is there and wrong is not missing too"
    );
    let wrong = with(
        "active",
        &[
            ("endOfSupport", "2028-01-01"),
            ("endOfLife", "2027-01-01"),
            ("generalAvailability", "soon"),
        ],
        &[("polder.noticePeriod", "soon"), ("polder.compatibility", "backwards")],
    );
    let found = messages(&wrong.lifecycle_problems());
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        found.iter().any(|line| line.contains("did you mean `backward`?")),
        "{found:?}"
    );
}

#[test]
fn nothing_is_written_after_the_end() {
    let ended = with(
        "active",
        &[("endOfLife", "2026-06-14")],
        &[("polder.replacement", "a.gold.b")],
    );
    assert_eq!(
        ended.lifecycle().refuses_writing(now()).unwrap(),
        "the contract's life ended at 2026-06-14; a.gold.b takes its place"
    );
    // The last day is a day of life.
    assert_eq!(
        with("active", &[("endOfLife", "2026-06-15")], &[])
            .lifecycle()
            .refuses_writing(now()),
        None
    );
    assert!(with("retired", &[], &[]).lifecycle().refuses_writing(now()).is_some());
    assert_eq!(with("deprecated", &[], &[]).lifecycle().refuses_writing(now()), None);
}

#[test]
fn the_notice_that_was_promised_is_kept() {
    let active = with("active", &[], &[("polder.noticePeriod", "90d")]);
    let ends = |end: &str, notice: &str| {
        with(
            "deprecated",
            &[("endOfLife", end)],
            &[("polder.noticePeriod", notice), ("polder.replacement", "none")],
        )
    };
    let problems = transition_problems(&active, &ends("2026-08-01", "90d"), now());
    assert_eq!(
        messages(&problems),
        [
            "error the contract ends at 2026-08-01, but its notice of 90 days runs until 2026-09-13 (move endOfLife to 2026-09-13 or later)"
        ]
    );
    assert_eq!(transition_problems(&active, &ends("2026-09-13", "90d"), now()), []);
    let shorter = transition_problems(&active, &ends("2026-08-01", "10d"), now());
    assert_eq!(shorter.len(), 2, "what was promised before counts: {shorter:?}");
    let closer = transition_problems(&ends("2027-01-01", "90d"), &ends("2026-08-01", "90d"), now());
    assert_eq!(
        closer.len(),
        1,
        "an end may not be moved closer than the notice: {closer:?}"
    );
    assert_eq!(
        transition_problems(&ends("2026-07-01", "90d"), &ends("2026-07-01", "90d"), now()),
        []
    );
    let early = transition_problems(&ends("2026-07-01", "90d"), &with("retired", &[], &[]), now());
    assert!(
        messages(&early)[0].contains("retired before its end at 2026-07-01"),
        "{early:?}"
    );
}

#[test]
fn an_active_contract_is_not_ended_without_notice() {
    let active = |levels: &[(&str, &str)]| with("active", levels, &[("polder.noticePeriod", "90d")]);
    let found =
        |old: &[(&str, &str)], new: &[(&str, &str)]| messages(&transition_problems(&active(old), &active(new), now()));
    assert_eq!(
        found(&[], &[("endOfLife", "2026-06-16")]),
        [
            "error the contract ends at 2026-06-16, but its notice of 90 days runs until 2026-09-13 (move endOfLife to 2026-09-13 or later)"
        ]
    );
    assert_eq!(
        found(&[("es", "2027-01-01")], &[("es", "2026-06-16")]),
        [
            "error support ends at 2026-06-16, but its notice of 90 days runs until 2026-09-13 (move endOfSupport to 2026-09-13 or later)"
        ]
    );
    let nothing = Vec::<String>::new();
    assert_eq!(found(&[], &[("endOfLife", "2026-09-13")]), nothing);
    assert_eq!(
        found(&[("endOfLife", "2026-06-16")], &[("endOfLife", "2026-06-17")]),
        nothing
    );
    assert_eq!(found(&[("endOfLife", "2026-06-16")], &[]), nothing);
    let review = with(
        "in review",
        &[("endOfLife", "2026-06-16")],
        &[("polder.noticePeriod", "90d")],
    );
    assert_eq!(transition_problems(&active(&[]), &review, now()).len(), 1);
}

#[test]
fn the_notice_is_not_shortened_while_a_contract_is_ending() {
    let ending = |notice: &str| {
        with(
            "deprecated",
            &[("endOfLife", "2027-01-01")],
            &[("polder.noticePeriod", notice), ("polder.replacement", "none")],
        )
    };
    assert_eq!(
        messages(&transition_problems(&ending("90d"), &ending("1d"), now())),
        [
            "error the contract is ending, and its notice of 90 days is now 1 day (keep 90 days, as was promised to those who have to move)"
        ]
    );
    assert_eq!(transition_problems(&ending("90d"), &ending("120d"), now()), []);
}

/// Somebody who has not said when they leave.
fn user(object: usize, name: &str) -> User<'_> {
    User {
        object,
        name,
        until: None,
    }
}

#[test]
fn whoever_has_cancelled_until_the_end_has_nothing_left_to_do() {
    let leaving = |until: &str| User {
        until: Some(until.parse().unwrap()),
        ..user(0, "bi")
    };
    let found = |contract: &Contract, users: &[User<'_>]| messages(&retirement_problems(contract, users, now()));
    let ending = with("deprecated", &[("endOfLife", "2027-01-01")], &[]);
    assert_eq!(found(&ending, &[leaving("2027-01-01")]), Vec::<String>::new());
    assert_eq!(
        found(&ending, &[leaving("2027-01-02")]),
        [
            "warning C is deprecated; these have to move until 2027-01-01: bi (cancelled for 2027-01-02) (let it end when \
             the last of them has left (endOfLife: 2027-01-02), or let them leave earlier)"
        ]
    );
    // Who has not cancelled is asked to, and only they have to move.
    assert_eq!(
        found(&ending, &[leaving("2026-12-31"), user(0, "crm")]),
        [
            "warning C is deprecated; these have to move until 2027-01-01: crm (record that they leave: polder contract \
             cancel c --by consumer --party NAME --reason WHY)"
        ]
    );
    // An end without a day waits for everybody; one that is over or was made at once waits for nobody.
    assert_eq!(
        found(&with("deprecated", &[], &[]), &[leaving("2030-01-01")]),
        Vec::<String>::new()
    );
    let over = with("deprecated", &[("endOfLife", "2026-01-01")], &[]);
    assert!(found(&over, &[leaving("2026-12-31")])[0].contains("consumers remain: bi (cancelled for 2026-12-31)"));
    let retired = with("retired", &[], &[]);
    assert!(found(&retired, &[leaving("2026-12-31")])[0].starts_with("error C is retired while consumers remain"));
}

#[test]
fn a_contract_is_not_retired_while_consumers_remain() {
    let retired = with("retired", &[], &[("polder.replacement", "a.gold.b")]);
    assert_eq!(retirement_problems(&retired, &[], now()), []);
    let retirement_problems = |contract: &Contract, names: &[&str], now| {
        let users: Vec<_> = names.iter().map(|name| user(0, name)).collect();
        retirement_problems(contract, &users, now)
    };
    assert_eq!(
        messages(&retirement_problems(&retired, &["shop", "bi"], now())),
        ["error C is retired while consumers remain: bi, shop (move them to a.gold.b first)"]
    );
    let over = with("active", &[("endOfLife", "2026-01-01")], &[]);
    assert!(messages(&retirement_problems(&over, &["bi"], now()))[0].starts_with("error the life of C ended"));
    let deprecated = with("deprecated", &[("endOfLife", "2027-01-01")], &[]);
    assert!(messages(&retirement_problems(&deprecated, &["bi"], now()))[0].starts_with("warning C is deprecated"));
    assert_eq!(retirement_problems(&with("active", &[], &[]), &["bi"], now()), []);
    let gone = with("retired", &[], &[]);
    let help = |names: &[&str]| retirement_problems(&gone, names, now())[0].help.clone().unwrap();
    assert_eq!(
        help(&["bi"]),
        "take it out of their registrations (catalog/consumers/), or leave it deprecated until they are gone"
    );
    // Nobody registers the mesh's own steps.
    assert_eq!(
        help(&["model shop.sales", "pipeline shop.report"]),
        "let pipelines and models read another dataset first"
    );
    assert_eq!(
        help(&["bi", "pipeline shop.report"]),
        "let pipelines and models read another dataset first; for consumers, take it out of their registrations \
         (catalog/consumers/), or leave it deprecated until they are gone"
    );
}

#[test]
fn replacements_are_there_and_lead_somewhere() {
    let set = |contracts: &[(&str, &str, &str)]| {
        let sources = contracts.iter().map(|(name, status, replacement)| {
            let text = format!(
                "apiVersion: v3.1.0\nkind: DataContract\nid: a.gold.{name}\nversion: 1.0.0\nstatus: {status}\nschema:\n  - name: t\n    \
                 physicalName: a.gold.{name}\n    properties:\n      - {{name: id, logicalType: string}}\n\
                 customProperties: [{{property: polder.replacement, value: {replacement}}}]\n"
            );
            ("a".to_owned(), Source::new(format!("{name}.odcs.yaml"), text))
        });
        messages(&replacement_problems(&ContractSet::load(sources).0, now()))
    };
    let nothing = Vec::<String>::new();
    assert_eq!(
        set(&[("one", "deprecated", "a.gold.two"), ("two", "active", "none")]),
        nothing
    );
    for address in ["https://example.org/x", "urn:example:orders"] {
        assert_eq!(set(&[("one", "deprecated", &format!("'{address}'"))]), nothing);
    }
    assert_eq!(
        set(&[("one", "deprecated", "elsewhere")]),
        [
            "error the replacement `elsewhere` has no contract (name a dataset or a contract of this mesh, an address \
             (https://…), or `none`)"
        ]
    );
    let ended = |day: &str| {
        let ends = format!("none}}]\nslaProperties: [{{property: endOfLife, value: '{day}'");
        set(&[("one", "deprecated", "a.gold.two"), ("two", "active", &ends)])
    };
    assert_eq!(
        ended("2026-06-14"),
        ["error the life of the replacement `a.gold.two` ended at 2026-06-14 (name one that is in force, or `none`)"]
    );
    assert_eq!(ended("2026-06-15"), nothing);
    assert_eq!(
        set(&[("one", "deprecated", "a.gold.tow"), ("two", "active", "none")]),
        ["error the replacement `a.gold.tow` has no contract (did you mean `a.gold.two`?)"]
    );
    assert_eq!(
        set(&[("one", "deprecated", "a.gold.two"), ("two", "retired", "none")]),
        ["error the replacement `a.gold.two` is retired (name one that is in force, or `none`)"]
    );
    let circle = set(&[
        ("one", "deprecated", "a.gold.two"),
        ("two", "deprecated", "a.gold.three"),
        ("three", "deprecated", "a.gold.one"),
        ("four", "deprecated", "a.gold.four"),
    ]);
    assert_eq!(circle.len(), 4, "{circle:?}");
    assert!(
        circle[0].contains("a.gold.one → a.gold.two → a.gold.three → a.gold.one"),
        "{circle:?}"
    );
    assert!(circle[3].contains("a.gold.four → a.gold.four"), "{circle:?}");
}

/// A contract with the objects `orders` and `old`, and these service levels.
fn of_two_objects(levels: &str) -> Contract {
    let object = |name: &str| format!("  - {{name: {name}, properties: [{{name: id, logicalType: integer}}]}}\n");
    contract(&format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: c\nname: C\nversion: 1.0.0\nstatus: active\ncustomProperties:\n  \
         - {{property: polder.noticePeriod, value: 90d}}\nschema:\n{}{}slaProperties:\n{levels}",
        object("orders"),
        object("old"),
    ))
}

#[test]
fn the_end_of_one_object_leaves_the_others() {
    let ended = of_two_objects("  - {property: endOfLife, value: \"2026-06-01\", element: old}\n");
    assert_eq!(ended.lifecycle().refuses_writing(now()), None);
    assert_eq!(ended.lifecycle_of(0).refuses_writing(now()), None);
    assert_eq!(
        ended.lifecycle_of(1).refuses_writing(now()).unwrap(),
        "the contract's life ended at 2026-06-01"
    );
    // An object's own date outranks the contract's.
    let both =
        "  - {property: endOfLife, value: \"2026-06-01\"}\n  - {property: el, value: \"2027-06-01\", element: old}\n";
    let both = of_two_objects(both);
    assert!(both.lifecycle_of(0).refuses_writing(now()).is_some());
    assert_eq!(both.lifecycle_of(1).refuses_writing(now()), None);
    assert_eq!(both.lifecycle_problems(), []);
}

#[test]
fn the_end_of_one_object_needs_its_notice_too() {
    let before = of_two_objects("  - {property: latency, value: 1, unit: d}\n");
    let after = of_two_objects("  - {property: endOfLife, value: \"2026-07-01\", element: old}\n");
    assert_eq!(
        messages(&transition_problems(&before, &after, now())),
        [
            "error the contract ends at 2026-07-01, but its notice of 90 days runs until 2026-09-13 \
          (move endOfLife to 2026-09-13 or later)"
        ]
    );
}

#[test]
fn a_life_ends_once_and_never_for_a_column() {
    let twice = "  - {property: endOfLife, value: \"2027-06-01\"}\n  - {property: el, value: \"2026-12-01\"}\n";
    assert_eq!(
        messages(&of_two_objects(twice).lifecycle_problems()),
        ["error this date is given twice: `2027-06-01` and `2026-12-01` (keep one of them)"]
    );
    let column = of_two_objects("  - {property: endOfLife, value: \"2027-06-01\", element: old.id}\n");
    assert_eq!(
        messages(&column.lifecycle_problems()),
        [
            "error a column has no life of its own (let `element` name an object, or leave it out for the whole contract)"
        ]
    );
}

#[test]
fn nothing_is_written_under_an_end_that_cannot_be_read() {
    let unclear = of_two_objects("  - {property: endOfLife, value: 20.11.2026}\n");
    assert_eq!(
        unclear.lifecycle_of(0).refuses_writing(now()).unwrap(),
        "`20.11.2026`, when the contract's life is to end, is no date"
    );
}

#[test]
fn an_end_is_in_time_from_the_last_day_of_the_notice() {
    let before = of_two_objects("  - {property: latency, value: 1, unit: d}\n");
    let ends = |day: &str| of_two_objects(&format!("  - {{property: endOfLife, value: \"{day}\"}}\n"));
    // 2026-06-15 and ninety days.
    assert_eq!(transition_problems(&before, &ends("2026-09-12"), now()).len(), 1);
    assert_eq!(transition_problems(&before, &ends("2026-09-13"), now()), []);
}

#[test]
fn a_word_of_ones_own_is_no_way_round_the_deprecation() {
    let of = |status: &str, version: &str| {
        let text =
            format!("apiVersion: v3.1.0\nkind: DataContract\nid: c\nname: C\nversion: {version}\nstatus: {status}\n");
        contract(&text)
    };
    let step = |from: &Contract, to: &Contract| messages(&transition_problems(from, to, now()));
    assert_eq!(
        step(&of("in review", "1.1.0"), &of("draft", "1.1.1")),
        [
            "error a contract that is in review cannot become draft (after in review comes active, deprecated or another \
             word of your own: before the end it is deprecated)"
        ]
    );
    let nothing = Vec::<String>::new();
    assert_eq!(step(&of("in review", "1.1.0"), &of("active", "1.2.0")), nothing);
    // What never was in force promises nothing.
    assert_eq!(step(&of("in review", "0.2.0"), &of("draft", "0.2.1")), nothing);
    assert_eq!(step(&of("in review", "0.2.0"), &of("retired", "0.3.0")), nothing);
}

#[test]
fn a_contract_is_not_retired_before_the_end_of_its_last_object() {
    let ends = |first: &str, second: &str, status: &str| {
        let levels = format!(
            "  - {{property: endOfLife, value: \"{first}\", element: orders}}\n  - {{property: endOfLife, value: \"{second}\", \
             element: old}}\n"
        );
        let of_two = of_two_objects(&levels);
        contract(&of_two.text.replace("status: active", &format!("status: {status}")))
    };
    let retired = ends("2026-06-14", "2027-06-01", "retired");
    assert_eq!(
        messages(&transition_problems(
            &ends("2026-06-14", "2027-06-01", "deprecated"),
            &retired,
            now()
        )),
        [
            "error the contract is retired before its end at 2027-06-01 (those who use it were promised the time until then)"
        ]
    );
    assert_eq!(
        transition_problems(&ends("2026-06-14", "2026-06-13", "deprecated"), &retired, now()),
        []
    );
}

#[test]
fn an_object_does_not_end_while_its_consumers_remain() {
    let ended = of_two_objects("  - {property: endOfLife, value: \"2026-06-01\", element: old}\n");
    assert_eq!(
        messages(&retirement_problems(
            &ended,
            &[user(0, "bi"), user(1, "shop"), user(1, "crm")],
            now()
        )),
        [
            "error the life of old ended at 2026-06-01, and consumers remain: crm, shop (record that they leave: \
             polder contract cancel c --by consumer --party NAME --reason WHY)"
        ]
    );
    assert_eq!(retirement_problems(&ended, &[user(0, "bi")], now()), []);
    let deprecated = contract(&ended.text.replace("status: active", "status: deprecated"));
    assert_eq!(
        messages(&retirement_problems(
            &deprecated,
            &[user(0, "bi"), user(1, "shop")],
            now()
        )),
        [
            "warning orders is deprecated; these have to move: bi (record that they leave: \
             polder contract cancel c --by consumer --party NAME --reason WHY)",
            "error the life of old ended at 2026-06-01, and consumers remain: shop (record that they leave: \
             polder contract cancel c --by consumer --party NAME --reason WHY)"
        ]
    );
}

#[test]
fn an_end_of_what_is_not_in_the_schema_is_an_error() {
    let text = |property: &str| {
        format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: c\nname: C\nversion: 1.0.0\nstatus: active\nschema:\n  - name: old\n    \
             physicalName: a.gold.old\n    properties: [{{name: id, logicalType: integer}}]\n  - name: new\n    physicalName: \
             a.gold.new\n    properties: [{{name: id, logicalType: integer}}]\nslaProperties:\n  - {{property: {property}, value: \
             \"2027-06-01\", element: 'new,odl'}}\n"
        )
    };
    for property in ["endOfLife", "es"] {
        assert_eq!(
            messages(&contract(&text(property)).lifecycle_problems()),
            ["error the service level is promised of `odl`, which is not in the schema (did you mean `old`?)"],
            "{property}"
        );
    }
    assert_eq!(contract(&text("generalAvailability")).lifecycle_problems(), []);
}

#[test]
fn a_dataset_leaves_the_contracts_behind_its_end_only() {
    let of = |status: &str, end: &str| {
        let object = |name: &str| {
            format!(
                "  - {{name: {name}, physicalName: a.gold.{name}, properties: [{{name: id, logicalType: integer}}]}}\n"
            )
        };
        contract(&format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: c\nname: C\nversion: 1.0.0\nstatus: {status}\nschema:\n{}{}{end}",
            object("orders"),
            object("old"),
        ))
    };
    let why = |status: &str, end: &str| departure_problem(&of(status, end), &"a.gold.old".parse().unwrap(), now());
    let end = |day: &str| format!("slaProperties: [{{property: endOfLife, value: \"{day}\", element: old}}]\n");
    assert_eq!(why("active", "").as_deref(), Some("it was active and has no end"));
    assert_eq!(why("in review", "").as_deref(), Some("it was in review and has no end"));
    assert_eq!(
        why("deprecated", &end("2026-06-15")).as_deref(),
        Some("its life ends at 2026-06-15 only")
    );
    assert_eq!(why("active", &end("2026-06-14")), None);
    assert_eq!(why("draft", ""), None);
    assert_eq!(why("retired", ""), None);
}

#[test]
fn a_shorter_notice_breaks_readers_and_a_longer_one_nobody() {
    let of = |notice: &[(&str, &str)]| with("active", &[], notice);
    let changes = |from: &Contract, to: &Contract| {
        let comparison = compare(from, to);
        let said = comparison.changes.iter();
        let said: Vec<_> = said.map(|change| (change.code, change.class.as_str())).collect();
        (said, comparison.required_bump())
    };
    let (long, short) = (
        of(&[("polder.noticePeriod", "90d")]),
        of(&[("polder.noticePeriod", "1d")]),
    );
    let breaks = vec![("notice-period-changed", "breaks readers")];
    let raised = vec![("notice-period-changed", "service level raised")];
    assert_eq!(changes(&long, &short), (breaks.clone(), Bump::Major));
    assert_eq!(changes(&long, &of(&[])), (breaks, Bump::Major));
    assert_eq!(changes(&short, &long), (raised, Bump::Minor));
    let months = of(&[("polder.noticePeriod", "3mo")]);
    assert_eq!(changes(&long, &months), (Vec::new(), Bump::None));
}
