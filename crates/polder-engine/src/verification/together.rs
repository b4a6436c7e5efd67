//! The columns of one table of several files, also where the files do not agree on a column's type.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::logical_expr::binary::type_union_resolution;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};
use polder_gate::reading::{MISREAD, READ, misread_type};
use polder_gate::{becomes, holds_all, in_words};

/// Files that a message names for each type.
const NAMED: usize = 3;

/// How a column becomes the table's in files that have it in another type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum How {
    /// Every value is one of the table's type, only kept otherwise.
    Kept,
    /// As a value of this field, beside what is none: the table's column is of both.
    Told(FieldRef),
    /// As far as the engine casts it, and null where it does not: no rule looks at the column.
    Cast,
}

/// The columns of all files together.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// In the order in which they come first.
    pub(super) columns: Vec<FieldRef>,
    /// Those that some of the files have in other types, and how they become the table's.
    pub(super) brought: BTreeMap<String, How>,
    /// The contract's columns that some of the files have in types that cannot become the contract's.
    pub(super) refused: Vec<Refused>,
}

/// A column of a type that cannot become the contract's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// The column.
    pub(super) column: String,
    /// What it is, and where.
    pub(super) why: String,
}

/// A column of files.
struct Found<'s> {
    name: &'s str,
    /// The last of the files that have it.
    last: &'s Path,
    /// In each of its types.
    kinds: Vec<Kind<'s>>,
}

/// A column as some files have it.
struct Kind<'s> {
    field: &'s FieldRef,
    /// The first of them.
    files: Vec<&'s Path>,
    /// How many more there are.
    more: usize,
}

impl Together {
    /// Of these files and their columns; `types` are the contract's. A column that one of the files does not have is null in
    /// its rows. Where the files do not agree on a column's type, it is brought into the contract's; one that the contract does
    /// not name is brought into one type as by a `UNION`, and left out where there is none.
    ///
    /// # Errors
    /// `Usage` for a file that has a column twice.
    pub(super) fn of<'s>(files: impl Iterator<Item = (&'s Path, &'s SchemaRef)>, types: &Schema) -> Result<Self> {
        let mut found: Vec<Found<'s>> = Vec::new();
        let mut places = HashMap::new();
        for (file, schema) in files {
            for field in schema.fields() {
                let place = *places.entry(field.name().as_str()).or_insert(found.len());
                match found.get_mut(place) {
                    Some(column) if column.last == file => {
                        let message = format!("{} has two columns `{}`", file.display(), field.name());
                        return Err(Error::new(ErrorKind::Usage, message));
                    }
                    Some(column) => column.add(field, file),
                    None => found.push(Found {
                        name: field.name(),
                        last: file,
                        kinds: vec![Kind::of(field, file)],
                    }),
                }
            }
        }
        let mut together = Self::default();
        for column in &found {
            together.add(column, types.field_with_name(column.name).ok());
        }
        Ok(together)
    }

    fn add(&mut self, column: &Found<'_>, wanted: Option<&Field>) {
        let Some((first, others)) = column.kinds.split_first() else {
            return;
        };
        if others.is_empty() {
            // Another file may not have it.
            let field = first.field.as_ref().clone().with_nullable(true);
            self.columns.push(Arc::new(field));
            return;
        }
        let name = column.name;
        let of_type = |kind: &DataType| Arc::new(Field::new(name, kind.clone(), true));
        let mut kinds = column.kinds.iter().map(Kind::data_type);
        let (column, how) = match wanted {
            None => match common(&kinds.collect::<Vec<_>>()) {
                Some(kind) => (of_type(&kind), How::Cast),
                None => return,
            },
            Some(wanted) if kinds.clone().all(|kind| holds_all(kind, wanted)) => {
                (of_type(wanted.data_type()), How::Kept)
            }
            Some(wanted) => {
                if let Some(why) = refused(&column.kinds, wanted) {
                    let column = name.to_owned();
                    self.refused.push(Refused { column, why });
                }
                match kinds.any(|kind| becomes(kind, wanted)) {
                    true => {
                        let wanted = Arc::new(wanted.clone().with_nullable(true));
                        (of_type(&telling(&wanted)), How::Told(wanted))
                    }
                    false => (of_type(first.data_type()), How::Cast),
                }
            }
        };
        self.columns.push(column);
        self.brought.insert(name.to_owned(), how);
    }
}

impl<'s> Found<'s> {
    fn add(&mut self, field: &'s FieldRef, file: &'s Path) {
        self.last = file;
        match self.kinds.iter_mut().find(|kind| kind.data_type() == field.data_type()) {
            Some(kind) if kind.files.len() < NAMED => kind.files.push(file),
            Some(kind) => kind.more += 1,
            None => self.kinds.push(Kind::of(field, file)),
        }
    }
}

impl<'s> Kind<'s> {
    fn of(field: &'s FieldRef, file: &'s Path) -> Self {
        Self {
            field,
            files: vec![file],
            more: 0,
        }
    }

    fn data_type(&self) -> &'s DataType {
        self.field.data_type()
    }
}

/// The type of values of a field beside what is none of them.
pub(super) fn telling(wanted: &Field) -> DataType {
    DataType::Struct(Fields::from(vec![
        Field::new(READ, wanted.data_type().clone(), true),
        Field::new(MISREAD, misread_type(), true),
    ]))
}

/// The type that numbers, or values of one kind, have in a `UNION`; nothing where they are of several kinds.
fn common(kinds: &[&DataType]) -> Option<DataType> {
    let class = |kind: &DataType| match kind.is_numeric() {
        true => "number".to_owned(),
        false => in_words(kind),
    };
    let held = || kinds.iter().filter(|kind| !kind.is_null());
    let of_one = held().all(|kind| !kind.is_nested() && held().next().is_some_and(|first| class(first) == class(kind)));
    let kinds: Vec<DataType> = kinds.iter().copied().cloned().collect();
    of_one.then(|| type_union_resolution(&kinds))?
}

/// What the column is in files whose type cannot become the wanted one; nothing where there is none.
fn refused(kinds: &[Kind<'_>], wanted: &Field) -> Option<String> {
    // Types that differ may be one in words.
    let mut found: Vec<(String, Vec<&Path>, usize)> = Vec::new();
    for kind in kinds.iter().filter(|kind| !becomes(kind.data_type(), wanted)) {
        let words = in_words(kind.data_type());
        let known = match found.iter().position(|(known, ..)| *known == words) {
            Some(known) => known,
            None => {
                found.push((words, Vec::new(), 0));
                found.len() - 1
            }
        };
        found[known].1.extend(&kind.files);
        found[known].2 += kind.more;
    }
    let each = found.iter().map(|(words, files, more)| {
        let mut named: Vec<String> = files
            .iter()
            .take(NAMED)
            .map(|file| file.display().to_string())
            .collect();
        let more = more + files.len() - named.len();
        if more > 0 {
            named.push(counted(more, "more file"));
        }
        format!("{words} in {}", listed(&named))
    });
    let each: Vec<String> = each.collect();
    let says = in_words(wanted.data_type());
    (!each.is_empty()).then(|| format!("the column is {}, the contract says {says}", listed(&each)))
}

/// `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::TimeUnit;

    use super::*;

    fn together(files: &[(&str, Vec<Field>)], types: Vec<Field>) -> Together {
        let files: Vec<(&Path, SchemaRef)> = files
            .iter()
            .map(|(file, fields)| (Path::new(*file), Arc::new(Schema::new(fields.clone()))))
            .collect();
        let files = files.iter().map(|(file, schema)| (*file, schema));
        Together::of(files, &Schema::new(types)).unwrap()
    }

    fn field(name: &str, kind: DataType) -> Field {
        Field::new(name, kind, false)
    }

    #[test]
    fn what_files_agree_on_stays_as_it_is() {
        let a = vec![field("id", DataType::Int32), field("x", DataType::Utf8)];
        let b = vec![field("y", DataType::Int8), field("id", DataType::Int32)];
        let all = together(&[("a", a), ("b", b)], vec![field("id", DataType::Int64)]);
        let found: Vec<_> = all
            .columns
            .iter()
            .map(|field| (field.name().as_str(), field.data_type()))
            .collect();
        assert_eq!(
            found,
            [("id", &DataType::Int32), ("x", &DataType::Utf8), ("y", &DataType::Int8)]
        );
        assert!(all.columns.iter().all(|field| field.is_nullable()));
        assert!(all.brought.is_empty() && all.refused.is_empty());
    }

    #[test]
    fn columns_come_into_the_contracts_types_and_say_what_is_not_of_them() {
        let utc = |unit, zone: &str| DataType::Timestamp(unit, Some(zone.into()));
        let micros = || utc(TimeUnit::Microsecond, "UTC");
        let wanted = vec![
            field("n", DataType::Int64),
            field("at", micros()),
            field("i", DataType::Int32),
            field("d", DataType::Date32),
        ];
        let of = |n, at, i, d| vec![field("n", n), field("at", at), field("i", i), field("d", d)];
        let files = [
            ("a", of(DataType::Int16, micros(), DataType::Int32, DataType::Utf8)),
            (
                "b",
                of(
                    DataType::Null,
                    utc(TimeUnit::Millisecond, "Europe/Berlin"),
                    DataType::Utf8,
                    DataType::Boolean,
                ),
            ),
            (
                "c",
                of(DataType::Int64, micros(), DataType::LargeUtf8, DataType::Boolean),
            ),
        ];
        let all = together(&files, wanted.clone());
        let told = |at: usize| How::Told(Arc::new(wanted[at].clone().with_nullable(true)));
        let how = |name: &str| all.brought[name].clone();
        assert_eq!(how("n"), How::Kept);
        // A time may be out of reach of the contract's unit.
        assert_eq!((how("at"), how("i")), (told(1), told(2)));
        assert_eq!(*all.columns[2].data_type(), telling(&wanted[2]));
        assert_eq!((how("d"), all.columns[3].data_type()), (How::Cast, &DataType::Utf8));
        let refused: Vec<_> = all.refused.iter().map(|refused| refused.why.as_str()).collect();
        assert_eq!(
            refused,
            [
                "the column is string in b and c, the contract says int",
                "the column is string in a and boolean in b and c, the contract says date"
            ]
        );
    }

    #[test]
    fn of_many_files_the_first_are_named() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let kinds = [
            DataType::Int32,
            DataType::Utf8,
            DataType::Utf8,
            DataType::Utf8,
            DataType::Utf8,
            DataType::LargeUtf8,
        ];
        let files: Vec<_> = names
            .into_iter()
            .zip(kinds.map(|kind| vec![field("i", kind)]))
            .collect();
        let all = together(&files, vec![field("i", DataType::Int32)]);
        let says = "the column is string in b, c, d and 2 more files, the contract says int";
        assert_eq!(all.refused[0].why, says);
    }

    #[test]
    fn what_the_contract_does_not_name_is_brought_together_where_one_type_holds_it() {
        let files = |kinds: [DataType; 2]| {
            let [a, b] = kinds.map(|kind| vec![field("more", kind)]);
            together(&[("a", a), ("b", b)], vec![field("id", DataType::Int64)])
        };
        let numbers = files([DataType::Int32, DataType::Float64]);
        assert_eq!(*numbers.columns[0].data_type(), DataType::Float64);
        let texts = files([DataType::Null, DataType::LargeUtf8]);
        assert_eq!(*texts.columns[0].data_type(), DataType::LargeUtf8);
        assert!(files([DataType::Int32, DataType::Date32]).columns.is_empty());
        assert!(files([DataType::Int32, DataType::Utf8]).columns.is_empty());
        let object = DataType::Struct(vec![field("a", DataType::Int32)].into());
        assert!(files([DataType::Null, object]).columns.is_empty());
    }

    #[test]
    fn a_column_that_a_file_has_twice_is_told() {
        let twice = Arc::new(Schema::new(vec![
            field("a", DataType::Int8),
            field("a", DataType::Int8),
        ]));
        let error = Together::of([(Path::new("x.parquet"), &twice)].into_iter(), &Schema::empty()).unwrap_err();
        assert_eq!(error.to_string(), "x.parquet has two columns `a`");
    }
}
