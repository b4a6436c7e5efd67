//! Datasets, and files that could become datasets, held against their contracts: the rows as they are, all rules in
//! one pass, and on request the rows that break them.

mod belief;
mod bringing;
mod failing;
mod file;
mod folders;
mod given;
mod lines;
mod parquet;
mod rows;
mod together;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use polder_contract::DatasetContract;
use polder_contract::rule::{Rule, RuleKind};
use polder_core::{DatasetName, Error, Result, clock};
use polder_delivery::Discretion;
use polder_gate::table::{Facts, How, Queries, RuleResult, RuleVerdict, TableCheck, TableReport, check_table};
use polder_lake::Version;
use polder_query::RuleQueries;

use crate::engine::Engine;

pub use failing::FailingRow;
pub use file::verify_files;

/// What holding a table against its contract found.
#[derive(Debug, Clone)]
pub struct Verification {
    /// The contract.
    pub contract: DatasetContract,
    /// The version of the dataset's table; none for files, and where the dataset has no table yet, or one in which no row
    /// ever was.
    pub version: Option<u64>,
    /// Every declared rule with its verdict, without what not everybody may see. Without a table nothing was run.
    pub report: TableReport,
    /// The first rows that break a rule that does not hold and of which they are counted, as many for each rule as were
    /// asked for; by the rules' order in the report. Of a key's duplicates the first row is none of them.
    pub failing: Vec<FailingRow>,
    /// Columns of the contract that no file has: they count as nulls. Not told of tables.
    pub lacking: Vec<String>,
    /// Columns of files that the contract does not know, and fields inside of its columns with their way (`spec.weight`):
    /// nobody looked at them. Not told of tables.
    pub unknown: Vec<String>,
}

impl Engine {
    /// Holds a dataset against its contract, at a version of its table. The newest version of a table that never had a row,
    /// because everything that came was refused, is as good as none.
    ///
    /// `show` is how many failing rows are wanted for each rule; with 0 the rows are read at most once.
    ///
    /// # Errors
    /// `NotFound` for a dataset without a contract, or a version that is not there; `Document` for a contract that
    /// cannot be compiled; what the lake reports.
    pub async fn verify(&self, dataset: &DatasetName, version: Version, show: usize) -> Result<Verification> {
        let contract = self.contract(dataset)?;
        let check = TableCheck::compile(&contract)?;
        let table = match self.lake.load_at(dataset, version).await? {
            // The first shipment or build made it and was refused: nobody's rows are judged there.
            Some(table) if version == Version::Latest && table.is_untouched().await? => None,
            table => table,
        };
        let Some(table) = table else {
            return Ok(Verification {
                report: without_table(&contract)?,
                contract,
                version: None,
                failing: Vec::new(),
                lacking: Vec::new(),
                unknown: Vec::new(),
            });
        };
        let facts = polder_delivery::LogFacts::of(&table, check.recent_commits()).await?;
        let queries = RuleQueries::new(&self.session, &contract);
        let mut verification = verify(
            contract,
            &check,
            table.view_provider()?,
            &facts,
            (&queries, &self.discretion),
            show,
        )
        .await?;
        verification.version = Some(table.version());
        Ok(verification)
    }
}

/// The report, and the rows that break its rules.
async fn verify(
    contract: DatasetContract,
    check: &TableCheck,
    provider: Arc<dyn TableProvider>,
    facts: &dyn Facts,
    (queries, discretion): (&dyn Queries, &Discretion),
    show: usize,
) -> Result<Verification> {
    let mut report = check_table(check, Arc::clone(&provider), facts, queries, clock::now()).await?;
    discretion
        .hide_figures(&contract, &mut report.results, queries, &provider)
        .await;
    let broken = report.results.iter().any(|result| failing::of(result).is_some());
    let failing = match show {
        0 => Vec::new(),
        _ if !broken => Vec::new(),
        limit => failing::rows(&contract, check, provider, &report, (queries, discretion), limit).await?,
    };
    Ok(Verification {
        contract,
        version: None,
        report,
        failing,
        lacking: Vec::new(),
        unknown: Vec::new(),
    })
}

/// Every declared rule, not run.
fn without_table(contract: &DatasetContract) -> Result<TableReport> {
    let result = |rule: Rule| RuleResult {
        rule: rule.id,
        column: rule.column,
        dimension: rule.dimension,
        severity: rule.severity,
        on_failure: rule.on_failure,
        verdict: RuleVerdict::NotRun(match rule.kind {
            RuleKind::NotRun { why } => why,
            RuleKind::Row(_) | RuleKind::Set(_) => "the dataset has no table yet".to_owned(),
        }),
        figure: None,
        figure_in_words: None,
        measured: None,
        says: rule.says,
        note: None,
        note_quotes: false,
        failing_rows: None,
        how: How::Scan,
        place: rule.place,
    };
    let rules = contract.rules().map_err(Error::document)?;
    Ok(TableReport {
        rows: None,
        results: rules.into_iter().map(result).collect(),
    })
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampNanosecondArray};
    use datafusion::datasource::MemTable;
    use polder_core::document::Source;
    use polder_gate::table::NoFacts;
    use polder_query::{Session, SessionOptions};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn failing_rows_are_shown_beside_a_column_whose_type_cannot_become_the_contracts() {
        let contract = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\n\
            schema:\n  - name: returns\n    physicalName: shop.bronze.returns\n    properties:\n\
            \x20     - {name: id, logicalType: string, logicalTypeOptions: {maxLength: 3}}\n\
            \x20     - {name: at, logicalType: timestamp, required: true}\n";
        let parsed = polder_contract::parse(&Source::new("contracts/shop/t.odcs.yaml", contract.to_owned()));
        let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
        let contract = DatasetContract { contract, object: 0 };
        // A time of no zone: nobody said which instant it is.
        let rows = RecordBatch::try_from_iter([
            ("id", Arc::new(StringArray::from(vec!["R-1", "R-1000"])) as ArrayRef),
            ("at", Arc::new(TimestampNanosecondArray::from(vec![1, 2])) as ArrayRef),
        ])
        .unwrap();
        let table = Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap());
        let session = Session::without_lake(&SessionOptions::default()).unwrap();
        let check = TableCheck::compile(&contract).unwrap();
        let found = verify(
            contract.clone(),
            &check,
            table,
            &NoFacts,
            (
                &RuleQueries::new(&session, &contract) as &dyn Queries,
                &Discretion::default(),
            ),
            5,
        )
        .await
        .unwrap();
        let verdict = |rule: &str| {
            let result = found.report.results.iter().find(|result| result.rule == rule);
            result.unwrap_or_else(|| panic!("{rule} is missing")).clone()
        };
        assert_eq!(verdict("at.type").verdict, RuleVerdict::Failed);
        assert_eq!(
            verdict("at.type").note.as_deref(),
            Some("the column is timestamp_ntz, the contract says timestamp")
        );
        assert!(matches!(verdict("at.required").verdict, RuleVerdict::NotRun(_)));
        let shown: Vec<_> = found.failing.iter().map(|row| (row.rule.as_str(), &row.row)).collect();
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert_eq!(shown[0].0, "id.maxLength");
        assert_eq!(shown[0].1["id"], "R-1000", "{shown:?}");
    }
}
