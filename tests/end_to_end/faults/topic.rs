//! Topics and brokers that are not there, or go away.

use std::{
    thread,
    time::{Duration, Instant},
};

use polder_testkit::{Running, broker::PrivateBroker, delta, unique};

use crate::{
    invoices::{BRONZE, Days, bronze, once},
    mesh::{Mesh, Services, expect_refusal},
    records,
};

/// Longer than anything that a test waits for takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at a folder.
const POLL: Duration = Duration::from_millis(5);

/// Waits until the table of bronze has so many versions.
pub(super) fn wait_for_commits(mesh: &Mesh, polder: &mut Running, versions: usize) {
    let table = mesh.table(BRONZE);
    let start = Instant::now();
    while delta::versions(&table).len() < versions {
        assert!(
            polder.is_running(),
            "polder ended before it made {versions} versions:\n{}",
            polder.said()
        );
        assert!(
            start.elapsed() < PATIENCE,
            "only {} versions came",
            delta::versions(&table).len()
        );
        thread::sleep(POLL);
    }
}

#[test]
fn an_unknown_topic_is_refused_with_the_nearest_name() {
    let suite = "faults topic";
    let Some(services) = Services::of(suite) else { return };
    let there = services.kafka.fresh_topic("faults_topic", 1).unwrap();
    let missing = format!("{there}s");
    let mesh = Mesh::on(&services, &missing);
    mesh.refused(
        &["ingest", "--until-end"],
        2,
        &[&missing, &format!("did you mean `{there}`")],
    );
}

#[test]
fn brokers_that_are_down_at_the_start_are_named() {
    let mesh = Mesh::offline()
        .with("POLDER_KAFKA__BROKERS", "127.0.0.1:1")
        .with("POLDER_REGISTRY__URL", "http://127.0.0.1:1");
    mesh.refused(&["ingest", "--until-end"], 3, &["127.0.0.1:1", "kafka"]);
    mesh.refused(
        &["check", "--connect"],
        3,
        &["ok      lake", "failed  kafka", "failed  registry", "127.0.0.1:1"],
    );
}

#[test]
fn all_configured_services_are_tried_and_told() {
    let Some(services) = Services::of("faults connect") else {
        return;
    };
    let mesh = Mesh::on(&services, "any");
    let said = mesh.polder.expect(&["check", "--connect"]);
    for service in ["lake", "catalog", "kafka", "registry"] {
        assert!(
            said.lines()
                .any(|line| line.starts_with("ok") && line.contains(service)),
            "{service}: {said}"
        );
    }
}

#[test]
fn a_topic_that_is_not_there_is_told_before_a_run() {
    let suite = "faults topic told";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..1) else { return };
    let there = services.kafka.fresh_topic("faults_told", 3).unwrap();
    let mesh = Mesh::on(&services, &there);
    let said = mesh.polder.expect(&["check", "--connect"]);
    let found = format!("{there} of stream sales.invoice_lines: 3 partitions");
    assert!(said.contains(&found), "{said}");
    // Nothing was ever delivered: its first event may make the topic.
    let missing = format!("{there}s");
    let other = Mesh::on(&services, &missing);
    let said = other.polder.expect(&["check", "--connect"]);
    assert!(said.contains(&format!("warning topic     {missing}")), "{said}");
    assert!(said.contains(&format!("did you mean `{there}`")), "{said}");
    // A stream that has delivered has lost its topic.
    mesh.publish(&there, days.path());
    mesh.ingest();
    mesh.edit("pipelines/sales/invoice_lines.stream.yaml", &there, &missing);
    mesh.refused(&["check", "--connect"], 2, &[&format!("failed  topic     {missing}")]);
}

#[test]
fn a_topic_that_was_made_anew_is_noticed() {
    let suite = "faults topic anew";
    let Some(services) = Services::of(suite) else { return };
    let Some([two, one]) = Days::parts(suite, [0..2, 2..3]) else {
        return;
    };
    let topic = unique("faults_anew");
    let mesh = Mesh::on(&services, &topic);
    mesh.publish(&topic, two.path());
    mesh.ingest();
    services.kafka.delete_topic(&topic).unwrap();
    let start = Instant::now();
    // The broker deletes in its own time; until then the name is taken.
    while services.kafka.create_topic(&topic, 4).is_err() {
        assert!(start.elapsed() < PATIENCE, "{topic} is not deleted");
    }
    mesh.publish(&topic, one.path());
    mesh.refused(&["ingest", "--until-end"], 3, &[&topic, "made anew"]);
    assert_eq!(bronze(&mesh), once(&two.totals().all));
}

#[test]
fn brokers_that_go_away_midway_end_a_run_and_the_next_one_goes_on() {
    let suite = "faults broker midway";
    let Some(days) = Days::of(suite, 0..8) else { return };
    let Some(shared) = Services::of(suite) else { return };
    let Some(broker) = PrivateBroker::start(suite).unwrap() else {
        return;
    };
    let services = Services {
        kafka: broker.kafka.clone(),
        registry: shared.registry,
    };
    let topic = unique("faults_broker");
    // So little is fetched ahead that the rest is still with the broker when it goes.
    let mesh = Mesh::on(&services, &topic)
        .committing_each(500, "10s")
        .with("POLDER_KAFKA__PROPERTIES__QUEUED_MAX_MESSAGES_KBYTES", "64")
        .with("POLDER_KAFKA__PROPERTIES__QUEUED_MIN_MESSAGES", "100")
        .with("POLDER_KAFKA__PROPERTIES__FETCH_MESSAGE_MAX_BYTES", "16384");
    mesh.publish(&topic, days.path());
    let arguments = ["ingest", "--until-end"];
    let mut polder = mesh.polder.start(&arguments);
    wait_for_commits(&mesh, &mut polder, 3);
    broker.kill().unwrap();
    expect_refusal(&arguments, &polder.wait(), 3, &[&services.kafka.brokers]);
    let (landed, places) = bronze(&mesh);
    assert_eq!(landed.lines, places, "nothing twice");
    assert!(
        landed.lines > 0 && landed.lines < days.totals().all.lines,
        "it went away midway"
    );

    broker.restart().unwrap();
    mesh.ingest();
    assert_eq!(bronze(&mesh), once(&days.totals().all));
}

#[test]
fn a_continuous_stream_outlives_its_brokers() {
    let suite = "faults broker restart";
    let Some([first, second, all]) = Days::parts(suite, [0..2, 2..4, 0..4]) else {
        return;
    };
    let Some(shared) = Services::of(suite) else { return };
    let Some(broker) = PrivateBroker::start(suite).unwrap() else {
        return;
    };
    let services = Services {
        kafka: broker.kafka.clone(),
        registry: shared.registry,
    };
    let topic = unique("faults_restart");
    let mesh = Mesh::on(&services, &topic).committing_each(1_000, "1s");
    mesh.publish(&topic, first.path());
    let mut polder = mesh.polder.start(&["ingest"]);
    wait_for_commits(&mesh, &mut polder, 2);
    broker.kill().unwrap();
    polder.wait_for("do not answer");
    broker.restart().unwrap();
    mesh.publish(&topic, second.path());
    polder.wait_for("answer again");
    let wanted = u64::try_from(records::ends(&services.kafka, &topic).iter().sum::<i64>()).unwrap();
    assert_eq!(wanted, all.totals().all.lines);
    let start = Instant::now();
    while bronze(&mesh).0.lines < wanted {
        assert!(
            start.elapsed() < PATIENCE && polder.is_running(),
            "the stream does not go on"
        );
    }
    let ended = polder.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(bronze(&mesh), once(&all.totals().all));
}
