//! The catalog made equal to an inventory.

use super::*;

pub(super) async fn a_sync_makes_the_catalog_equal_to_the_inventory(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let pipeline = step(StepKind::Pipeline, "sales.lines");
    catalog.record_dataset(&dataset("sales.bronze.gone")).await.unwrap();
    catalog.record_dataset(&dataset("sales.bronze.same")).await.unwrap();
    catalog.record_dataset(&dataset("sales.bronze.older")).await.unwrap();
    catalog
        .record_lineage(
            &pipeline,
            &[
                dataset_name("sales.bronze.gone").into(),
                dataset_name("sales.bronze.same").into(),
            ],
            &dataset_name("sales.silver.lines").into(),
        )
        .await
        .unwrap();
    catalog
        .record_model(&ModelVersion {
            state: ModelState::Promoted,
            ..model("a.b", 1)
        })
        .await
        .unwrap();
    let failed = start("sales.lines", 1);
    catalog.begin_run(&failed).await.unwrap();
    let known = catalog.run(failed.id).await.unwrap().unwrap();

    let older = Dataset {
        updated: Some(at(-9)),
        version: Some(3),
        ..dataset("sales.bronze.older")
    };
    let inventory = Inventory {
        datasets: vec![dataset("sales.bronze.new"), older, dataset("sales.bronze.same")],
        lineage: vec![
            edge("sales.bronze.new", "sales.silver.lines", &pipeline),
            edge("sales.bronze.same", "sales.silver.lines", &pipeline),
        ],
        models: vec![
            model("a.b", 1),
            ModelVersion {
                state: ModelState::Promoted,
                ..model("a.b", 2)
            },
        ],
        runs: vec![
            Run {
                status: RunStatus::Succeeded,
                ..known.clone()
            },
            Run {
                id: RunId::new(),
                status: RunStatus::Succeeded,
                started: at(0),
                ..known.clone()
            },
        ],
    };
    let report = catalog.replace_all(&inventory).await.unwrap();
    let expected = SyncReport {
        datasets: Difference {
            added: 1,
            changed: 1,
            removed: 1,
            unchanged: 1,
        },
        lineage: Difference {
            added: 1,
            changed: 0,
            removed: 1,
            unchanged: 1,
        },
        models: Difference {
            added: 1,
            changed: 1,
            removed: 0,
            unchanged: 0,
        },
        runs_added: 1,
    };
    assert_eq!(report, expected);
    assert_eq!(catalog.datasets().await.unwrap(), inventory.datasets);
    assert_eq!(catalog.lineage().await.unwrap(), inventory.lineage);
    assert_eq!(catalog.models().await.unwrap(), inventory.models);
    assert_eq!(
        catalog.runs(&RunFilter::default()).await.unwrap(),
        [known, inventory.runs[1].clone()]
    );

    let again = catalog.replace_all(&inventory).await.unwrap();
    assert_eq!(
        (
            again.datasets.unchanged,
            again.lineage.unchanged,
            again.models.unchanged
        ),
        (3, 2, 2)
    );
    assert_eq!(again.runs_added, 0);
}
