//! However a table is read, its rows give one figure: the gate's, whole or in pieces, by statistics, commit by commit.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The gate judges row by row, a table's check counts: no rule may tell them apart.
    #[test]
    fn failing_rows_are_those_that_the_gate_finds(rows in rows(), size in 1usize..12) {
        let contract = rich();
        let verdict = Gate::compile(&contract).unwrap().check(&rows).unwrap();
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for violation in verdict.violations.iter().chain(&verdict.warnings) {
            *expected.entry(violation.rule.to_string()).or_default() += 1;
        }
        let check = TableCheck::compile(&contract).unwrap();
        let report = report(&check, table(pieces(&rows, size)), &NoFacts, &NoQueries);
        let gate = Gate::compile(&contract).unwrap();
        for rule in gate.rules() {
            let found = result(&report, &rule.id);
            let failing = expected.get(&rule.id).copied().unwrap_or_default();
            prop_assert_eq!(found.failing_rows, Some(failing), "{}", &rule.id);
            prop_assert_eq!(found.verdict == RuleVerdict::Passed, failing == 0, "{}", &rule.id);
        }
    }

    #[test]
    fn statistics_and_encodings_and_splits_change_no_figure(rows in rows(), size in 1usize..12) {
        let check = TableCheck::compile(&rich()).unwrap();
        let plain = report(&check, table(vec![vec![rows.clone()]]), &NoFacts, &NoQueries);
        let known = report(&check, table(vec![vec![rows.clone()]]), &TrueFacts(rows.clone()), &NoQueries);
        prop_assert_eq!(outcome(&plain), outcome(&known));
        prop_assert_eq!(result(&known, "id.required").how, How::Statistics);
        prop_assert_eq!(result(&known, "fresh").how, How::Statistics);
        let split = report(&check, table(pieces(&rows, size)), &NoFacts, &NoQueries);
        prop_assert_eq!(outcome(&plain), outcome(&split));
        for text in [DataType::Utf8View, DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8))] {
            let columns = rows.schema().fields().iter().zip(rows.columns()).map(|(field, column)| {
                let column = if field.name() == "code" { cast(column, &text).unwrap() } else { Arc::clone(column) };
                (field.name().clone(), column, true)
            }).collect::<Vec<_>>();
            let encoded = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
            let found = report(&check, table(pieces(&encoded, size)), &NoFacts, &NoQueries);
            prop_assert_eq!(outcome(&plain), outcome(&found));
        }
    }

    #[test]
    fn existing_rows_and_new_ones_make_the_whole_table(rows in rows(), at in 0usize..40) {
        let check = TableCheck::compile(&rich()).unwrap();
        let at = at.min(rows.num_rows());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let found = runtime.block_on(async {
            let mut existing = check.state();
            scan_into(&check, &table(vec![vec![rows.slice(0, at)]]), &mut existing).await.unwrap();
            let mut all = existing.clone();
            all.push(&rows.slice(at, rows.num_rows() - at)).unwrap();
            assert_eq!(existing.rows(), at as u64);
            check.report(all, None, &NoFacts, &NoQueries, noon()).await.unwrap()
        });
        let whole = report(&check, table(vec![vec![rows]]), &NoFacts, &NoQueries);
        prop_assert_eq!(outcome(&found), outcome(&whole));
    }

    #[test]
    fn duplicates_are_counted_beyond_the_first_of_each_key(rows in rows(), size in 1usize..12) {
        let contract = rich();
        let keys = Keys::of(&contract).unwrap();
        prop_assert_eq!(keys.len(), 1);
        let (mut seen, mut expected) = (HashSet::new(), 0);
        let mut fingerprints = HashMap::new();
        let hashes = keys[0].fingerprints(&rows).unwrap();
        let ids = rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().iter();
        for (id, fingerprint) in ids.zip(hashes) {
            prop_assert_eq!(id.is_some(), fingerprint.is_some());
            let (Some(id), Some(fingerprint)) = (id, fingerprint) else { continue };
            expected += u64::from(!seen.insert(id));
            prop_assert_eq!(*fingerprints.entry(id).or_insert(fingerprint), fingerprint);
        }
        for memory in [0, 1 << 20] {
            let check = TableCheck::compile(&contract).unwrap().with_memory(memory);
            let report = report(&check, table(pieces(&rows, size)), &NoFacts, &NoQueries);
            prop_assert_eq!(result(&report, "id.unique").failing_rows, Some(expected));
        }
    }
}

/// Each commit of a stream is judged on a copy of what was read, with the rows that are to come.
#[test]
fn commit_after_commit_finds_what_a_whole_reading_finds() {
    const ROWS: i64 = 70_000;
    let id = "{name: id, logicalType: integer, physicalType: bigint, \
               quality: [{metric: duplicateValues, mustBeLessThan: 1000000}]}";
    for memory in [1 << 20, 1 << 30] {
        let check = TableCheck::compile(&contract(&[id], &[])).unwrap().with_memory(memory);
        let mut landed = check.state();
        for commit in 0..4 {
            // Two fifths of each commit's keys are in the one before.
            let first = commit * ROWS * 3 / 5;
            let mut fresh = check.state();
            fresh
                .push(&integers("id", (first..first + ROWS).map(Some).collect()))
                .unwrap();
            landed.settle().unwrap();
            let mut would_be = landed.clone();
            would_be.merge(fresh.clone()).unwrap();
            let report = futures::executor::block_on(check.report(would_be, None, &NoFacts, &NoQueries, noon()));
            let found = result(&report.unwrap(), "id.duplicateValues").failing_rows;
            assert_eq!(found, Some((commit * ROWS * 2 / 5) as u64), "{memory} {commit}");
            landed.merge(fresh).unwrap();
        }
    }
}
