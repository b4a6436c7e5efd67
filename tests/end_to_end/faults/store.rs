//! An S3 store or a database that is not there, or goes away.

use std::time::{Duration, Instant};

use polder_testkit::{proxy::Proxy, service, unique};

use crate::{
    invoices::{BRONZE, Days, bronze, once},
    lake::Lake,
    mesh::{Mesh, Services, expect_refusal},
};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_store_that_is_down_at_the_start_is_named() {
    let mesh = Mesh::offline()
        .with("POLDER_LAKE__LOCATION", "s3://no-such-store/lake")
        .with("POLDER_LAKE__OPTIONS__AWS_ENDPOINT", "http://127.0.0.1:1")
        .with("POLDER_LAKE__OPTIONS__AWS_ALLOW_HTTP", "true")
        .with("POLDER_LAKE__OPTIONS__AWS_REGION", "us-east-1")
        .with("POLDER_LAKE__OPTIONS__AWS_ACCESS_KEY_ID", "key")
        .with("POLDER_LAKE__OPTIONS__AWS_SECRET_ACCESS_KEY", "hidden-from-all");
    for arguments in [
        &["sql", "SELECT count(*) FROM sales.bronze.invoice_lines"][..],
        &["ingest", "--until-end"],
    ] {
        let ended = mesh.refused(
            arguments,
            3,
            &["http://127.0.0.1:1/no-such-store/lake", "lake.location"],
        );
        assert!(!ended.stderr.contains("hidden-from-all"), "{}", ended.stderr);
    }
}

#[test]
fn a_catalog_that_is_down_is_named_and_does_not_stop_the_data() {
    let suite = "faults catalog";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..1) else { return };
    let topic = unique("faults_catalog");
    let mesh = Mesh::on(&services, &topic).with(
        "POLDER_CATALOG__DATABASE",
        "postgres://polder:hidden-from-all@127.0.0.1:1/catalog",
    );
    let ended = mesh.refused(&["catalog", "list"], 3, &["127.0.0.1:1"]);
    assert!(!ended.stderr.contains("hidden-from-all"), "{}", ended.stderr);
    mesh.publish(&topic, days.path());
    let ended = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("catalog sync"), "{}", ended.stderr);
    assert_eq!(bronze(&mesh), once(&days.totals().all));
}

#[test]
fn a_store_that_goes_away_midway_ends_the_run_and_the_next_one_goes_on() {
    let suite = "faults store midway";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..10) else { return };
    let Some(bucket) = service::bucket(suite) else { return };
    let topic = unique("faults_store");
    let prefix = bucket.fresh_prefix("faults_store");
    let lake = Lake::of(bucket.store(&prefix).unwrap());
    let proxy = Proxy::to(bucket.endpoint.strip_prefix("http://").unwrap()).unwrap();
    let through_proxy = service::Bucket {
        endpoint: format!("http://{}", proxy.address()),
        ..bucket
    };
    let mut mesh = Mesh::on(&services, &topic).committing_each(500, "10s");
    mesh.polder = mesh.polder.with_all(through_proxy.lake_environment(&prefix));
    mesh.publish(&topic, days.path());

    let arguments = ["ingest", "--until-end"];
    let mut polder = mesh.polder.start(&arguments);
    let start = Instant::now();
    while lake.versions().get(BRONZE).is_none_or(|version| *version < 3) {
        assert!(
            start.elapsed() < PATIENCE && polder.is_running(),
            "no three versions come"
        );
    }
    proxy.cut();
    expect_refusal(
        &arguments,
        &polder.wait(),
        3,
        &[&proxy.address(), &prefix, "lake.location"],
    );

    proxy.mend();
    let (landed, places) = bronze(&mesh);
    assert_eq!(landed.lines, places, "nothing twice");
    assert!(landed.lines < days.totals().all.lines, "the store went away midway");
    mesh.ingest();
    assert_eq!(bronze(&mesh), once(&days.totals().all));
}
