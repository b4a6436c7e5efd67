//! Datasets, and files that could become datasets, held against their contracts: the rows as they are, all rules in
//! one pass, and on request the rows that break them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use polder_contract::DatasetContract;
use polder_contract::rule::{Rule, RuleKind};
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt, clock};
use polder_gate::table::{Facts, How, NoFacts, RuleResult, RuleVerdict, TableCheck, TableReport, check_table};
use polder_gate::{Gate, Violation};
use polder_lake::Version;
use polder_query::{RuleQueries, Session, query_error};

use crate::engine::Engine;

/// What holding a table against its contract found.
#[derive(Debug, Clone)]
pub struct Verification {
    /// The contract.
    pub contract: DatasetContract,
    /// The version of the dataset's table; none for a file, and where the dataset has no table yet.
    pub version: Option<u64>,
    /// Every declared rule with its verdict. Without a table nothing was run.
    pub report: TableReport,
    /// The first rows that break a rule about rows, as many for each rule as were asked for.
    pub failing: Vec<FailingRow>,
}

/// A row that breaks rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingRow {
    /// The rule.
    pub rule: String,
    /// What is wrong with the value, in words.
    pub reason: String,
    /// The row's contract columns as a JSON object.
    pub row: String,
}

impl Engine {
    /// Holds a dataset against its contract, at a version of its table.
    ///
    /// `show` is how many failing rows are wanted for each rule about rows; with 0 the rows are read at most once.
    ///
    /// # Errors
    /// `NotFound` for a dataset without a contract, or a version that is not there; `Document` for a contract that
    /// cannot be compiled; what the lake reports.
    pub async fn verify(&self, dataset: &DatasetName, version: Version, show: usize) -> Result<Verification> {
        let contract = self.contract(dataset)?;
        let check = TableCheck::compile(&contract)?;
        let Some(table) = self.lake.load_at(dataset, version).await? else {
            return Ok(Verification {
                report: without_table(&contract)?,
                contract,
                version: None,
                failing: Vec::new(),
            });
        };
        let facts = polder_delivery::LogFacts::of(&table, check.recent_commits()).await?;
        let mut verification = verify(&self.session, contract, &check, table.view_provider()?, &facts, show).await?;
        verification.version = Some(table.version());
        Ok(verification)
    }
}

/// Holds a Parquet file against a contract, as [`Engine::verify`] does a dataset.
///
/// # Errors
/// `NotFound` where there is no such file; `Document` for a contract that cannot be compiled; `Data` for a file that
/// cannot be read.
pub async fn verify_file(
    session: &Session,
    contract: DatasetContract,
    file: &Path,
    show: usize,
) -> Result<Verification> {
    let check = TableCheck::compile(&contract)?;
    let provider = parquet(session.context(), file).await?;
    verify(session, contract, &check, provider, &NoFacts, show).await
}

async fn verify(
    session: &Session,
    contract: DatasetContract,
    check: &TableCheck,
    provider: Arc<dyn TableProvider>,
    facts: &dyn Facts,
    show: usize,
) -> Result<Verification> {
    let queries = RuleQueries::new(session, &contract);
    let report = check_table(check, Arc::clone(&provider), facts, &queries, clock::now()).await?;
    let broken = report.results.iter().any(|result| result.failing_rows > Some(0));
    let failing = match show {
        0 => Vec::new(),
        _ if !broken => Vec::new(),
        limit => failing_rows(session, &contract, provider, &report, limit).await?,
    };
    Ok(Verification {
        contract,
        version: None,
        report,
        failing,
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
        measured: None,
        says: rule.says,
        note: None,
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

async fn parquet(context: &SessionContext, file: &Path) -> Result<Arc<dyn TableProvider>> {
    if !file.is_file() {
        let message = format!("there is no file {}", file.display());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let path = file.to_str().ok_or_else(|| {
        let message = format!("the path {} is not Unicode", file.display());
        Error::new(ErrorKind::Usage, message)
    })?;
    let failure =
        |cause| Error::new(ErrorKind::Data, format!("{} cannot be read as Parquet", file.display())).with_source(cause);
    // As views, texts that occur again and again are looked at once.
    let format = ParquetFormat::default().with_force_view_types(true);
    let options = ListingOptions::new(Arc::new(format)).with_file_extension("");
    let config = ListingTableConfig::new(ListingTableUrl::parse(path).map_err(failure)?)
        .with_listing_options(options)
        .infer_schema(&context.state())
        .await
        .map_err(failure)?;
    Ok(Arc::new(ListingTable::try_new(config).map_err(failure)?))
}

/// The first rows that break each rule about rows of which the report counted any. Columns whose type cannot become the
/// contract's are not judged, and neither are rules that read them.
async fn failing_rows(
    session: &Session,
    contract: &DatasetContract,
    provider: Arc<dyn TableProvider>,
    report: &TableReport,
    limit: usize,
) -> Result<Vec<FailingRow>> {
    let broken: BTreeSet<&str> = report
        .results
        .iter()
        .filter(|result| result.failing_rows > Some(0))
        .map(|result| result.rule.as_str())
        .collect();
    let refused: BTreeSet<&str> = report.refused_columns().collect();
    let gate = Gate::compile(contract)?;
    let frame = session.context().read_table(provider).map_err(query_error)?;
    let mut batches = frame.execute_stream().await.map_err(query_error)?;
    let mut found: Vec<FailingRow> = Vec::new();
    let mut counted = BTreeMap::<Arc<str>, usize>::new();
    while let Some(batch) = batches.try_next().await.map_err(query_error)? {
        let verdict = gate.check(&without(&batch, &refused)?)?;
        let wanted: Vec<&Violation> = verdict
            .violations
            .iter()
            .chain(&verdict.warnings)
            .filter(|violation| broken.contains(violation.rule.as_ref()))
            .filter(|violation| {
                let count = counted.entry(Arc::clone(&violation.rule)).or_default();
                *count += 1;
                *count <= limit
            })
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let rows: Vec<usize> = wanted.iter().map(|violation| violation.row).collect();
        let texts = polder_delivery::json_rows(&batch, &rows)?;
        found.extend(wanted.into_iter().zip(texts).map(|(violation, row)| FailingRow {
            rule: violation.rule.to_string(),
            reason: violation.reason.clone(),
            row,
        }));
    }
    Ok(found)
}

/// The batch without these columns.
fn without(batch: &RecordBatch, columns: &BTreeSet<&str>) -> Result<RecordBatch> {
    let schema = batch.schema();
    let kept: Vec<usize> = (0..batch.num_columns())
        .filter(|place| !columns.contains(schema.field(*place).name().as_str()))
        .collect();
    batch
        .project(&kept)
        .context(ErrorKind::Internal, || "columns cannot be left out".to_owned())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, StringArray, TimestampNanosecondArray};
    use datafusion::datasource::MemTable;
    use polder_core::document::Source;
    use polder_query::SessionOptions;

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
        let found = verify(&session, contract, &check, table, &NoFacts, 5).await.unwrap();
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
        let shown: Vec<_> = found
            .failing
            .iter()
            .map(|row| (row.rule.as_str(), row.row.as_str()))
            .collect();
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert_eq!(shown[0].0, "id.maxLength");
        assert!(shown[0].1.contains("R-1000"), "{shown:?}");
    }
}
