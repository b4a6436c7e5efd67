//! Runs: they begin, end once, and are listed.

use super::*;

pub(super) async fn a_run_begins_and_ends(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let start = start("sales.lines", 0);
    catalog.begin_run(&start).await.unwrap();
    let begun = catalog.run(start.id).await.unwrap().unwrap();
    assert_eq!(
        (begun.status, begun.started, begun.ended),
        (RunStatus::Running, at(0), None)
    );
    catalog.finish_run(start.id, &success(5)).await.unwrap();
    let expected = Run {
        id: start.id,
        step: start.step,
        dataset: start.dataset,
        status: RunStatus::Succeeded,
        started: at(0),
        ended: Some(at(5)),
        accepted: 368_083,
        rejected: 2,
        version: Some(7),
        message: None,
    };
    assert_eq!(catalog.run(start.id).await.unwrap(), Some(expected));
}

pub(super) async fn a_run_ends_once(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let start = start("sales.lines", 0);
    catalog.begin_run(&start).await.unwrap();
    catalog.finish_run(start.id, &success(5)).await.unwrap();
    catalog.begin_run(&start).await.unwrap();
    let again = RunEnd {
        status: RunStatus::Failed,
        message: Some("lost answer".into()),
        ..success(6)
    };
    catalog.finish_run(start.id, &again).await.unwrap();
    let run = catalog.run(start.id).await.unwrap().unwrap();
    assert_eq!(
        (run.status, run.ended, run.message),
        (RunStatus::Succeeded, Some(at(5)), None)
    );
}

pub(super) async fn a_run_that_never_began_cannot_end(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let error = catalog.finish_run(RunId::new(), &success(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

pub(super) async fn runs_are_listed_newest_first_and_filtered(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let mut expected = Vec::new();
    for (number, name) in [(1, "sales.lines"), (3, "sales.lines"), (2, "product.sales")] {
        let start = start(name, number);
        catalog.begin_run(&start).await.unwrap();
        expected.push((number, start));
    }
    catalog.finish_run(expected[0].1.id, &success(9)).await.unwrap();
    let stream = RunStart {
        step: step(StepKind::Stream, "sales.lines"),
        dataset: Some(dataset_name("sales.bronze.lines")),
        ..start("sales.lines", 0)
    };
    catalog.begin_run(&stream).await.unwrap();

    let list = async |filter: RunFilter| {
        let runs = catalog.runs(&filter).await.unwrap();
        runs.iter()
            .map(|run| (run.started - at(0)).num_seconds())
            .collect::<Vec<_>>()
    };
    let all = RunFilter::default;
    assert_eq!(list(all()).await, [3, 2, 1, 0]);
    assert_eq!(list(RunFilter { limit: 2, ..all() }).await, [3, 2]);
    assert_eq!(
        list(RunFilter {
            name: Some(object("sales.lines")),
            ..all()
        })
        .await,
        [3, 1, 0]
    );
    assert_eq!(
        list(RunFilter {
            kind: Some(StepKind::Stream),
            ..all()
        })
        .await,
        [0]
    );
    assert_eq!(
        list(RunFilter {
            status: Some(RunStatus::Succeeded),
            ..all()
        })
        .await,
        [1]
    );
    assert_eq!(
        list(RunFilter {
            dataset: Some(dataset_name("sales.bronze.lines")),
            ..all()
        })
        .await,
        [0]
    );
    assert_eq!(
        list(RunFilter {
            status: Some(RunStatus::Failed),
            ..all()
        })
        .await,
        [0_i64; 0]
    );
}
