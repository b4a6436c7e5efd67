//! How often the queries of rules are asked while a commit is judged: they may be dear, or never end.

use std::sync::Mutex;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use polder_contract::rule::Figure;
use polder_core::{DatasetName, Error};
use polder_gate::table::Queries;

use super::*;

/// Answers a query by the word in it, and notes each time that it is asked.
#[derive(Default)]
struct Counting(Mutex<BTreeMap<&'static str, usize>>);

#[async_trait]
impl Queries for Counting {
    async fn figure(&self, sql: &str, _column: Option<&str>, _table: Arc<dyn TableProvider>) -> Result<Figure> {
        let word = ["endless", "broken", "kept"]
            .into_iter()
            .find(|word| sql.contains(word));
        let word = word.unwrap();
        *self.0.lock().unwrap().entry(word).or_default() += 1;
        match word {
            "endless" => Err(Error::new(ErrorKind::Refused, "it takes more than 60 seconds")),
            "broken" => Ok(Figure::Whole(3)),
            _ => Ok(Figure::Whole(0)),
        }
    }

    async fn provider(&self, _dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(None)
    }
}

/// A contract with one query that must give 0 for each of these words.
fn asking(words: &[&str]) -> DatasetContract {
    let rules = words.iter().map(|word| {
        format!(
            "      - {{name: {word}, type: sql, query: \"SELECT count(*) FROM {{object}} AS {word}\", mustBe: 0}}\n"
        )
    });
    declared("", &format!("    quality:\n{}", rules.collect::<String>()))
}

#[tokio::test]
async fn only_a_rule_that_gave_a_figure_is_asked_again_of_the_table_without_the_new_rows() {
    type Asked<'a> = &'a [(&'a str, usize)];
    let cases: [(&[&str], bool, Asked<'_>); 4] = [
        (&["kept"], true, &[("kept", 1)]),
        // Nothing excuses a query that gives no figure, so the table as it is says nothing about it.
        (&["endless", "kept"], false, &[("endless", 1), ("kept", 1)]),
        (
            &["endless", "broken", "kept"],
            false,
            &[("broken", 2), ("endless", 1), ("kept", 1)],
        ),
        (&["broken", "kept"], true, &[("broken", 2), ("kept", 1)]),
    ];
    for (words, lands, asked) in cases {
        let lake = lake();
        build(&mut pipeline(&lake, &declared("", "")).await, &[1], false)
            .await
            .unwrap();
        let queries = Arc::new(Counting::default());
        let mut delivery = pipeline(&lake, &asking(words)).await.with_queries(queries.clone());
        let built = build(&mut delivery, &[2], false).await;
        match &built {
            Ok(receipt) => assert_eq!(
                receipt.remarks.contains_key("broken"),
                words.contains(&"broken"),
                "{words:?}"
            ),
            Err(error) => assert_eq!(error.kind(), ErrorKind::CheckFailed, "{words:?}: {error}"),
        }
        assert_eq!(built.is_ok(), lands, "{words:?}");
        let times = queries.0.lock().unwrap().clone();
        assert_eq!(times, asked.iter().copied().collect(), "{words:?}");
    }
}
