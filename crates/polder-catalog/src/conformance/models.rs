//! Model versions, and the one that answers.

use super::*;

pub(super) async fn a_model_version_keeps_what_it_was_trained_with(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let (first, tenth, other) = (
        model("finance.forecast", 1),
        model("finance.forecast", 10),
        model("a.b", 2),
    );
    for model in [&tenth, &first, &other] {
        catalog.record_model(model).await.unwrap();
    }
    assert_eq!(catalog.models().await.unwrap(), [other, first.clone(), tenth.clone()]);
    assert_eq!(
        catalog.model_versions(&object("finance.forecast")).await.unwrap(),
        [first, tenth]
    );
    assert_eq!(catalog.model_versions(&object("no.such")).await.unwrap(), []);

    let mut odd = model("a.b", 3);
    odd.metrics = BTreeMap::from([("r2".into(), f64::NAN)]);
    catalog.record_model(&odd).await.unwrap();
    assert!(catalog.model_versions(&odd.name).await.unwrap()[1].metrics["r2"].is_nan());
}

pub(super) async fn of_a_model_one_version_is_promoted(place: &Place) {
    let catalog = place.connect().await.unwrap();
    for version in 1..=3 {
        catalog.record_model(&model("finance.forecast", version)).await.unwrap();
    }
    catalog
        .record_model(&ModelVersion {
            state: ModelState::Promoted,
            ..model("a.b", 1)
        })
        .await
        .unwrap();
    let name = object("finance.forecast");
    let promoted = async || {
        let models = catalog.models().await.unwrap().into_iter();
        let promoted = models.filter(|model| model.state == ModelState::Promoted);
        promoted
            .map(|model| (model.name.to_string(), model.version))
            .collect::<Vec<_>>()
    };
    catalog.promote_model(&name, 1).await.unwrap();
    catalog.promote_model(&name, 2).await.unwrap();
    assert_eq!(
        promoted().await,
        [("a.b".to_owned(), 1), ("finance.forecast".to_owned(), 2)]
    );
    assert_eq!(
        catalog.promote_model(&name, 4).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(promoted().await.len(), 2, "a promotion that fails demotes nobody");
    catalog
        .record_model(&ModelVersion {
            state: ModelState::Promoted,
            ..model("finance.forecast", 4)
        })
        .await
        .unwrap();
    assert_eq!(
        promoted().await,
        [("a.b".to_owned(), 1), ("finance.forecast".to_owned(), 4)]
    );
}
