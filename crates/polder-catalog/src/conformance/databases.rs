//! Databases: their tables, several processes at once, texts of any kind.

use super::*;

pub(super) async fn a_new_database_gets_its_tables_and_keeps_them(place: &Place) {
    let first = place.connect().await.unwrap();
    first.probe().await.unwrap();
    assert_eq!(first.datasets().await.unwrap(), []);
    first.record_dataset(&dataset("sales.bronze.lines")).await.unwrap();
    first.close().await;
    let second = place.connect().await.unwrap();
    assert_eq!(second.datasets().await.unwrap(), [dataset("sales.bronze.lines")]);
}

pub(super) async fn several_processes_may_start_at_once(place: &Place) {
    let starts = (0..12).map(|_| {
        let (database, root) = (place.database.clone(), place.folder.path().to_owned());
        tokio::spawn(async move {
            connect(&database, &root)
                .await?
                .record_dataset(&dataset("a.gold.b"))
                .await
        })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    assert_eq!(place.connect().await.unwrap().datasets().await.unwrap().len(), 1);
}

pub(super) async fn a_newer_polders_tables_are_refused(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let insert = "INSERT INTO polder_migration (version, applied_at) VALUES (999, 0)";
    sqlx::query(insert).execute(catalog.pool()).await.unwrap();
    let error = place.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("999"), "{error}");
}

pub(super) async fn writers_side_by_side_lose_nothing(place: &Place) {
    let first = place.connect().await.unwrap();
    let second = place.connect().await.unwrap();
    let pipeline = step(StepKind::Pipeline, "sales.lines");
    let work = [first, second.clone()].into_iter().cycle().take(8).map(|catalog| {
        let step = pipeline.clone();
        tokio::spawn(async move {
            let inputs: Vec<Node> = (0..5)
                .map(|input| dataset_name(&format!("a.bronze.t{input}")).into())
                .collect();
            for number in 0..10 {
                let start = start("sales.lines", number);
                catalog.begin_run(&start).await?;
                catalog
                    .record_lineage(&step, &inputs, &dataset_name("a.silver.t").into())
                    .await?;
                catalog.finish_run(start.id, &success(number)).await?;
            }
            Ok::<(), Error>(())
        })
    });
    for writer in work.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let filter = RunFilter {
        status: Some(RunStatus::Succeeded),
        limit: 1000,
        ..RunFilter::default()
    };
    assert_eq!(second.runs(&filter).await.unwrap().len(), 80);
    assert_eq!(second.lineage().await.unwrap().len(), 5);
}

pub(super) async fn texts_of_any_kind_come_back_as_they_were(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let odd = "Robert'); DROP TABLE polder_run;-- \"$1\" ? \\ \n\t 貿易 🛒 é";
    let dataset = Dataset {
        description: Some(odd.into()),
        owner: Some(String::new()),
        ..dataset("a.gold.b")
    };
    catalog.record_dataset(&dataset).await.unwrap();
    assert_eq!(catalog.dataset(&dataset.name).await.unwrap(), Some(dataset));
    let start = start("a.b", 0);
    catalog.begin_run(&start).await.unwrap();
    catalog
        .finish_run(
            start.id,
            &RunEnd {
                message: Some(odd.into()),
                ..success(1)
            },
        )
        .await
        .unwrap();
    assert_eq!(
        catalog.run(start.id).await.unwrap().unwrap().message.as_deref(),
        Some(odd)
    );
}
