//! What a value comes from: columns of datasets, each with how the value depends on it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use polder_core::DatasetName;

use super::nature::Nature;
use super::uses::{DISTINCT, Use, Uses};

/// A column of a dataset. A value inside one has a path: `address.city`, `lines[].price`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetColumn {
    /// The dataset.
    pub dataset: DatasetName,
    /// The column, or the path of a value inside one.
    pub column: String,
}

impl fmt::Display for DatasetColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.dataset, self.column))
    }
}

/// How a result depends on a column. The words and their meaning are those of OpenLineage's column lineage facet
/// (transformation subtypes), with [`Dependency::Named`] added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// The value is the column's, as it is.
    Identity,
    /// The value is computed from that of one row.
    Transformation,
    /// The value is computed from those of several rows.
    Aggregation,
    /// The column chooses between values (`CASE WHEN`, `FILTER (WHERE …)`).
    Conditional,
    /// The column sets partition or order of a window function.
    Window,
    /// The column orders rows, or the values of an aggregate.
    Sort,
    /// The column decides which rows there are.
    Filter,
    /// The column decides which rows meet.
    Join,
    /// The column decides which rows become one.
    GroupBy,
    /// The query names the column, but nothing of the result depends on it; without it the query fails all the same.
    Named,
}

impl Dependency {
    const ALL: [Self; 10] = [
        Self::Identity,
        Self::Transformation,
        Self::Aggregation,
        Self::Conditional,
        Self::Window,
        Self::Sort,
        Self::Filter,
        Self::Join,
        Self::GroupBy,
        Self::Named,
    ];

    /// Whether the value comes from the column's.
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Identity | Self::Transformation | Self::Aggregation)
    }

    /// The dependency's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Transformation => "transformation",
            Self::Aggregation => "aggregation",
            Self::Conditional => "conditional",
            Self::Window => "window",
            Self::Sort => "sort",
            Self::Filter => "filter",
            Self::Join => "join",
            Self::GroupBy => "group_by",
            Self::Named => "named",
        }
    }
}

/// Several dependencies at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dependencies(u16);

impl Dependencies {
    const DIRECT: u16 = 0b111;
    /// Beside the dependencies: some of the values are the column's own, though they may be chosen among others.
    const KEPT: u16 = 1 << 15;
    /// The column itself.
    const OWN: Self = Self(Self::of(Dependency::Identity).0 | Self::KEPT);

    /// This one alone.
    pub const fn of(one: Dependency) -> Self {
        Self(1 << one as u16)
    }

    /// Whether this is one of them.
    pub const fn has(self, one: Dependency) -> bool {
        self.0 & Self::of(one).0 != 0
    }

    /// Whether some of the values are the column's own, as they are: passed on, or chosen among others
    /// (`coalesce`, `CASE`, `max`).
    pub const fn keep_values(self) -> bool {
        self.0 & Self::KEPT != 0
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The direct ones become `direct`, for other values; the others stay.
    fn computed(self, direct: Dependency) -> Self {
        Self(self.chosen(direct).0 & !Self::KEPT)
    }

    /// The direct ones become `direct`, for the same values; the others stay.
    fn chosen(self, direct: Dependency) -> Self {
        match self.0 & Self::DIRECT {
            0 => self,
            _ => Self(self.0 & !Self::DIRECT | Self::of(direct).0),
        }
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Dependency> {
        Dependency::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

/// The number of a source column in [`Columns`].
pub type ColumnId = u32;

/// Source columns, each with a number.
#[derive(Debug, Default)]
pub struct Columns {
    ids: HashMap<DatasetColumn, ColumnId>,
    all: Vec<DatasetColumn>,
}

impl Columns {
    /// The number of a column.
    pub fn id(&mut self, column: DatasetColumn) -> ColumnId {
        if let Some(id) = self.ids.get(&column) {
            return *id;
        }
        // A query does not name four thousand million columns.
        let id = ColumnId::try_from(self.all.len()).unwrap_or(ColumnId::MAX);
        self.all.push(column.clone());
        self.ids.insert(column, id);
        id
    }

    /// The number of a value inside a column: `step` is appended to its path as it is.
    pub fn inside(&mut self, id: ColumnId, step: &str) -> ColumnId {
        match self.get(id) {
            Some(column) => {
                let column = DatasetColumn {
                    dataset: column.dataset.clone(),
                    column: format!("{}{step}", column.column),
                };
                self.id(column)
            }
            None => id,
        }
    }

    /// The datasets and columns of origins.
    pub fn named(&self, origins: &Origins) -> BTreeSet<(DatasetName, String)> {
        let columns = origins.iter().filter_map(|(id, _)| self.get(id));
        columns
            .map(|column| (column.dataset.clone(), column.column.clone()))
            .collect()
    }

    /// The column of a number.
    pub fn get(&self, id: ColumnId) -> Option<&DatasetColumn> {
        self.all.get(usize::try_from(id).ok()?)
    }
}

/// Source columns with how something depends on each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    columns: BTreeMap<ColumnId, Dependencies>,
    /// The kind of the value, where one of [`super::Tracer::of_values`] asks for it.
    pub(super) nature: Nature,
    /// What was done with values of the columns, where one of [`super::Tracer::of_uses`] asks for it.
    uses: Uses,
    /// The columns whose whole numbers became text, where one of [`super::Tracer::of_uses`] asks for it.
    digits: BTreeSet<ColumnId>,
}

impl Origins {
    fn of(columns: BTreeMap<ColumnId, Dependencies>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Keeps a use of all of it.
    pub(super) fn used(&mut self, by: &Use) {
        for id in self.columns.keys() {
            let mut by = by.clone();
            // Rows that are told apart by what they give are others there too.
            if &*by.by != DISTINCT && self.digits.contains(id) {
                by.of = by.of.of_digits();
            }
            self.uses.insert((*id, by));
        }
    }

    /// Keeps that whole numbers became text in all of it.
    pub(super) fn written_out(&mut self) {
        self.digits.extend(self.columns.keys());
    }

    /// What was done with values of the columns, by one of [`super::Tracer::of_uses`].
    pub fn uses(&self) -> impl Iterator<Item = (ColumnId, &Use)> {
        self.uses.iter().map(|(id, by)| (*id, by))
    }

    /// The column itself.
    pub fn identity(id: ColumnId) -> Self {
        Self::of(BTreeMap::from([(id, Dependencies::OWN)]))
    }

    /// The columns that others do not have, each with `how`.
    pub fn without(&self, others: &Self, how: Dependencies) -> Self {
        let left = self.columns.keys().filter(|id| !others.columns.contains_key(id));
        Self::of(left.map(|id| (*id, how)).collect())
    }

    /// Leaves out the columns of which `keep` does not hold.
    pub fn retain(&mut self, mut keep: impl FnMut(ColumnId) -> bool) {
        self.columns.retain(|id, _| keep(*id));
    }

    /// Each column with how something depends on it.
    pub fn iter(&self) -> impl Iterator<Item = (ColumnId, Dependencies)> {
        self.columns.iter().map(|(id, how)| (*id, *how))
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Whether it is a column of a dataset, passed on as it is.
    pub(super) fn is_passed_on(&self) -> bool {
        !self.columns.is_empty() && self.columns.values().all(|how| *how == Dependencies::OWN)
    }

    /// Adds everything of another.
    pub fn add(&mut self, other: &Self) {
        for (id, how) in &other.columns {
            let known = self.columns.entry(*id).or_default();
            *known = known.and(*how);
        }
        self.uses.extend(other.uses.iter().cloned());
        self.digits.extend(&other.digits);
    }

    /// The origins of a value computed from this one: `direct` is [`Dependency::Transformation`] or
    /// [`Dependency::Aggregation`].
    pub fn computed(self, direct: Dependency) -> Self {
        self.by(direct, Dependencies::computed)
    }

    /// The origins of a value that is this one, or another one, or none; `direct` as there.
    pub(super) fn chosen(self, direct: Dependency) -> Self {
        self.by(direct, Dependencies::chosen)
    }

    fn by(mut self, direct: Dependency, of: fn(Dependencies, Dependency) -> Dependencies) -> Self {
        for how in self.columns.values_mut() {
            // What is aggregated once stays aggregated.
            let direct = match how.has(Dependency::Aggregation) {
                true => Dependency::Aggregation,
                false => direct,
            };
            *how = of(*how, direct);
        }
        self
    }

    /// The origins of what this value only steers.
    pub fn steering(mut self, kind: Dependency) -> Self {
        for how in self.columns.values_mut() {
            *how = Dependencies::of(kind);
        }
        self
    }

    /// The same origins one step inside of each column that is passed on as it is; what is computed stays itself.
    pub fn inside(&self, columns: &mut Columns, step: &str) -> Self {
        let mut inside = Self {
            uses: self.uses.clone(),
            digits: self.digits.clone(),
            ..Self::default()
        };
        for (id, how) in &self.columns {
            let (id, how) = match how.has(Dependency::Identity) {
                true => (columns.inside(*id, step), *how),
                // What was put into a list or struct comes out of it as it was.
                false => (*id, how.chosen(Dependency::Transformation)),
            };
            let known = inside.columns.entry(id).or_default();
            *known = known.and(how);
        }
        inside
    }
}
