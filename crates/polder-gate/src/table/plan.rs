//! A contract's rules, compiled for whole tables: what is counted, and which rule asks for which figure.

use arrow::datatypes::{DataType, SchemaRef};
use polder_contract::rule::{Metric, PathStep, RowCheck, RowTest, Rule, RuleKind};
use polder_contract::{ColumnType, DatasetContract, SchemaObject};
use polder_core::{DatasetName, Error, Result};

use crate::check::Check;
use crate::gate::refusal;
use crate::row_tests::CompiledTest;
use crate::schema::arrow_schema;

/// Everything that a check of a table knows before it sees the table.
pub(crate) struct Plan {
    pub(crate) contract: DatasetContract,
    /// The contract's columns.
    pub(crate) schema: SchemaRef,
    /// Every declared rule, with what answers it.
    pub(crate) rules: Vec<(Rule, Measure)>,
    /// Whether rows are judged too: then the columns' types are.
    pub(crate) judges_rows: bool,
    /// Rows that fail a test are counted, for each of these.
    pub(crate) counted: Vec<Counted>,
    /// Keys whose fingerprints are gathered.
    pub(crate) keys: Vec<Vec<Vec<PathStep>>>,
    /// Columns whose greatest value is looked for, by their places in the contract.
    pub(crate) newest: Vec<usize>,
}

/// What answers a rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    /// The rows that fail a test, by its place in [`Plan::counted`].
    Count(usize),
    /// All rows.
    Rows,
    /// Rows beyond the first of each key, by its place in [`Plan::keys`].
    Duplicates(usize),
    /// Rows whose key is not in another dataset.
    Orphans {
        key: usize,
        dataset: DatasetName,
        to: Vec<String>,
    },
    /// The age of a column's newest value, by its place in [`Plan::newest`].
    Age(usize),
    /// What a query gives.
    Query(String),
    /// How far the newest commit's rows are from those of so many before it.
    Volume(u32),
    /// Nothing here.
    Nothing(String),
}

/// A test whose failing rows are counted.
pub(crate) struct Counted {
    pub(crate) test: RowTest,
    /// The column that it is about alone, by its place in the contract.
    pub(crate) column: Option<usize>,
    pub(crate) how: HowCounted,
}

/// The cheapest way to find the rows that fail a test.
pub(crate) enum HowCounted {
    /// Nulls of a column.
    Nulls,
    /// A range of a column: where its least and its greatest value keep it, all do.
    Range(Check),
    /// A test of a column's texts: each text of a batch is looked at once.
    Text(Check),
    /// A test of a column's values.
    Value(Check),
    /// A test of values inside others, or of several columns.
    Row(CompiledTest),
}

impl Plan {
    pub(crate) fn compile(contract: &DatasetContract, judges_rows: bool) -> Result<Self> {
        Self::compile_where(contract, judges_rows, |_| true)
    }

    /// The same with those rules only that are wanted.
    pub(crate) fn compile_where(
        contract: &DatasetContract,
        judges_rows: bool,
        wanted: impl Fn(&Rule) -> bool,
    ) -> Result<Self> {
        let schema = arrow_schema(contract.object())?;
        let mut plan = Self {
            contract: contract.clone(),
            schema,
            rules: Vec::new(),
            judges_rows,
            counted: Vec::new(),
            keys: Vec::new(),
            newest: Vec::new(),
        };
        let mut problems = Vec::new();
        for rule in contract.rules().map_err(Error::document)? {
            if (!judges_rows && matches!(rule.kind, RuleKind::Row(_))) || !wanted(&rule) {
                continue;
            }
            match plan.measure(contract.object(), &rule) {
                Ok(measure) => plan.rules.push((rule, measure)),
                Err(why) => problems.push(refusal(contract, &rule, &why)),
            }
        }
        if problems.is_empty() {
            Ok(plan)
        } else {
            Err(Error::document(problems))
        }
    }

    fn measure(&mut self, object: &SchemaObject, rule: &Rule) -> std::result::Result<Measure, String> {
        let set = match &rule.kind {
            RuleKind::NotRun { why } => return Ok(Measure::Nothing(why.clone())),
            RuleKind::Row(test) => return self.count(object, test.clone()).map(Measure::Count),
            RuleKind::Set(set) => set,
        };
        let value = |column: &str, check: RowCheck| {
            let path = object
                .path(column)
                .ok_or_else(|| format!("there is no value `{column}`"))?;
            Ok::<_, String>(RowTest::Value { path, check })
        };
        Ok(match &set.metric {
            Metric::Rows => Measure::Rows,
            Metric::Nulls { column } => Measure::Count(self.count(object, value(column, RowCheck::Required)?)?),
            Metric::Missing { column, values } => {
                Measure::Count(self.count(object, value(column, RowCheck::NotMissing(values.clone()))?)?)
            }
            Metric::Invalid { column, checks } => {
                let check = match checks.as_slice() {
                    [only] => only.clone(),
                    checks => RowCheck::All(checks.to_vec()),
                };
                Measure::Count(self.count(object, value(column, check)?)?)
            }
            Metric::Duplicates { columns } => match self.key(object, columns)? {
                Ok(key) => Measure::Duplicates(key),
                Err(why) => Measure::Nothing(why),
            },
            Metric::Orphans { columns, dataset, to } => match self.key(object, columns)? {
                Ok(key) => Measure::Orphans {
                    key,
                    dataset: dataset.clone(),
                    to: to.clone(),
                },
                Err(why) => Measure::Nothing(why),
            },
            Metric::Sql { query } => Measure::Query(query.clone()),
            Metric::Freshness { column, .. } => {
                let place = self
                    .schema
                    .index_of(column)
                    .map_err(|_| format!("there is no column `{column}`"))?;
                if !matches!(
                    self.schema.field(place).data_type(),
                    DataType::Timestamp(..) | DataType::Date32
                ) {
                    return Err(format!("`{column}` is no date or timestamp, so its values have no age"));
                }
                Measure::Age(position(&mut self.newest, place))
            }
            Metric::Volume { commits, .. } => Measure::Volume(*commits),
        })
    }

    /// Whether a rule asks how many rows repeat a key.
    pub(crate) fn asks_for_duplicates(&self, key: usize) -> bool {
        let asked = Measure::Duplicates(key);
        self.rules.iter().any(|(_, measure)| *measure == asked)
    }

    /// The place of a test in the list of those that are counted.
    fn count(&mut self, object: &SchemaObject, test: RowTest) -> std::result::Result<usize, String> {
        if let Some(known) = self.counted.iter().position(|counted| counted.test == test) {
            return Ok(known);
        }
        let column = match &test {
            RowTest::Value { path, .. } => match path.as_slice() {
                [PathStep::Field(name)] => self.schema.index_of(name).ok(),
                _ => None,
            },
            RowTest::Sql(_) => None,
        };
        let how = match (column, &test) {
            (Some(column), RowTest::Value { check, .. }) => {
                let property = &object.properties[column];
                let column_type = property.column_type().map_err(|error| error.to_string())?;
                of_column(check, &column_type)?
            }
            _ => None,
        };
        let how = match how {
            Some(how) => how,
            None => HowCounted::Row(CompiledTest::compile(&test, object, &self.schema)?),
        };
        let column = column.filter(|_| !matches!(how, HowCounted::Row(_)));
        self.counted.push(Counted { test, column, how });
        Ok(self.counted.len() - 1)
    }

    /// The place of a key in the list of those that are gathered; or why a row has no such key.
    fn key(
        &mut self,
        object: &SchemaObject,
        columns: &[String],
    ) -> std::result::Result<std::result::Result<usize, String>, String> {
        let mut paths = Vec::new();
        for column in columns {
            let path = object
                .path(column)
                .ok_or_else(|| format!("there is no value `{column}`"))?;
            if let Some(why) = object.no_key(&path) {
                return Ok(Err(why));
            }
            match object.value(&path).map(|property| property.column_type()) {
                Some(Ok(_)) => paths.push(path),
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err(format!("there is no value `{column}`")),
            }
        }
        Ok(Ok(position(&mut self.keys, paths)))
    }
}

/// The way to count what fails a check of a column; nothing where only a row test knows the column's kind.
fn of_column(check: &RowCheck, column: &ColumnType) -> std::result::Result<Option<HowCounted>, String> {
    if *check == RowCheck::Required {
        return Ok(Some(HowCounted::Nulls));
    }
    let range = matches!(
        check,
        RowCheck::Minimum { .. } | RowCheck::Maximum { .. } | RowCheck::Width(_)
    );
    Ok(match column {
        ColumnType::String => Some(HowCounted::Text(Check::compile(check, column)?)),
        ColumnType::Int32
        | ColumnType::Int64
        | ColumnType::Decimal { .. }
        | ColumnType::Date
        | ColumnType::Timestamp
        | ColumnType::TimestampLocal
        | ColumnType::Float64
            if range =>
        {
            Some(HowCounted::Range(Check::compile(check, column)?))
        }
        ColumnType::List(_) | ColumnType::Struct(_) | ColumnType::Map(..) => None,
        _ => Some(HowCounted::Value(Check::compile(check, column)?)),
    })
}

/// The place of a thing in a list, where it is put unless it is there.
fn position<T: PartialEq>(list: &mut Vec<T>, thing: T) -> usize {
    match list.iter().position(|known| *known == thing) {
        Some(place) => place,
        None => {
            list.push(thing);
            list.len() - 1
        }
    }
}
