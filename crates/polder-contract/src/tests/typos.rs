//! Slips of the pen, each of which is told once, where it is, with what was probably meant.

use polder_core::document::{Severity, Source};

use super::parsed;
use crate::product;

/// A contract in which every key has a word that means something.
const CONTRACT: &str = "\
apiVersion: v3.2.0
kind: DataContract
id: shop.silver.orders
version: 1.4.0
status: active
servers:
  - server: lake
    type: s3
    location: s3://lake/orders
    environment: preprod
    format: parquet
    delimiter: new_line
schema:
  - name: orders
    physicalName: shop.silver.orders
    physicalType: table
    properties:
      - name: order_id
        logicalType: string
        physicalType: string
        required: true
        primaryKey: true
        logicalTypeOptions:
          format: uuid
          maxLength: 36
          pattern: '^[\\x{20AC}\\p{Letter}0-9-]+$|^\\x{20AC}$'
        synonyms:
          - synonym: number
            status: deprecated
      - name: ordered_at
        logicalType: timestamp
        logicalTypeOptions:
          defaultTimezone: Europe/Berlin
      - name: mail
        logicalType: string
        classification: confidential
        encryptedName: mail_encrypted
        customProperties:
          - property: polder.mask
            value: true
      - name: mail_encrypted
        logicalType: string
      - name: amount
        logicalType: number
        physicalType: decimal(12,2)
        semanticType: measure
        quality:
          - id: paid
            metric: nullValues
            unit: percent
            mustBeLessThan: 5
            dimension: completeness
            severity: warning
            businessImpact: operational
            method: reconciliation
            scheduler: cron
            schedule: 0 20 * * *
            customProperties:
              - property: polder.onFailure
                value: warn
        relationships:
          - type: foreignKey
            to: orders.order_id
    quality:
      - id: known
        type: sql
        query: SELECT count(*) FROM {object}
        unit: rows
        mustBeGreaterThan: 0
      - id: fresh
        type: custom
        engine: polder
        implementation:
          freshness:
            column: ordered_at
            within: 24h
    authoritativeDefinitions:
      - url: https://example.com
        type: businessDefinition
support:
  - channel: orders
    tool: slack
    scope: announcements
price:
  priceUnit: megabyte
team:
  name: shop
  members:
    - username: ann
      role: owner
roles:
  - role: reader
    access: read
slaProperties:
  - property: latency
    value: 2
    unit: hours
    element: orders.ordered_at
    driver: regulatory
    scheduler: cron
    schedule: '*/15 * * * *'
  - property: retention
    value: 3
    unit: y
  - property: availability
    value: 99.9
    unit: percent
customProperties:
  - property: polder.noticePeriod
    value: 90d
";

/// A product likewise.
const PRODUCT: &str = "\
apiVersion: v1.0.0
kind: DataProduct
id: shop.orders
status: active
version: 1.0.0
outputPorts:
  - name: orders
    version: 1.0.0
    contractId: shop.silver.orders
managementPorts:
  - name: health
    content: observability
    type: rest
support:
  - channel: orders
    url: https://example.com
    tool: teams
    scope: issues
authoritativeDefinitions:
  - url: https://example.com
    type: tutorial
team:
  members:
    - username: ann
      role: owner
";

/// What is replaced, by what, the code of the finding, and what its message or hint says.
type Case = (&'static str, &'static str, &'static str, &'static str);

const IN_CONTRACT: &[Case] = &[
    ("apiVersion: ", "v3.2", "wrong-value", "known versions"),
    ("kind: ", "DataContrcat", "wrong-value", "`DataContract`"),
    ("version: ", "one", "unknown-version", "1.4.0"),
    ("version: ", "1.0.0.0", "unknown-version", "1.4.0"),
    ("status: ", "aktive", "unknown-word", "`active`"),
    ("type: ", "s4", "wrong-value", "`s3`"),
    ("environment: ", "preporod", "unknown-word", "`preprod`"),
    ("format: ", "parqet", "unknown-word", "`parquet`"),
    ("delimiter: ", "newline_", "", ""),
    ("delimiter: ", "new_lien", "unknown-word", "`new_line`"),
    ("physicalType: ", "tabel", "unknown-word", "`table`"),
    ("    logicalType: ", "sting", "wrong-value", "`string`"),
    ("          format: ", "uudi", "rule", "`uuid`"),
    ("          maxLength: ", "-1", "wrong-value", "from 0"),
    ("            status: ", "depracated", "unknown-word", "`deprecated`"),
    ("defaultTimezone: ", "Europe/Berlni", "rule", "Europe/Berlin"),
    ("classification: ", "confidental", "unknown-word", "`confidential`"),
    (
        "encryptedName: ",
        "mail_encrypetd",
        "unknown-column",
        "`mail_encrypted`",
    ),
    (
        "          - property: ",
        "polder.maks",
        "custom-property",
        "`polder.mask`",
    ),
    (
        "          - property: ",
        "poldr.mask",
        "custom-property",
        "`polder.mask`",
    ),
    ("semanticType: ", "mesure", "wrong-value", "`measure`"),
    ("metric: ", "nulValues", "wrong-value", "`nullValues`"),
    ("            unit: ", "percnt", "rule", "`percent`"),
    ("dimension: ", "completness", "wrong-value", "`completeness`"),
    ("severity: ", "warnign", "unknown-word", "`warning`"),
    ("severity: ", "loud", "unknown-word", "counts as `error`"),
    ("businessImpact: ", "operatoinal", "unknown-word", "`operational`"),
    ("method: ", "reconcilation", "unknown-word", "`reconciliation`"),
    ("            scheduler: ", "corn", "unknown-word", "`cron`"),
    (
        "            schedule: ",
        "0 25 * * *",
        "unknown-word",
        "`25` is no hour",
    ),
    (
        "              - property: ",
        "polder.onfailure",
        "custom-property",
        "`polder.onFailure`",
    ),
    ("          - type: ", "foreignkey", "wrong-value", "`foreignKey`"),
    ("            to: ", "orders.order_di", "rule", "order_id"),
    ("        type: ", "sqll", "wrong-value", "`sql`"),
    ("\n        unit: ", "precent", "unknown-word", "`percent`"),
    ("        engine: ", "poldr", "unknown-word", "`polder`"),
    ("        engine: ", "Polder", "unknown-word", "`polder`"),
    ("            column: ", "orderd_at", "rule", "`ordered_at`"),
    ("            within: ", "24 hous", "rule", "24h"),
    (
        "        type: business",
        "Defintion",
        "unknown-word",
        "`businessDefinition`",
    ),
    ("tool: ", "slak", "unknown-word", "`slack`"),
    ("scope: ", "anouncements", "unknown-word", "`announcements`"),
    ("priceUnit: ", "megabite", "unknown-word", "`megabyte`"),
    ("      role: ", "onwer", "unknown-word", "`owner`"),
    ("access: ", "raed", "unknown-word", "`read`"),
    (
        "slaProperties:\n  - property: ",
        "latencey",
        "unknown-word",
        "`latency`",
    ),
    (
        "element: ",
        "orders.orderd_at",
        "unknown-element",
        "`orders.ordered_at`",
    ),
    ("element: ", "order", "unknown-element", "`orders`"),
    ("driver: ", "regulatry", "unknown-word", "`regulatory`"),
    (
        "driver: ",
        "vanity",
        "unknown-word",
        "regulatory, analytics, operational",
    ),
    ("    schedule: '", "61 * * * *", "unknown-word", "`61` is no minute"),
    (
        "customProperties:\n  - property: ",
        "polder.noticePerod",
        "custom-property",
        "`polder.noticePeriod`",
    ),
    (
        "customProperties:\n  - property: ",
        "noticePeriod",
        "custom-property",
        "`polder.noticePeriod`",
    ),
    (
        "customProperties:\n  - property: ",
        "polder.onFailure",
        "custom-property",
        "an object of the schema",
    ),
    (
        "customProperties:\n  - property: ",
        "polder.mask",
        "custom-property",
        "a column",
    ),
];

const IN_PRODUCT: &[Case] = &[
    ("status: ", "actve", "wrong-value", "`active`"),
    ("content: ", "observabilty", "unknown-word", "`observability`"),
    ("    type: ", "rset", "wrong-value", "`rest`"),
    ("tool: ", "tems", "unknown-word", "`teams`"),
    ("scope: ", "isues", "unknown-word", "`issues`"),
    (
        "url: https://example.com\n    type: ",
        "tutoral",
        "unknown-word",
        "`tutorial`",
    ),
    ("role: ", "ownr", "unknown-word", "`owner`"),
];

/// The document with the value behind the text replaced, and where that stands.
fn with(document: &str, (before, value, ..): &Case) -> (String, usize) {
    let before = if before.starts_with(' ') || before.contains('\n') {
        (*before).to_owned()
    } else {
        // A key of the first level stands at the beginning of a line, else at the first place where it is one.
        let of_line = format!("\n{before}");
        if document.contains(&of_line) {
            of_line
        } else {
            (*before).to_owned()
        }
    };
    let at = document
        .find(&before)
        .map_or_else(|| panic!("{before}"), |at| at + before.len());
    let quote = document[..at].ends_with('\'');
    let end = document[at..].find(if quote { '\'' } else { '\n' }).unwrap();
    // A word that the text before belongs to begins with it.
    let start = document[..at].rfind([' ', '\'']).unwrap() + usize::from(!quote);
    (format!("{}{value}{}", &document[..at], &document[at + end..]), start)
}

#[test]
fn a_contract_without_a_slip_has_no_finding() {
    assert_eq!(parsed(CONTRACT).diagnostics, []);
    let (product, found) = product::parse(&Source::new("p.odps.yaml", PRODUCT));
    assert!(product.is_some() && found.is_empty(), "{found:?}");
}

#[test]
fn each_slip_of_the_pen_is_told_once_at_its_place() {
    let mut wrong = Vec::new();
    let mut judge = |case: &Case, found: Vec<polder_core::document::Diagnostic>, start: usize| {
        let (before, value, code, says) = case;
        let told: Vec<_> = found
            .iter()
            .map(|found| {
                let help = found.help.clone().unwrap_or_default();
                let start = found.span.map(|span| span.start);
                (found.code.to_string(), start, format!("{} {help}", found.message))
            })
            .collect();
        let right = match told.as_slice() {
            [] => code.is_empty(),
            [(told, at, text)] => told == code && *at == Some(start) && text.contains(says),
            _ => false,
        };
        if !right {
            wrong.push(format!("{before}{value} (at {start}): {told:?}"));
        }
    };
    for case in IN_CONTRACT {
        let (text, start) = with(CONTRACT, case);
        judge(case, parsed(&text).diagnostics, start);
    }
    for case in IN_PRODUCT {
        let (text, start) = with(PRODUCT, case);
        judge(
            case,
            product::parse(&Source::new("p.odps.yaml", text.as_str())).1,
            start,
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_of_ones_own_are_accepted_and_one_status_is_a_note_where_a_dataset_is_bound() {
    let own = [
        ("environment: ", "production"),
        ("tool: ", "mattermost"),
        ("role: ", "controller"),
        ("classification: ", "7"),
        ("priceUnit: ", "seat"),
        ("slaProperties:\n  - property: ", "serviceHours"),
        ("        engine: ", "greatexpectations"),
    ];
    for (before, value) in own {
        let (text, _) = with(CONTRACT, &(before, value, "", ""));
        let text = text.replace("classification: 7", "classification: \"7\"");
        assert_eq!(parsed(&text).diagnostics, [], "{value}");
    }
    let (text, start) = with(CONTRACT, &("status: ", "production", "", ""));
    let found = parsed(&text).diagnostics;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].severity, found[0].span.unwrap().start),
        (Severity::Note, start)
    );
}
