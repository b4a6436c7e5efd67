//! What contracts say about servers, people, service levels and the like, as values.

use crate::{Operator, Promised, Span, Subject};

use super::{contract, findings};

const HEAD: &str = "apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: 1.0.0\n";

fn promised(level: &str) -> Result<(Subject, Promised), String> {
    let contract = contract(&format!("{HEAD}slaProperties:\n  - {{{level}}}\n"));
    let promise = contract.service_levels[0].promise();
    promise
        .map(|promise| (promise.subject, promise.promised))
        .map_err(|finding| finding.to_string())
}

#[test]
fn more_about_a_figure_that_nobody_measures_is_told_where_it_says_more() {
    let level = |level: &str| findings(&format!("{HEAD}status: active\nslaProperties:\n  - {{{level}}}\n"));
    let more = "property: latency, value: 1, valueExt: 2, unit: d";
    assert_eq!(
        level(more),
        [
            "7:45 service-level `valueExt` of the service level `latency` is not measured: it is held against `value` alone \
             (promise each figure as a service level of its own, or say in `description` what the second one means)"
        ]
    );
    // The standard's own example says the same twice.
    assert_eq!(
        level("property: frequency, value: 1, valueExt: 1, unit: d"),
        Vec::<String>::new()
    );
}

#[test]
fn service_levels_are_figures_with_their_units() {
    let span = |months, seconds| Promised::Span(Span { months, seconds });
    let cases = [
        (
            "property: latency, value: 4, unit: d",
            Subject::Latency,
            span(0, 345_600),
        ),
        (
            "property: LY, value: 1.5, unit: hours",
            Subject::Latency,
            span(0, 5_400),
        ),
        (
            "property: freshness, value: \"90min\"",
            Subject::Latency,
            span(0, 5_400),
        ),
        (
            "property: retention, value: 3, unit: y",
            Subject::Retention,
            span(36, 0),
        ),
        ("property: retention, value: P1Y6M", Subject::Retention, span(18, 0)),
        ("property: frequency, value: PT15M", Subject::Frequency, span(0, 900)),
        (
            "property: timeToRepair, value: 2, unit: mo",
            Subject::TimeToRepair,
            span(2, 0),
        ),
        (
            "property: availability, value: 99.9, unit: percent",
            Subject::Availability,
            Promised::Percent(99.9),
        ),
        (
            "property: availability, value: \"99.5%\"",
            Subject::Availability,
            Promised::Percent(99.5),
        ),
        (
            "property: errorRate, value: 0.1, unit: \"%\"",
            Subject::ErrorRate,
            Promised::Percent(0.1),
        ),
        (
            "property: throughput, value: 1000, unit: rows/min",
            Subject::Throughput,
            Promised::Rate {
                rows: 1000.0,
                seconds: 60,
            },
        ),
        (
            "property: ga, value: \"2022-05-12T09:30:10-08:00\"",
            Subject::GeneralAvailability,
            Promised::Instant("2022-05-12T17:30:10Z".parse().unwrap()),
        ),
        (
            "property: timeOfAvailability, value: 09:00-08:00",
            Subject::Other("timeOfAvailability".to_owned()),
            Promised::Text("09:00-08:00".to_owned()),
        ),
    ];
    for (level, subject, figure) in cases {
        assert_eq!(promised(level), Ok((subject, figure)), "{level}");
    }
}

#[test]
fn what_is_no_figure_is_refused_at_its_place() {
    for (level, told) in [
        ("property: latency, value: 4", "`4`, which is no length of time"),
        ("property: latency, value: soon, unit: d", "`soon d`"),
        ("property: retention, value: 0.5, unit: mo", "`0.5 mo`"),
        ("property: latency, value: -1, unit: d", "`-1 d`"),
        ("property: latency, value: PT, unit: \"\"", "`PT`"),
        ("property: availability, value: 0.999", "no share"),
        ("property: availability, value: 101, unit: percent", "no share"),
        ("property: errorRate, value: 1", "no share"),
        ("property: throughput, value: 10, unit: rows/mo", "no number of rows"),
        ("property: endOfLife, value: someday", "no moment"),
    ] {
        let problem = promised(level).unwrap_err();
        assert!(
            problem.starts_with("c.odcs.yaml:6:") && problem.contains(told),
            "{problem}"
        );
    }
}

#[test]
fn a_rule_with_two_bounds_is_two_rules_and_dimensions_have_their_full_names() {
    let text = format!(
        "{HEAD}schema:\n  - name: t\n    quality:\n      - {{metric: rowCount, mustBeGreaterThan: 0, mustBeLessOrEqualTo: 9, \
         dimension: cp, tags: [a], businessImpact: none}}\n"
    );
    let contract = contract(&text);
    let rules = &contract.objects[0].quality;
    let operators: Vec<_> = rules.iter().map(|rule| rule.operator.clone().unwrap()).collect();
    assert_eq!(
        operators,
        [
            Operator::GreaterThan("0".to_owned()),
            Operator::LessOrEqual("9".to_owned())
        ]
    );
    assert!(
        rules
            .iter()
            .all(|rule| rule.dimension.as_deref() == Some("completeness") && rule.tags == ["a"])
    );
}

#[test]
fn spans_are_shown_in_the_unit_that_leaves_no_rest() {
    let shown = |months, seconds| Span { months, seconds }.to_string();
    assert_eq!(shown(36, 0), "3y");
    assert_eq!(shown(0, 345_600), "4d");
    assert_eq!(shown(0, 5_400), "90min");
    assert_eq!(shown(0, 0), "0s");
    assert_eq!(shown(1, 61), "1mo61s");
}

#[test]
fn an_element_names_an_object_and_its_columns() {
    let text = format!(
        "{HEAD}schema:\n  - name: tab\n    physicalName: sales.gold.sums\n    properties:\n      - {{name: day, \
         physicalName: sold_on, logicalType: date}}\n  - {{name: other, properties: [{{name: day}}]}}\nslaProperties:\n  \
         - {{property: latency, value: 4, unit: d, element: \"tab.day, sales.gold.sums.at\"}}\n  - {{property: latency, \
         value: 4, unit: d, element: other.day}}\n  - {{property: latency, value: 4, unit: d, element: day}}\n  - \
         {{property: latency, value: 4, unit: d}}\n  - {{property: latency, value: 4, unit: d, element: tab}}\n"
    );
    let contract = contract(&text);
    let meant = |level: usize, only| contract.service_levels[level].columns_of(&contract.objects[0], only);
    assert_eq!(meant(0, false), Some(vec!["sold_on".to_owned(), "at".to_owned()]));
    assert_eq!(meant(1, false), None);
    assert_eq!(meant(2, false), None);
    assert_eq!(meant(2, true), Some(vec!["sold_on".to_owned()]));
    assert_eq!(meant(3, false), Some(Vec::new()));
    assert_eq!(meant(4, false), Some(Vec::new()));
}

#[test]
fn a_level_that_names_no_element_is_about_the_contracts_default() {
    let text = format!(
        "{HEAD}slaDefaultElement: one.at\nslaProperties:\n  - {{property: latency, value: 4, unit: d}}\n  - {{property: \
         retention, value: 3, unit: y, element: two}}\n  - {{property: endOfLife, value: \"2030-01-01\"}}\nschema:\n  - \
         {{name: one, physicalName: s.gold.one, properties: [{{name: at, logicalType: timestamp}}]}}\n  - {{name: two, \
         physicalName: s.gold.two, properties: [{{name: at, logicalType: timestamp}}]}}\n"
    );
    let of = |contract: &crate::Contract, level: usize| {
        let objects = contract.objects.iter();
        objects
            .map(|object| contract.service_levels[level].columns_of(object, contract.objects.len() == 1))
            .collect::<Vec<_>>()
    };
    let contract = contract(&text);
    assert_eq!(contract.service_levels[0].element.as_deref(), Some("one.at"));
    assert_eq!(of(&contract, 0), [Some(vec!["at".to_owned()]), None]);
    assert_eq!(of(&contract, 1), [None, Some(Vec::new())]);
    // A part of the contract keeps what its levels are about by default.
    let one = contract.part(&"s.gold.one".parse().unwrap());
    assert_eq!(of(&one, 0), [Some(vec!["at".to_owned()])]);
    let two = contract.part(&"s.gold.two".parse().unwrap());
    assert_eq!(two.service_levels[0].property, "retention");
    // What the default names must be there as well.
    let told = findings(&text.replace("slaDefaultElement: one.at", "slaDefaultElement: one.ta"));
    assert!(
        told.iter()
            .any(|line| line.contains("unknown-element") && line.contains("`one.ta`")),
        "{told:?}"
    );
    assert_eq!(contract.service_levels[0].missing_elements(&contract.objects), [""; 0]);
}

#[test]
fn everything_beside_the_schema_is_read() {
    let text = format!(
        "{HEAD}tenant: acme\ncontractCreatedTs: 2026-01-31T12:00:00Z\nservers:\n  - {{server: prod, type: postgres, \
         environment: prod, host: h, port: 5432, database: d, schema: s, roles: [{{role: reader, access: read}}]}}\n\
         roles: [{{role: owner, firstLevelApprovers: boss}}]\nteam:\n  name: core\n  members:\n    - {{username: ann, \
         role: Owner, dateIn: \"2020-01-01\", dateOut: \"2021-01-01\", replacedByUsername: bob}}\n    - {{username: bob, \
         role: owner}}\nsupport: [{{channel: help, tool: email, url: \"mailto:a@b\"}}]\nprice: {{priceAmount: 9.950, \
         priceCurrency: EUR, priceUnit: megabyte}}\ncustomProperties: [{{property: own.x, value: {{a: 1}}}}]\n\
         authoritativeDefinitions: [{{url: u, type: canonical}}]\nschema:\n  - name: t\n    tags: [a]\n    \
         physicalType: view\n    dataGranularityDescription: a day\n    properties:\n      - {{name: b, partitioned: true, \
         partitionKeyPosition: 2, examples: [1], criticalDataElement: true}}\n      - {{name: a, partitioned: true, \
         partitionKeyPosition: 1, transformLogic: sum, transformSourceObjects: [s]}}\n"
    );
    assert_eq!(findings(&text), [""; 0]);
    let contract = contract(&text);
    assert_eq!(contract.tenant.as_deref(), Some("acme"));
    assert_eq!(contract.created, Some("2026-01-31T12:00:00Z".parse().unwrap()));
    let server = &contract.servers[0];
    assert_eq!((server.server.as_str(), server.kind.as_str()), ("prod", "postgres"));
    let settings: Vec<_> = server
        .settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.text.as_str()))
        .collect();
    assert_eq!(
        settings,
        [("database", "d"), ("host", "h"), ("port", "5432"), ("schema", "s")]
    );
    assert_eq!(server.roles[0].access.as_deref(), Some("read"));
    assert_eq!(contract.roles[0].first_level_approvers.as_deref(), Some("boss"));
    let team = contract.team.as_ref().unwrap();
    assert_eq!((team.name.as_deref(), team.members.len()), (Some("core"), 2));
    assert_eq!(team.members[0].replaced_by.as_deref(), Some("bob"));
    assert_eq!(contract.owner.as_deref(), Some("bob"));
    assert_eq!(contract.support[0].url.as_deref(), Some("mailto:a@b"));
    let price = contract.price.as_ref().unwrap();
    assert_eq!(price.amount.as_ref().map(|amount| amount.text.as_str()), Some("9.950"));
    assert_eq!(contract.custom_properties[0].property, "own.x");
    assert_eq!(contract.definitions[0].kind, "canonical");
    let object = &contract.objects[0];
    assert_eq!(
        (object.tags.as_slice(), object.physical_type.as_deref()),
        (&["a".to_owned()][..], Some("view"))
    );
    let mut keys: Vec<_> = object
        .properties
        .iter()
        .filter_map(|column| Some((column.partition_key?, column.name.as_str())))
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, [(1, "a"), (2, "b")]);
    let transform = object.properties[1].transform.as_ref().unwrap();
    assert_eq!(
        (transform.logic.as_deref(), transform.sources.as_slice()),
        (Some("sum"), &["s".to_owned()][..])
    );
    assert!(object.properties[0].critical && object.properties[0].examples.len() == 1);
}
