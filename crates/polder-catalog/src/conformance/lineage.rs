//! Lineage: it is followed up and down, and in a circle it ends.

use super::*;

pub(super) async fn lineage_is_followed_up_and_down(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let source = Node::Source("kafka:retail.invoice_line".into());
    let [bronze, silver, gold] =
        ["sales.bronze.lines", "sales.silver.lines", "product.gold.sales"].map(|name| Node::from(dataset_name(name)));
    let forecast = Node::Model(object("finance.forecast"));
    // Stream and pipeline of one name are two steps.
    let steps = [
        (step(StepKind::Stream, "sales.lines"), &source, &bronze),
        (step(StepKind::Pipeline, "sales.lines"), &bronze, &silver),
        (step(StepKind::Pipeline, "product.sales"), &silver, &gold),
        (step(StepKind::Model, "finance.forecast"), &gold, &forecast),
    ];
    for (step, from, to) in &steps {
        catalog.record_lineage(step, &[(*from).clone()], to).await.unwrap();
    }
    let told = |traced: Vec<Traced>| {
        let tell = |Traced { distance, edge }: &Traced| format!("{distance} {}->{}", edge.from, edge.to);
        traced.iter().map(tell).collect::<Vec<_>>()
    };
    assert_eq!(
        told(catalog.upstream(&gold).await.unwrap()),
        [
            "1 sales.silver.lines->product.gold.sales",
            "2 sales.bronze.lines->sales.silver.lines",
            "3 kafka:retail.invoice_line->sales.bronze.lines",
        ]
    );
    assert_eq!(
        told(catalog.downstream(&silver).await.unwrap()),
        [
            "1 sales.silver.lines->product.gold.sales",
            "2 product.gold.sales->finance.forecast"
        ]
    );
    assert_eq!(catalog.upstream(&source).await.unwrap(), []);
    assert_eq!(catalog.lineage().await.unwrap().len(), 4);
    // Whatever writes a dataset writes what is refused of it; of refused rows that nobody reads nothing is told.
    let [refused, report] =
        ["sales.quarantine.bronze_lines", "sales.gold.refusals"].map(|name| Node::from(dataset_name(name)));
    let landed = "kafka:retail.invoice_line->sales.quarantine.bronze_lines";
    assert_eq!(told(catalog.upstream(&refused).await.unwrap()), [format!("1 {landed}")]);
    assert!(!told(catalog.downstream(&source).await.unwrap()).contains(&format!("1 {landed}")));
    let reads = step(StepKind::Pipeline, "sales.refusals");
    catalog.record_lineage(&reads, &[refused], &report).await.unwrap();
    assert!(told(catalog.downstream(&source).await.unwrap()).contains(&format!("1 {landed}")));
    assert_eq!(
        told(catalog.upstream(&report).await.unwrap()),
        [
            "1 sales.quarantine.bronze_lines->sales.gold.refusals".to_owned(),
            format!("2 {landed}")
        ]
    );
}

pub(super) async fn a_step_that_changes_its_inputs_loses_the_old_ones(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let step = step(StepKind::Pipeline, "product.sales");
    let [one, two, three] = ["a.silver.one", "a.silver.two", "a.silver.three"].map(|name| dataset_name(name).into());
    let output = dataset_name("product.gold.sales").into();
    catalog
        .record_lineage(&step, &[one, two.clone(), two.clone()], &output)
        .await
        .unwrap();
    catalog.record_lineage(&step, &[two, three], &output).await.unwrap();
    assert_eq!(
        catalog.lineage().await.unwrap(),
        [
            edge("a.silver.three", "product.gold.sales", &step),
            edge("a.silver.two", "product.gold.sales", &step)
        ]
    );
}

pub(super) async fn lineage_in_a_circle_ends(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let [one, two] = ["a.silver.one", "a.silver.two"].map(|name| Node::from(dataset_name(name)));
    catalog
        .record_lineage(&step(StepKind::Pipeline, "a.two"), std::slice::from_ref(&one), &two)
        .await
        .unwrap();
    catalog
        .record_lineage(&step(StepKind::Pipeline, "a.one"), std::slice::from_ref(&two), &one)
        .await
        .unwrap();
    assert_eq!(catalog.downstream(&one).await.unwrap().len(), 2);
}
