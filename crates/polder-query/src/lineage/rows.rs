//! What the rows of a plan are, and the plans that make rows of others': of lists, of themselves, of whatever an unknown node
//! is given.

use datafusion::common::Result;
use datafusion::logical_expr::{LogicalPlan, RecursiveQuery, Unnest};

use super::nature::Nature;
use super::origins::{Dependency, Origins};
use super::trace::{Scope, Traced, Tracer};

/// How often a recursive query is followed at most; each round only adds origins, and few tables feed one.
const MOST_ROUNDS: usize = 32;

/// What the rows of a plan are. What counts rows that no dataset holds says what chose them: of the numbers from 1 to 9999
/// as many are at most a secret as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Rows {
    /// At most one.
    #[default]
    One,
    /// Each is one of a dataset, or several of datasets together.
    Stored,
    /// The query makes them: from `VALUES`, a table function, a list, itself.
    Made,
}

impl Rows {
    /// Of rows of both, one below the other.
    pub(super) fn and_more(self, other: Self) -> Self {
        match (self, other) {
            (Self::Stored, Self::Stored) => Self::Stored,
            _ => Self::Made,
        }
    }
}

impl Tracer {
    /// A count of rows of datasets comes from nothing; one of other rows is a value like others, from what is counted and
    /// from what decides which `rows` there are.
    pub(super) fn excuse_counts(&self, computed: &mut [Origins], rows: &Origins, of: Rows) {
        if !self.counts_tell_nothing {
            return;
        }
        for count in computed.iter_mut().filter(|column| column.nature == Nature::Count) {
            if of != Rows::Made {
                *count = Origins::default();
                count.nature = Nature::Count;
                continue;
            }
            count.add(rows);
            if !count.is_empty() {
                count.nature = Nature::Value;
            }
        }
    }

    /// Each item of a list is a row, each field of a struct a column.
    pub(super) fn unnested(&mut self, unnest: &Unnest, around: Option<&Scope<'_>>) -> Result<Traced> {
        let input = self.plan(&unnest.input, around)?;
        let (mut rows, mut of) = (input.rows, input.of);
        let mut columns = Vec::with_capacity(unnest.dependency_indices.len());
        for (output, from) in unnest.dependency_indices.iter().enumerate() {
            let origins = input.columns.get(*from).cloned().unwrap_or_default();
            let list = unnest.list_type_columns.iter().filter(|(i, _)| i == from);
            let name = unnest.schema.field(output).name();
            let depth = list
                .clone()
                .find(|(_, list)| list.output_column.name == *name)
                .or_else(|| list.clone().next())
                .map(|(_, list)| list.depth);
            columns.push(match depth {
                Some(depth) => {
                    // The length of a list decides how many rows there are, as a lateral join would.
                    rows.add(&origins.clone().steering(Dependency::Join));
                    let items = if origins.is_passed_on() {
                        Rows::Stored
                    } else {
                        Rows::Made
                    };
                    of = of.max(items);
                    (0..depth).fold(origins, |items, _| items.inside(&mut self.columns, "[]"))
                }
                None if unnest.struct_type_columns.contains(from) => {
                    let struct_name = unnest.input.schema().field(*from).name();
                    let field = name.strip_prefix(struct_name.as_str()).unwrap_or(name);
                    let step = format!(".{}", field.trim_start_matches('.'));
                    origins.inside(&mut self.columns, &step)
                }
                None => origins,
            });
        }
        Ok(Traced { columns, rows, of })
    }

    /// Each round can bring origins of other columns along, until nothing is new.
    pub(super) fn recursive(&mut self, query: &RecursiveQuery, around: Option<&Scope<'_>>) -> Result<Traced> {
        let mut traced = self.plan(&query.static_term, around)?;
        traced.of = Rows::Made;
        let outer = self.working.remove(&query.name);
        for _ in 0..MOST_ROUNDS {
            self.working.insert(query.name.clone(), traced.clone());
            let before = traced.clone();
            traced.add(self.plan(&query.recursive_term, around)?);
            if traced == before {
                break;
            }
        }
        self.working.remove(&query.name);
        self.working.extend(outer.map(|outer| (query.name.clone(), outer)));
        Ok(traced)
    }

    /// A node of an unknown kind: everything may depend on everything.
    pub(super) fn anything(&mut self, plan: &LogicalPlan, around: Option<&Scope<'_>>) -> Result<Traced> {
        let mut all = Origins::default();
        let mut rows = Origins::default();
        let mut of = Rows::Made;
        for (place, input) in plan.inputs().into_iter().enumerate() {
            let traced = self.plan(input, around)?;
            of = if place == 0 { traced.of } else { Rows::Made };
            rows.add(&traced.rows);
            traced.columns.iter().for_each(|column| all.add(column));
        }
        rows.add(&all.clone().steering(Dependency::Filter));
        let all = all.computed(Dependency::Transformation);
        Ok(Traced {
            columns: vec![all; plan.schema().fields().len()],
            rows,
            of,
        })
    }
}
