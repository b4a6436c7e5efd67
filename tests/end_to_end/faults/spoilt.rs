//! Records and files that are spoilt: everything lands in quarantine with rule, position and reason.

use std::{collections::BTreeMap, fs};

use polder_testkit::{retail::Totals, unique};
use serde_json::{Value, json};

use crate::{
    invoices::{BRONZE, Days, bronze, once},
    mesh::{Mesh, Services},
    records,
};

/// A record that must be refused.
struct Spoilt {
    value: Vec<u8>,
    rule: &'static str,
    /// What the reason must name.
    reason: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every way to spoil a good value.
fn spoilt(services: &Services, topic: &str, good: &[u8]) -> Vec<Spoilt> {
    let foreign = json!({
        "type": "record", "name": "StockCount", "namespace": "warehouse",
        "fields": [{"name": "units", "type": "int"}],
    });
    let foreign = records::register(&services.registry, &format!("{topic}-foreign"), &foreign);
    let mut dollars = good.to_vec();
    let currency = dollars.len() - 3;
    assert_eq!(&dollars[currency..], b"GBP", "the currency is the last field");
    dollars[currency..].copy_from_slice(b"USD");
    let spoilt = |value: Vec<u8>, rule, reason: &str| Spoilt {
        value,
        rule,
        reason: reason.to_owned(),
    };
    vec![
        spoilt(
            records::with_schema_id(good, i32::MAX as u32),
            "format.schema",
            &i32::MAX.to_string(),
        ),
        spoilt(
            records::with_schema_id(good, foreign),
            "format.record",
            "warehouse.StockCount",
        ),
        spoilt(good[..good.len() / 2].to_vec(), "format.avro", ""),
        spoilt(good[..5].to_vec(), "format.avro", ""),
        spoilt(good[..3].to_vec(), "format.frame", "3 bytes"),
        spoilt(br#"{"invoice_no": "1"}"#.to_vec(), "format.frame", "magic byte"),
        spoilt(dollars, "currency_known", "USD"),
    ]
}

#[test]
fn spoilt_records_are_in_quarantine_once_with_rule_position_and_reason() {
    let suite = "faults spoilt";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..1) else { return };
    let topic = services.kafka.fresh_topic("faults_spoilt", 1).unwrap();
    let mesh = Mesh::on(&services, &topic);
    mesh.publish(&topic, days.path());
    let good = records::values(&services.kafka, &topic);
    let first = i64::try_from(good.len()).unwrap();
    let spoilt = spoilt(&services, &topic, &good[0]);
    records::send(
        &services.kafka,
        &topic,
        0,
        spoilt.iter().map(|record| record.value.as_slice()),
    );
    // What comes behind them is not held up.
    mesh.publish(&topic, days.path());
    let all = days.totals().all;
    let twice = polder_testkit::retail::Sum {
        lines: 2 * all.lines,
        amount: all.amount + all.amount,
    };

    for _ in 0..2 {
        mesh.ingest();
        assert_eq!(bronze(&mesh), once(&twice));
        let shown = mesh.objects(&["quarantine", "show", BRONZE, "--limit", "1000"]);
        assert_eq!(shown.len(), spoilt.len(), "{shown:?}");
        let by_offset: BTreeMap<i64, &Value> = shown
            .iter()
            .map(|row| (row["_offset"].as_i64().unwrap(), row))
            .collect();
        for (offset, record) in (first..).zip(&spoilt) {
            let row = by_offset[&offset];
            assert_eq!(row["rule"], record.rule, "{row}");
            let reason = row["reason"].as_str().unwrap();
            assert!(!reason.is_empty() && reason.contains(&record.reason), "{row}");
            assert_eq!(
                (&row["_topic"], &row["_partition"]),
                (&json!(topic), &json!(0)),
                "{row}"
            );
            assert_eq!(row["contract_version"], "1.0.0", "{row}");
            assert_eq!(row["raw"], hex(&record.value), "{row}");
        }
    }
    let listed = mesh.objects(&["quarantine", "list"]);
    let count = |rule: &str| {
        let of_rule = listed.iter().filter(|row| row["rule"] == rule);
        of_rule.map(|row| row["rows"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(
        [
            "format.schema",
            "format.record",
            "format.avro",
            "format.frame",
            "currency_known"
        ]
        .map(count),
        [1, 1, 2, 2, 1]
    );
    assert!(listed.iter().all(|row| row["dataset"] == BRONZE), "{listed:?}");
}

/// The made-up shop sends faulty events on purpose; the broker knows how many records there are.
#[test]
fn each_event_of_a_made_up_shop_is_in_bronze_or_in_quarantine() {
    let suite = "faults shop";
    let Some(services) = Services::of(suite) else { return };
    let topic = unique("faults_shop");
    let mesh = Mesh::on(&services, &topic).without_models();
    mesh.polder
        .expect(&["source", "shop", "--seed", "11", "--weeks", "6", "--topic", &topic]);
    mesh.ingest();
    let sent = u64::try_from(records::ends(&services.kafka, &topic).iter().sum::<i64>()).unwrap();
    let landed = mesh.number("SELECT count(*) FROM sales.bronze.invoice_lines");
    let refused = mesh.number("SELECT count(*) FROM sales.quarantine.bronze_invoice_lines");
    assert_eq!(landed + refused, sent);
    let places = mesh.number(
        "SELECT count(*) FROM (
            SELECT _topic, _partition, _offset FROM sales.bronze.invoice_lines
            UNION SELECT _topic, _partition, _offset FROM sales.quarantine.bronze_invoice_lines)",
    );
    assert_eq!(places, sent, "each place once, on one side");
    let rules = mesh.rows("SELECT DISTINCT rule FROM sales.quarantine.bronze_invoice_lines");
    assert!(rules.len() >= 4, "{rules:?}");
    assert!(
        refused * 10 < sent,
        "most events are good: {refused} of {sent} are refused"
    );
    mesh.run();
    let (silver, gold) = (
        mesh.row("SELECT sum(amount) FROM sales.silver.invoice_lines WHERE line_kind = 'product'"),
        mesh.row("SELECT sum(net_revenue) FROM product.gold.product_sales"),
    );
    assert_eq!(gold, silver);
}

#[test]
fn a_schema_that_is_registered_later_is_resolved_from_then_on() {
    let suite = "faults late schema";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..1) else { return };
    let topic = services.kafka.fresh_topic("faults_late", 1).unwrap();
    let mesh = Mesh::on(&services, &topic);
    mesh.publish(&topic, days.path());
    let value = records::values(&services.kafka, &topic).swap_remove(0);
    // A writer that has grown a field, with a default, beside the ones that the contract knows.
    let mut schema = records::schema(&services.registry, records::schema_id(&value));
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "source_host", "type": ["null", "string"], "default": null}));
    let id = records::register(&services.registry, &format!("{topic}-value"), &schema);
    let mut grown = records::with_schema_id(&value, id);
    // The union's first branch: null.
    grown.push(0);
    records::send(&services.kafka, &topic, 0, [grown.as_slice()]);
    mesh.ingest();
    assert_eq!(bronze(&mesh).0.lines, days.totals().all.lines + 1);
    assert!(mesh.objects(&["quarantine", "list"]).is_empty());
}

#[test]
fn a_file_with_a_short_line_is_refused_whole_and_those_before_it_are_published() {
    let suite = "faults short line";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..3) else { return };
    let files = polder_testkit::retail::days(days.path()).unwrap();
    let good = Totals::of(&files[..1]).unwrap().all;
    let whole = fs::read_to_string(&files[1]).unwrap();
    let mut lines: Vec<&str> = whole.lines().collect();
    lines[100] = "536600,85123A,TOO SHORT,6";
    fs::write(&files[1], lines.join("\n")).unwrap();
    let topic = unique("faults_short");
    let mesh = Mesh::on(&services, &topic);
    let place = format!("{}:101", files[1].file_name().unwrap().to_str().unwrap());
    let arguments = [
        "source",
        "retail",
        "--dir",
        days.path().to_str().unwrap(),
        "--topic",
        &topic,
    ];
    mesh.refused(&arguments, 2, &[&place, "4 fields"]);
    mesh.ingest();
    assert_eq!(bronze(&mesh), once(&good));

    // Mended and published again, what came before is recognised by its event ids.
    fs::write(&files[1], whole).unwrap();
    mesh.polder.expect(&arguments);
    mesh.ingest();
    let events = mesh.number("SELECT count(DISTINCT event_id) FROM sales.bronze.invoice_lines");
    assert_eq!(events, days.totals().all.lines);
}
