//! Queries whose text is as it was and whose columns mean the same, but are of other types: what is done with their values
//! may be something else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::Analyzer;
use polder_core::DatasetName;
use polder_query::lineage::{DISTINCT, Dependency, Kind, Origins, TRY_CAST, Tracer, Use, dataset_of, is_narrow};

use super::DatasetColumn;
use super::altered::Part;
use super::renamed::Renamed;

/// Something that is done with the values of a column, which are of another kind than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retyped {
    /// The column, by the name that it had.
    pub column: DatasetColumn,
    /// What is done: an operator, a function, a clause.
    pub by: Arc<str>,
    /// As what it took the values; nothing where it was not done.
    pub was: Option<Kind>,
    /// As what it takes them; nothing where it is not done any more.
    pub is: Option<Kind>,
}

/// What is done with values of columns.
type Uses = BTreeSet<(DatasetColumn, Use)>;

/// A query's plan, to ask what it does with values.
#[derive(Debug, Clone)]
pub(super) struct Typed(LogicalPlan);

impl Typed {
    pub(super) fn of(plan: &LogicalPlan) -> Self {
        Self(plan.clone())
    }

    /// The columns of the datasets that the query reads.
    fn sources(&self) -> PlanResult<BTreeMap<DatasetName, SchemaRef>> {
        let mut sources = BTreeMap::new();
        self.0.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(dataset) = dataset_of(&scan.table_name)
            {
                sources.insert(dataset, scan.source.schema());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(sources)
    }

    /// What is done for each part of what the query gives, once all types are settled; and which columns are handed on as
    /// they are.
    fn uses(&self) -> PlanResult<(BTreeMap<Part, Uses>, BTreeSet<DatasetColumn>)> {
        let plan = Analyzer::new().execute_and_check(self.0.clone(), &ConfigOptions::default(), |_, _| {})?;
        let mut tracer = Tracer::of_uses();
        let traced = tracer.query(&plan)?;
        let named = |origins: &Origins| -> Uses {
            let uses = origins.uses();
            uses.filter_map(|(id, by)| Some((tracer.columns().get(id)?.clone(), by.clone())))
                .collect()
        };
        let mut made = BTreeMap::from([(Part::Rows, named(&traced.rows))]);
        let mut handed_on = BTreeSet::new();
        for (field, origins) in plan.schema().fields().iter().zip(&traced.columns) {
            made.insert(Part::Column(field.name().clone()), named(origins));
            let same = origins.iter().filter(|(_, how)| how.has(Dependency::Identity));
            handed_on.extend(same.filter_map(|(id, _)| tracer.columns().get(id).cloned()));
        }
        Ok((made, handed_on))
    }
}

/// What of the parts of a query is done with values of other kinds than before.
///
/// # Errors
/// The engine's, for plans that contradict themselves.
pub(super) fn retyped(before: &Typed, now: &Typed, renamed: &Renamed) -> PlanResult<BTreeMap<Part, Vec<Retyped>>> {
    let (were, are) = (before.sources()?, now.sources()?);
    let differ =
        |(dataset, was): (&DatasetName, &SchemaRef)| are.get(dataset).is_some_and(|is| types(was) != types(is));
    if !were.iter().any(differ) {
        return Ok(BTreeMap::new());
    }
    let ((old, old_handed_on), (new, handed_on)) = (before.uses()?, now.uses()?);
    let mut found = BTreeMap::new();
    for (part, was) in &old {
        let Some(is) = new.get(part) else { continue };
        // By the names of before.
        let by_old_names = is.iter().filter_map(|(column, by)| {
            let dataset = &column.dataset;
            let called = |path: &str| {
                let column = DatasetColumn {
                    dataset: dataset.clone(),
                    column: path.to_owned(),
                };
                let before = renamed.before(&column)?.column;
                Some(before.rsplit(['.', ']']).next().unwrap_or(&before).to_owned())
            };
            let of = by.of.clone().with_names(&column.column, &called);
            Some((
                renamed.before(column)?,
                Use {
                    by: Arc::clone(&by.by),
                    of,
                },
            ))
        });
        let is: Uses = by_old_names.collect();
        let mut news: BTreeMap<(&DatasetColumn, &str), Retyped> = BTreeMap::new();
        let is_news = |column: &DatasetColumn, by: &Use, gone: bool| {
            // That rows are told apart by other values is no news where these are given themselves: a number is the same number,
            // and any other type is another one there too. But of a day there are many instants.
            let is_day = matches!(by.of, Kind::Date | Kind::Timestamp | Kind::LocalTimestamp);
            let given = handed_on.contains(column) && old_handed_on.contains(column);
            let shown = &*by.by == DISTINCT && given && !is_day;
            if shown {
                return false;
            }
            let both = both_types(column, &were, &are, renamed);
            // All else that is done with others is by those that are of another kind.
            let Some((old, new)) = both.filter(|(old, new)| is_other(old, new)) else {
                return false;
            };
            let said = |others: &Uses, same: &dyn Fn(&Kind) -> bool| {
                let first = Use {
                    by: Arc::clone(&by.by),
                    of: Kind::Boolean,
                };
                let others = others.range((column.clone(), first)..);
                let mut others = others.take_while(|(other, their)| other == column && their.by == by.by);
                others.any(|(_, their)| same(&their.of))
            };
            let is_said = match gone {
                true => said(&is, &|new_of| is_as_good(&by.by, (&by.of, new_of), (&old, &new))),
                false => said(was, &|old_of| is_as_good(&by.by, (old_of, &by.of), (&old, &new))),
            };
            !is_said
        };
        let gone = was
            .difference(&is)
            .map(|(column, by)| (column, by, (Some(&by.of), None)));
        let come = is
            .difference(was)
            .map(|(column, by)| (column, by, (None, Some(&by.of))));
        for (column, by, (was, is)) in gone
            .chain(come)
            .filter(|(column, by, (was, _))| is_news(column, by, was.is_some()))
        {
            let one = news.entry((column, &by.by)).or_insert_with(|| Retyped {
                column: column.clone(),
                by: Arc::clone(&by.by),
                was: None,
                is: None,
            });
            one.was = one.was.take().or_else(|| was.cloned());
            one.is = one.is.take().or_else(|| is.cloned());
        }
        if !news.is_empty() {
            found.insert(part.clone(), news.into_values().collect());
        }
    }
    Ok(found)
}

fn types(schema: &SchemaRef) -> Vec<(&str, &DataType)> {
    let fields = schema.fields().iter();
    fields.map(|field| (field.name().as_str(), field.data_type())).collect()
}

/// Whether values are of another kind now, or have less room.
fn is_other(old: &DataType, new: &DataType) -> bool {
    Kind::of(old) != Kind::of(new) || (is_narrow(new) && !is_narrow(old))
}

/// Whether one use asks the same of each value of a column as it does of another kind now, with the types that the column had
/// and has.
fn is_as_good(by: &str, (was, is): (&Kind, &Kind), (old, new): (&DataType, &DataType)) -> bool {
    if by == TRY_CAST {
        // Text that said a number with a fraction gave nothing; but what says a whole number gives it.
        let (old, new) = (Kind::of(old), Kind::of(new));
        let parts = |one: &Kind, other: &Kind| *one == Kind::Text && other.has_fractions();
        return !parts(&old, &new) && !parts(&new, &old);
    }
    match (was, is) {
        // A result has more room.
        (Kind::Narrow, Kind::Exact) => true,
        // A double holds each of these whole numbers.
        (Kind::Exact, Kind::Approximate) | (Kind::Approximate, Kind::Exact) => is_narrow(old) || is_narrow(new),
        _ => false,
    }
}

/// The types that a column (by its old name) had and has.
fn both_types(
    column: &DatasetColumn,
    were: &BTreeMap<DatasetName, SchemaRef>,
    are: &BTreeMap<DatasetName, SchemaRef>,
    renamed: &Renamed,
) -> Option<(DataType, DataType)> {
    let was = were
        .get(&column.dataset)
        .and_then(|schema| at(schema, &column.column))?;
    let fields = are.get(&column.dataset)?.fields().iter();
    let mut now = fields.flat_map(|field| paths(field.name(), field.data_type()));
    let (_, is) = now.find(|(path, _)| {
        let now = DatasetColumn {
            dataset: column.dataset.clone(),
            column: path.clone(),
        };
        renamed.before(&now).as_ref() == Some(column)
    })?;
    Some((was, is))
}

/// The type at a path.
fn at(schema: &SchemaRef, path: &str) -> Option<DataType> {
    let fields = schema.fields().iter();
    let mut paths = fields.flat_map(|field| paths(field.name(), field.data_type()));
    paths.find(|(own, _)| own == path).map(|(_, kind)| kind)
}

/// The paths of a column and of all values in it, each with its type.
pub(crate) fn paths(path: &str, kind: &DataType) -> Vec<(String, DataType)> {
    let mut all = vec![(path.to_owned(), kind.clone())];
    match kind {
        DataType::Struct(fields) => {
            let inside = fields.iter();
            all.extend(inside.flat_map(|field| paths(&format!("{path}.{}", field.name()), field.data_type())));
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            all.extend(paths(&format!("{path}[]"), item.data_type()));
        }
        DataType::Map(entries, _) => {
            if let DataType::Struct(entry) = entries.data_type() {
                let names = ["key", "value"];
                let inside = names.iter().zip(entry.iter());
                all.extend(inside.flat_map(|(name, field)| paths(&format!("{path}.{name}"), field.data_type())));
            }
        }
        _ => {}
    }
    all
}
