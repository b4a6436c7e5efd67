//! The same over a real S3 store, where there is one; skipped, and said so, where there is none.

use std::collections::BTreeMap;

use polder_core::config::LakeConfig;
use polder_core::{ErrorKind, Secret};

use super::*;

fn config(change: &[(&str, &str)]) -> Option<LakeConfig> {
    let bucket = polder_testkit::service::bucket("polder-lake")?;
    let stated = [
        ("aws_endpoint", bucket.endpoint.as_str()),
        ("allow_http", "true"),
        ("aws_region", bucket.region.as_str()),
        ("aws_access_key_id", bucket.access_key.as_str()),
        ("aws_secret_access_key", bucket.secret_key.as_str()),
    ];
    let options: BTreeMap<_, _> = stated
        .into_iter()
        .chain(change.iter().copied())
        .map(|(key, value)| (key.to_owned(), Secret::new(value)))
        .collect();
    Some(LakeConfig {
        location: format!("s3://{}/{}", bucket.name, RunId::new()),
        options,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_on_s3_land_each_commit_once() {
    let Some(config) = config(&[]) else { return };
    let lake = Lake::open(&config, std::path::Path::new("/")).unwrap();
    lake.probe().await.unwrap();
    drop(table(&lake).await);
    let writers = (0..4_i64).map(|writer| {
        let lake = lake.clone();
        tokio::spawn(async move {
            let mut table = lake.load(&name()).await.unwrap().unwrap();
            // Two and two share an id.
            let id = format!("stream/sales.lines/lines/{}", writer % 2);
            loop {
                table.refresh().await.unwrap();
                let expected = table.progress(&id).await.unwrap();
                let next = expected.unwrap_or(0);
                if next >= 15 {
                    return;
                }
                let progress = vec![Progress {
                    id: id.clone(),
                    expected,
                    next: next + 1,
                }];
                let commit = append(&table, [writer % 2 * 1000 + next], progress).await;
                match table.commit(commit).await {
                    Err(error) if error.kind() != ErrorKind::Conflict => panic!("{}", error.report()),
                    _ => {}
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(stored(&lake).await, (0..15).chain(1000..1015).collect::<Vec<_>>());
    assert_eq!(lake.datasets().await.unwrap(), [name()]);
}

#[tokio::test]
async fn wrong_keys_are_refused() {
    let Some(config) = config(&[("aws_access_key_id", "nobody"), ("aws_secret_access_key", "wrong")]) else {
        return;
    };
    let lake = Lake::open(&config, std::path::Path::new("/")).unwrap();
    for kind in [
        lake.probe().await.unwrap_err().kind(),
        lake.load(&name()).await.unwrap_err().kind(),
        lake.datasets().await.unwrap_err().kind(),
        lake.ensure(&name(), columns(), &TableOptions::default())
            .await
            .unwrap_err()
            .kind(),
    ] {
        assert_eq!(kind, ErrorKind::Refused);
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_unreachable() {
    let Some(config) = config(&[
        ("aws_endpoint", "http://127.0.0.1:1"),
        ("aws_access_key_id", "a"),
        ("aws_secret_access_key", "b"),
    ]) else {
        return;
    };
    let lake = Lake::open(&config, std::path::Path::new("/")).unwrap();
    let error = lake.load(&name()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() {
    let Some(config) = config(&[]) else { return };
    let config = LakeConfig {
        location: "s3://polder-no-such-bucket/lake".to_owned(),
        ..config
    };
    let lake = Lake::open(&config, std::path::Path::new("/")).unwrap();
    for error in [
        lake.probe().await.unwrap_err(),
        lake.load(&name()).await.unwrap_err(),
        lake.ensure(&name(), columns(), &TableOptions::default())
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.report());
        assert!(error.help().unwrap().contains("bucket"), "{}", error.report());
    }
}
