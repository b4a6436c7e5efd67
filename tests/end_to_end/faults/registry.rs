//! A registry that is not there, or goes away.

use polder_testkit::{proxy::Proxy, unique};
use serde_json::json;

use super::topic::wait_for_commits;
use crate::{
    invoices::{Days, bronze, once},
    mesh::{Mesh, Services, expect_refusal},
    records,
};

#[test]
fn a_registry_that_is_down_at_the_start_is_named_and_nothing_is_lost() {
    let suite = "faults registry";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..1) else { return };
    let topic = unique("faults_registry");
    let mesh = Mesh::on(&services, &topic);
    mesh.publish(&topic, days.path());

    let down = "http://127.0.0.1:1";
    let cut_off = mesh.twin().with("POLDER_REGISTRY__URL", down);
    cut_off.refused(&["ingest", "--until-end"], 3, &[down]);
    cut_off.refused(
        &["source", "retail", "--dir", days.path().to_str().unwrap()],
        3,
        &[down],
    );

    // What could not be decoded is neither refused nor passed over: it waits.
    let mended = cut_off.with("POLDER_REGISTRY__URL", &services.registry);
    mended.ingest();
    assert_eq!(bronze(&mended), once(&days.totals().all));
    assert!(mended.objects(&["quarantine", "list"]).is_empty());
}

#[test]
fn a_registry_that_goes_away_midway_ends_the_stream_and_the_next_run_goes_on() {
    let suite = "faults registry midway";
    let Some(services) = Services::of(suite) else { return };
    let Some([days, next, both]) = Days::parts(suite, [0..1, 1..2, 0..2]) else {
        return;
    };
    let topic = unique("faults_registry_midway");
    let (address, path) = records::parts(&services.registry);
    let proxy = Proxy::to(address).unwrap();
    let mesh = Mesh::on(&services, &topic)
        .committing_each(500, "1s")
        .with("POLDER_REGISTRY__URL", &format!("http://{}{path}", proxy.address()));
    mesh.publish(&topic, days.path());
    let mut polder = mesh.polder.start(&["ingest"]);
    wait_for_commits(&mesh, &mut polder, 2);

    // The same events by a writer with a newer schema, which this stream has not met.
    let source = services.kafka.fresh_topic("faults_registry_source", 1).unwrap();
    mesh.publish(&source, next.path());
    let values = records::values(&services.kafka, &source);
    let mut schema = records::schema(&services.registry, records::schema_id(&values[0]));
    schema["doc"] = json!("A later version of the writer.");
    let id = records::register(&services.registry, &format!("{topic}-value"), &schema);
    let values: Vec<Vec<u8>> = values.iter().map(|value| records::with_schema_id(value, id)).collect();
    proxy.cut();
    records::send(&services.kafka, &topic, 0, values.iter().map(Vec::as_slice));
    expect_refusal(&["ingest"], &polder.wait(), 3, &[&proxy.address()]);

    proxy.mend();
    mesh.ingest();
    assert_eq!(bronze(&mesh), once(&both.totals().all));
    assert!(mesh.objects(&["quarantine", "list"]).is_empty());
}
