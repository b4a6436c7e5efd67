//! Datasets: the newest that is known of each.

use super::*;

pub(super) async fn a_dataset_is_recorded_and_found(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let bare = Dataset::new(dataset_name("sales.quarantine.bronze_lines"));
    let full = dataset("sales.bronze.lines");
    let other = dataset("customer.gold.customers");
    for dataset in [&bare, &full, &other] {
        catalog.record_dataset(dataset).await.unwrap();
    }
    assert_eq!(catalog.dataset(&full.name).await.unwrap(), Some(full.clone()));
    assert_eq!(catalog.dataset(&bare.name).await.unwrap(), Some(bare.clone()));
    assert_eq!(catalog.dataset(&dataset_name("no.gold.such")).await.unwrap(), None);
    assert_eq!(catalog.datasets().await.unwrap(), [other, full, bare]);
}

pub(super) async fn late_news_of_a_dataset_do_not_replace_newer_ones(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let newer = Dataset {
        version: Some(13),
        updated: Some(at(1)),
        ..dataset("sales.bronze.lines")
    };
    catalog.record_dataset(&newer).await.unwrap();
    catalog.record_dataset(&dataset("sales.bronze.lines")).await.unwrap();
    assert_eq!(catalog.dataset(&newer.name).await.unwrap(), Some(newer.clone()));
    let same_time = Dataset { owner: None, ..newer };
    catalog.record_dataset(&same_time).await.unwrap();
    assert_eq!(catalog.dataset(&same_time.name).await.unwrap(), Some(same_time));
}
