//! What the log alone answers: figures without a reading, and how much a commit brought.

use super::*;

#[test]
fn a_table_whose_log_answers_everything_is_not_read() {
    /// A table that nobody may read.
    #[derive(Debug)]
    struct Closed(arrow::datatypes::SchemaRef);
    #[async_trait]
    impl TableProvider for Closed {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            Arc::clone(&self.0)
        }
        fn table_type(&self) -> datafusion::datasource::TableType {
            datafusion::datasource::TableType::Base
        }
        async fn scan(
            &self,
            _session: &dyn datafusion::catalog::Session,
            projection: Option<&Vec<usize>>,
            _filters: &[datafusion::logical_expr::Expr],
            _limit: Option<usize>,
        ) -> datafusion::error::Result<Arc<dyn datafusion::physical_plan::ExecutionPlan>> {
            assert!(projection.is_none(), "planned for its statistics alone");
            Ok(Arc::new(datafusion::physical_plan::empty::EmptyExec::new(
                self.schema(),
            )))
        }
    }
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint, required: true, logicalTypeOptions: {minimum: 1}}"],
        &["{metric: rowCount, mustBeGreaterThan: 1}"],
    );
    let rows = integers("id", vec![Some(1), Some(2)]);
    let closed = Arc::new(Closed(arrow_schema(contract.object()).unwrap()));
    let report = report(
        &TableCheck::compile(&contract).unwrap(),
        closed,
        &TrueFacts(rows),
        &NoQueries,
    );
    assert_eq!(report.rows, Some(2));
    assert!(
        report
            .results
            .iter()
            .all(|result| result.verdict == RuleVerdict::Passed),
        "{report:#?}"
    );
    assert!(
        report.results.iter().all(|result| result.how == How::Statistics),
        "{report:#?}"
    );
}

#[test]
fn a_date_grows_old_from_the_end_of_its_day_on_whether_read_or_told() {
    /// The newest day, as the log tells it.
    struct Told(i32);
    impl Facts for Told {
        fn maximum(&self, _column: &str) -> Option<ScalarValue> {
            Some(ScalarValue::Date32(Some(self.0)))
        }
    }
    let contract = contract(
        &["{name: day, logicalType: date}"],
        &["{id: fresh, type: custom, engine: polder, implementation: {freshness: {column: day, within: 24h}}}"],
    );
    let check = TableCheck::compile(&contract).unwrap();
    let today = i32::try_from(noon().timestamp().div_euclid(86_400)).unwrap();
    let hours = |hours: i128| hours * 3_600;
    for (ahead, age, verdict) in [
        (-2, hours(36), RuleVerdict::Failed),
        (-1, hours(12), RuleVerdict::Passed),
        (0, 0, RuleVerdict::Passed),
        (1, -hours(12), RuleVerdict::Passed),
        (2, -hours(36), RuleVerdict::Failed),
    ] {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![today - 9, today + ahead]));
        let facts: [&dyn Facts; 2] = [&NoFacts, &Told(today + ahead)];
        for facts in facts {
            let rows = table(vec![vec![batch(vec![("day", Arc::clone(&days))])]]);
            let report = report(&check, rows, facts, &NoQueries);
            let found = result(&report, "fresh");
            assert_eq!(
                (&found.figure, &found.verdict),
                (&Some(Figure::Whole(age)), &verdict),
                "{ahead}"
            );
        }
    }
}

#[test]
fn volume_is_held_against_the_commits_before() {
    struct Commits(Vec<u64>, bool);
    impl Facts for Commits {
        fn recent_commits(&self) -> &[u64] {
            &self.0
        }
        fn commits_cut(&self) -> bool {
            self.1
        }
    }
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint}"],
        &["{id: volume, type: custom, engine: polder, implementation: {volume: {commits: 5, deviation: 2}}}"],
    );
    let check = TableCheck::compile(&contract).unwrap();
    assert_eq!(check.recent_commits(), 5);
    let told = |commits: &[u64], cut: bool| {
        let rows = table(vec![vec![integers("id", vec![Some(1)])]]);
        result(
            &report(&check, rows, &Commits(commits.to_vec(), cut), &NoQueries),
            "volume",
        )
        .clone()
    };
    let verdict = |commits: &[u64]| told(commits, false);
    let file = report(
        &check,
        table(vec![vec![integers("id", vec![Some(1)])]]),
        &NoFacts,
        &NoQueries,
    );
    assert_eq!(
        result(&file, "volume").verdict,
        RuleVerdict::NotRun("there is no log of commits here: it is of tables, and so is this rule".to_owned())
    );
    // Mean 100, standard deviation of the sample 10: (10² + 10² + 10² + 10² + 0) / 4 = 100.
    let before = [90, 110, 90, 110, 100, 7_777];
    let with = |newest: u64| verdict(&[&[newest], before.as_slice()].concat());
    assert_eq!(with(120).figure, Some(Figure::Real(2.0)));
    assert_eq!(with(120).verdict, RuleVerdict::Passed);
    assert_eq!(with(121).verdict, RuleVerdict::Failed);
    assert_eq!(with(70).figure, Some(Figure::Real(3.0)));
    assert!(matches!(verdict(&[1, 2, 3, 4, 5]).verdict, RuleVerdict::NotRun(_)));
    assert_eq!(verdict(&[5, 5, 5, 5, 5, 5]).verdict, RuleVerdict::Passed);
    assert_eq!(verdict(&[6, 5, 5, 5, 5, 5]).verdict, RuleVerdict::Failed);
    // Where there were more commits than the log can tell, fewer than were asked for are no answer.
    assert_eq!(told(&[6, 5, 5, 5, 5, 5], true).verdict, RuleVerdict::Failed);
    assert!(matches!(told(&[6, 5, 5, 5, 5], true).verdict, RuleVerdict::NotRun(why) if why.contains("4 of the 5")));
}
