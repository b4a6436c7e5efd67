//! What service levels are measured on. Another column, or none any more, is another promise, however it comes about:
//! by the level's `element`, by the contract's default, or by an object or column whose name or type changed or that
//! went. What is written otherwise and means the same is none.

use std::collections::BTreeSet;

use super::meaning;
use super::pairing::{Kept, LEVEL_IDENTITIES, pair as pair_items, word};
use super::service_levels::{Move, ends, life_date};
use super::walk::{At, Pair, Walk};
use crate::column_type::ColumnType;
use crate::contract::Contract;
use crate::place::items;
use crate::promise::Subject;
use crate::schema::{LogicalType, Property, SchemaObject};
use crate::service_level::ServiceLevel;

/// What the age of a value is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Since {
    /// The end of the day that it is.
    Day,
    /// The instant that it is.
    Instant,
}

/// A column that a level is measured on: the position of the old column that it is or became, with the path inside of
/// it; of what the old object does not have, the whole path. Of levels about ages also what its values are.
type Measured = (Option<usize>, String, Option<Since>);

/// A level of one document, with the contract that it is in.
struct Level<'c> {
    contract: &'c Contract,
    level: ServiceLevel,
}

impl<'c> Level<'c> {
    fn at(contract: &'c Contract, index: usize) -> Option<Self> {
        let mut level = contract.service_levels.get(index)?.clone();
        if life_date(&level.property) {
            // The contract's default is for what is measured: dates are about what they say themselves.
            level.element = word(items(&contract.document, "slaProperties").get(index)?, "element");
        }
        Some(Self { contract, level })
    }

    /// The columns of an object that it is measured on, none where it is about the object as a whole; or why it is not
    /// measured there. `was` gives the position of the old column that the one at a position is.
    fn measured(
        &self,
        object: &SchemaObject,
        was: impl Fn(usize) -> Option<usize>,
    ) -> Result<BTreeSet<Measured>, String> {
        let only = self.contract.objects.len() == 1;
        let named = self.level.columns_of(object, only);
        if let Some(missing) = self.level.missing_elements(&self.contract.objects).first() {
            return Err(format!("the schema has no element `{missing}`"));
        }
        let named = named.ok_or_else(|| format!("it is not about `{}`", object.name))?;
        let ages = matches!(Subject::of(&self.level.property), Subject::Latency | Subject::Retention);
        let of = |path: String| {
            // Platform columns are in no contract.
            if path.starts_with('_') {
                return Ok((None, path, None));
            }
            let found = find(&object.properties, &path).ok_or_else(|| format!("`{path}` is no column of it"))?;
            let since = since(found);
            if ages && since.is_none() {
                return Err(format!("`{path}` has no dates or timestamps"));
            }
            let head = path.split('.').next().unwrap_or_default();
            let old = object.properties.iter().position(|property| property.name == head);
            let old = old.and_then(&was);
            let inside = if old.is_some() { &path[head.len()..] } else { &path };
            Ok((old, inside.to_owned(), since.filter(|_| ages)))
        };
        named.into_iter().map(of).collect()
    }

    /// What it is measured on, in words.
    fn shown(&self, object: &SchemaObject) -> String {
        let only = self.contract.objects.len() == 1;
        match self.level.columns_of(object, only).unwrap_or_default().as_slice() {
            [] => format!("`{}` as a whole", object.name),
            columns => {
                let columns = columns.iter().map(|column| format!("`{}.{column}`", object.name));
                columns.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The column of this path, by the names in the store.
fn find<'p>(columns: &'p [Property], path: &str) -> Option<&'p Property> {
    let (head, inside) = match path.split_once('.') {
        Some((head, inside)) => (head, Some(inside)),
        None => (path, None),
    };
    let column = columns
        .iter()
        .find(|column| column.name == head || column.declared_name.as_deref() == Some(head))?;
    match inside {
        Some(inside) => find(&column.properties, inside),
        None => Some(column),
    }
}

fn since(column: &Property) -> Option<Since> {
    match (column.column_type(), column.logical_type) {
        (Ok(ColumnType::Date), _) | (Err(_), Some(LogicalType::Date)) => Some(Since::Day),
        (Ok(ColumnType::Timestamp | ColumnType::TimestampLocal), _) | (Err(_), Some(LogicalType::Timestamp)) => {
            Some(Since::Instant)
        }
        _ => None,
    }
}

impl Walk {
    /// Every service level that both contracts have, object by object.
    pub(super) fn measured(&mut self, pair: Pair<'_>, old: &Contract, new: &Contract) {
        let default = pair.under("slaDefaultElement");
        let same_default = meaning::same("slaDefaultElement", default.old, default.new);
        let mut default_told = same_default;
        let levels = pair.under("slaProperties");
        let (old_levels, new_levels) = levels.items();
        let paired = pair_items(old_levels, new_levels, &LEVEL_IDENTITIES, false);
        let kept = match paired.iter().any(|paired| paired.old.and(paired.new).is_some()) {
            true => Kept::all(pair.under("schema")),
            false => Vec::new(),
        };
        for paired in paired {
            let (Some((old_at, old_node)), Some((new_at, new_node))) = (paired.old, paired.new) else {
                continue;
            };
            let sides = Level::at(old, old_at).zip(Level::at(new, new_at));
            let Some((old_level, new_level)) = sides else { continue };
            let own = levels.of(Some(old_node), Some(new_node)).under("element");
            let by_default = own.old.is_none() || own.new.is_none();
            let said = match (own.old.or(own.new), default.new) {
                (Some(_), _) => own,
                (None, Some(_)) if !same_default => default,
                (None, _) => levels.of(Some(old_node), Some(new_node)),
            };
            let before = self.count();
            self.level_measured(&old_level, &new_level, &kept, said);
            if self.count() > before {
                default_told |= by_default;
            } else if !meaning::same("element", own.old, own.new) {
                let at = At::default().rule(old_level.level.property.clone());
                self.documentation("element", own, &at);
                default_told |= by_default;
            }
        }
        if !default_told {
            self.documentation("slaDefaultElement", default, &At::default());
        }
    }

    /// One service level. `said` is where it says what it is measured on.
    fn level_measured(&mut self, old: &Level<'_>, new: &Level<'_>, kept: &[Kept], said: Pair<'_>) {
        let name = &old.level.property;
        let mut anywhere = false;
        for both in kept {
            let objects = old
                .contract
                .objects
                .get(both.old)
                .zip(new.contract.objects.get(both.new));
            let Some((old_object, new_object)) = objects else {
                continue;
            };
            let before = old.measured(old_object, Some);
            let now = new.measured(new_object, |position| *both.became.get(position)?);
            anywhere |= before.is_ok() || now.is_ok();
            let (was, is) = (old.shown(old_object), new.shown(new_object));
            let on = if life_date(name) { "is about" } else { "is measured on" };
            let (moved, how) = match (before, now) {
                (Err(_), Err(_)) => continue,
                (Ok(before), Ok(now)) if before == now => continue,
                (Ok(_), Ok(_)) if was == is => (Move::Changed, format!("{on} other values now: those of {is} changed")),
                (Ok(_), Ok(_)) => (Move::Changed, format!("{on} {is} now, no longer on {was}")),
                (Ok(_), Err(why)) => (Move::Lowered, format!("{on} {was} no longer: {why}")),
                (Err(_), Ok(_)) => (Move::Raised, format!("{on} {is} now, and was not before")),
            };
            let moved = if ends(name) { moved.turned() } else { moved };
            let what = format!("the service level `{name}` {how}");
            let at = At {
                dataset: old_object.dataset.clone(),
                object: Some(old_object.name.clone()),
                ..At::default()
            };
            self.promised("service-level-changed", moved, said, &at.rule(name.clone()), &what);
        }
        // Where nothing is known of the objects the words are all there is.
        if !anywhere && old.level.element != new.level.element {
            let what = format!("the element of the service level `{name}` {}", said.said());
            let at = At::default().rule(name.clone());
            self.promised("service-level-changed", Move::Changed, said, &at, &what);
        }
    }
}
