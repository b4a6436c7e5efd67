//! Limits of values: options of the logical type, and listed values.

use std::collections::BTreeSet;

use polder_core::document::Node;

use super::number::Number;
use super::pairing::{Identity, Paired, pair as pair_items, word};
use super::policies::Policies;
use super::range::{BOTH, Moved, Part, Values};
use super::shift::Shift;
use super::walk::{At, Pair, Walk};
use super::widths::keeps_floats_out;
use super::{Class, meaning, types};
use crate::column_type::ColumnType;
use crate::number::Side;
use crate::place::{Place, flag, items};
use crate::rule::OnFailure;
use crate::schema::Property;

/// The options that are limits of their own, with whether a greater number allows more.
const COUNTS: [(&str, bool); 6] = [
    ("minLength", false),
    ("maxLength", true),
    ("minItems", false),
    ("maxItems", true),
    ("minProperties", false),
    ("maxProperties", true),
];

impl Walk {
    /// The options of a column's logical type; `format` is left out where the type has spoken of the width.
    pub(super) fn limits(&mut self, column: Pair<'_>, pair: Pair<'_>, at: &At, width_said: bool) {
        let types = self.column_types(column);
        let values = |of_type: &Option<ColumnType>, side: Option<&Node>| Values::of(of_type.as_ref(), side?);
        let moved = Moved::of(values(&types.0, column.old), values(&types.1, column.new));
        let mut spoken_of = self.bounds(moved.as_ref(), pair, at);
        if width_said {
            spoken_of.push("format");
        }
        self.each(pair, at, &spoken_of, |walk, key, inner| {
            let what = format!("`{key}` of {} {}", at.shown(), inner.said());
            let at = at.rule(at.option_id(key));
            if let ("format", Some(moved), true) = (key, &moved, both(column, is_whole)) {
                return walk.ranged(moved, Part::Format, &BOTH, inner, &at, &what);
            }
            let shift = match key {
                "format" => format(inner, column, &types),
                "multipleOf" => multiples(inner.texts(), column, &types),
                "timezone" => match zone(inner.texts(), &types) {
                    Some(shift) => shift,
                    None => return walk.means_the_same(),
                },
                _ => option(key, inner, column),
            };
            let limits = |side: Option<&Node>, column: Option<&Node>| {
                // A zone is meant on either side.
                side.is_some() || is_zone(key) || column.is_some_and(|column| types::limits_too(key, column))
            };
            let sides = (limits(inner.old, column.old), limits(inner.new, column.new));
            if is_checked(key, column) {
                walk.limit(shift, sides, inner, &at, &what);
            } else {
                // What a value means goes by no rule that could fail.
                let policies = Policies::default();
                walk.limit(shift, sides, inner, &At { policies, ..at }, &what);
            }
        });
    }

    /// The types of a column on both sides, where they are known.
    fn column_types(&self, column: Pair<'_>) -> (Option<ColumnType>, Option<ColumnType>) {
        let of = |side: Option<&Node>, file: &Place| Property::read(side?, file).column_type().ok();
        (of(column.old, self.old_place()), of(column.new, self.new_place()))
    }

    /// A limit of the range of values, on these ends of it.
    pub(super) fn ranged(&mut self, moved: &Moved, part: Part, ends: &[Side], pair: Pair<'_>, at: &At, what: &str) {
        let (shift, kept_out) = (moved.shift(part, ends), moved.kept_out(part, ends));
        let Policies { old, new } = at.policies;
        if shift == Shift::Restated && kept_out == (false, false) {
            // What keeps nothing out does so whatever happens to rows that break it.
            let policies = Policies::default();
            return self.limit(shift, (true, true), pair, &At { policies, ..at.clone() }, what);
        }
        // Where rows are kept out on both sides, the values alone say how they moved.
        let warns = [old, new].contains(&OnFailure::Warn);
        self.limit(shift, if warns { kept_out } else { (true, true) }, pair, at, what);
    }

    /// A limit that moved, on the sides that have it.
    pub(super) fn limit(&mut self, shift: Shift, sides: (bool, bool), pair: Pair<'_>, at: &At, what: &str) {
        let code = |shift| match shift {
            Shift::Restated => "limit-restated",
            Shift::Tightened => "limit-tightened",
            Shift::Loosened => "limit-loosened",
            Shift::Changed => "limit-changed",
        };
        self.limited(code, shift, sides, pair, at, what);
    }

    /// Anything that limits what values there are, on the sides that have it. What only warns limits nothing: to who
    /// reads it is a rule about quality.
    pub(super) fn limited(
        &mut self,
        code: impl Fn(Shift) -> &'static str,
        shift: Shift,
        sides: (bool, bool),
        pair: Pair<'_>,
        at: &At,
        what: &str,
    ) {
        let (shift, binding) = at.policies.limit(shift, sides);
        let code = code(shift);
        let class = match shift {
            _ if !binding => return self.moved(code, shift, pair, at, what),
            Shift::Restated => Class::Documentation,
            Shift::Tightened => Class::BreaksWriters,
            Shift::Loosened => Class::BreaksReaders,
            Shift::Changed => Class::BreaksBoth,
        };
        self.add(code, class, pair, at, what);
    }

    /// Listed values.
    pub(super) fn allowed(&mut self, column: Pair<'_>, pair: Pair<'_>, at: &At) {
        let (old, new) = pair.items();
        let rule = at.rule(at.rule_id("enum"));
        if let Some((before, now)) = column.old.zip(column.new)
            && [before, now].into_iter().any(types::lists_by_name)
        {
            // The name of the type lists values too: only those in both are taken.
            let sides = (types::listed(before).is_some(), types::listed(now).is_some());
            let what = format!("`enum` of {} {}", at.shown(), pair.said());
            self.limit(types::list_shift(before, now), sides, pair, &rule, &what);
            return;
        }
        let value: Identity = |node| node.get("value").map(|value| meaning::of("", value));
        let shown = |nodes: &[&Node]| {
            let words = nodes.iter().filter_map(|node| word(node, "value"));
            words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        };
        if old.is_empty() || new.is_empty() {
            let (shift, what) = if old.is_empty() {
                let values: Vec<&Node> = new.iter().collect();
                (
                    Shift::Tightened,
                    format!("{} is one of {} now", at.shown(), shown(&values)),
                )
            } else {
                (Shift::Loosened, format!("{} takes any value now", at.shown()))
            };
            self.limit(shift, (!old.is_empty(), !new.is_empty()), pair, &rule, &what);
            return;
        }
        let pairs = pair_items(old, new, &[value], false);
        let side = |pick: fn(&Paired<'_>) -> bool| {
            let picked = pairs.iter().filter(|paired| pick(paired));
            picked
                .filter_map(|paired| paired.new.or(paired.old).map(|(_, node)| node))
                .collect::<Vec<_>>()
        };
        let come = side(|paired| paired.old.is_none());
        let gone = side(|paired| paired.new.is_none());
        if !come.is_empty() {
            let inner = pair.of(pair.old, come.first().copied());
            let what = format!("{} may be {} too", at.shown(), shown(&come));
            self.limited(|_| "enum-grown", Shift::Loosened, (true, true), inner, &rule, &what);
        }
        if !gone.is_empty() {
            let inner = pair.of(gone.first().copied(), pair.new);
            let what = format!("{} may not be {} any more", at.shown(), shown(&gone));
            self.limited(|_| "enum-shrunk", Shift::Tightened, (true, true), inner, &rule, &what);
        }
        for paired in &pairs {
            if let (Some((_, old)), Some((_, new))) = (paired.old, paired.new) {
                self.each(pair.of(Some(old), Some(new)), &rule, &[], |walk, key, inner| {
                    walk.documentation(key, inner, &rule);
                });
            }
        }
    }
}

/// How an option moved that is no bound.
fn option(key: &str, pair: Pair<'_>, column: Pair<'_>) -> Shift {
    let texts = pair.texts();
    if key == "maxLength"
        && let Some((old, new)) = column.old.zip(column.new)
    {
        return types::length_shift(old, new);
    }
    if let Some((_, more)) = COUNTS.iter().find(|(name, _)| *name == key) {
        // At least nothing is no limit.
        let read = |text: Option<&str>| text.and_then(Number::read).filter(|count| *more || !count.is_zero());
        return match (read(texts.0), read(texts.1)) {
            (None, None) => Shift::Restated,
            (None, _) => Shift::Tightened,
            (_, None) => Shift::Loosened,
            (Some(old), Some(new)) if old == new => Shift::Restated,
            (Some(old), Some(new)) if (new > old) == *more => Shift::Loosened,
            _ => Shift::Tightened,
        };
    }
    match key {
        "uniqueItems" => {
            if texts.1 == Some("true") {
                Shift::Tightened
            } else {
                Shift::Loosened
            }
        }
        "required" => {
            let names = |node: Option<&Node>| -> BTreeSet<String> {
                let list = node.and_then(Node::as_list).unwrap_or_default();
                list.iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect()
            };
            let (old, new) = (names(pair.old), names(pair.new));
            Shift::of(new.is_superset(&old), old.is_superset(&new))
        }
        "pattern" => written(texts),
        // How values without a zone are meant, and whatever else comes: neither fewer nor more values.
        _ => Shift::Changed,
    }
}

/// How the unit moved of which values are multiples. Every value is one of the unit that its column counts in: whole numbers
/// of 1, decimals of their last digit.
fn multiples(
    texts: (Option<&str>, Option<&str>),
    column: Pair<'_>,
    types: &(Option<ColumnType>, Option<ColumnType>),
) -> Shift {
    let read = |text: Option<&str>| text.and_then(Number::read);
    let idle = |text: Option<&str>, column: Option<&Node>, of_type: &Option<ColumnType>| {
        let scale = match of_type {
            Some(ColumnType::Int32 | ColumnType::Int64) => Some(0),
            Some(ColumnType::Decimal { scale, .. }) => Some(*scale),
            Some(_) => None,
            None => column.is_some_and(is_whole).then_some(0),
        };
        let last = scale.and_then(|scale| Number::of_units(1, scale));
        let divides = |unit: Number| last.and_then(|last| last.is_multiple_of(&unit)) == Some(true);
        text.is_none() || read(text).is_some_and(divides)
    };
    match (read(texts.0), read(texts.1)) {
        _ if idle(texts.0, column.old, &types.0) && idle(texts.1, column.new, &types.1) => Shift::Restated,
        (Some(old), Some(new)) => Shift::of(
            new.is_multiple_of(&old) == Some(true),
            old.is_multiple_of(&new) == Some(true),
        ),
        (None, Some(_)) => Shift::Tightened,
        (Some(_), None) => Shift::Loosened,
        (None, None) => Shift::Changed,
    }
}

/// How the format of a column moved of which the values do not say it: how its texts are written, or how many bits its
/// floating point has.
fn format(pair: Pair<'_>, column: Pair<'_>, types: &(Option<ColumnType>, Option<ColumnType>)) -> Shift {
    let Some((old, new)) = column.old.zip(column.new) else {
        return written(pair.texts());
    };
    if both(column, is_number) {
        let before = keeps_floats_out(types.0.as_ref(), old);
        let now = keeps_floats_out(types.1.as_ref(), new);
        return Shift::of(now || !before, before || !now);
    }
    match both(column, types::is_text) {
        true => types::format_shift(old, new),
        false => written(pair.texts()),
    }
}

/// How it moved whether timestamps have a zone, which they do where nothing is said: they are instants. Nothing where the
/// same is meant. A type of no zone says so itself.
fn zone(texts: (Option<&str>, Option<&str>), types: &(Option<ColumnType>, Option<ColumnType>)) -> Option<Shift> {
    if [&types.0, &types.1].contains(&&Some(ColumnType::TimestampLocal)) {
        return Some(Shift::Restated);
    }
    let zoned = |text: Option<&str>| text != Some("false");
    (zoned(texts.0) != zoned(texts.1)).then_some(Shift::Changed)
}

/// Whether something holds for a column on both sides.
fn both(column: Pair<'_>, holds: fn(&Node) -> bool) -> bool {
    column.old.is_some_and(holds) && column.new.is_some_and(holds)
}

/// How a limit moved of which nothing is known but how it is written.
fn written(texts: (Option<&str>, Option<&str>)) -> Shift {
    match texts {
        (None, _) => Shift::Tightened,
        (_, None) => Shift::Loosened,
        _ => Shift::Changed,
    }
}

fn is_whole(column: &Node) -> bool {
    word(column, "logicalType").is_some_and(|logical| logical == "integer")
}

fn is_number(column: &Node) -> bool {
    word(column, "logicalType").is_some_and(|logical| logical == "number")
}

/// Whether an option of the logical type makes a rule that rows can fail.
fn is_checked(key: &str, column: Pair<'_>) -> bool {
    column.new.or(column.old).is_some_and(|column| makes_rule(key, column))
}

/// Whether an option says how values without a zone are meant.
fn is_zone(key: &str) -> bool {
    matches!(key, "timezone" | "defaultTimezone")
}

fn makes_rule(key: &str, column: &Node) -> bool {
    let kind = word(column, "logicalType");
    match key {
        // Of dates and times it says how they are written as text.
        "format" => kind.is_some_and(|kind| matches!(kind.as_str(), "string" | "integer" | "number")),
        _ if is_zone(key) => false,
        _ => true,
    }
}

/// The ids of the rules that a column's own keys make and rows can fail.
pub(super) fn checked(column: &Node, at: &At) -> Vec<String> {
    let said = |key: &&str| *key != "uniqueItems" || column.get("logicalTypeOptions").is_some_and(|of| flag(of, key));
    let options = options(column).filter(|key| makes_rule(key, column)).filter(said);
    let beside = beside_options(column, at).map(|key| at.rule_id(key));
    beside.chain(options.map(|key| at.option_id(key))).collect()
}

/// The ids of the rules that a column's own keys make, as gates call them.
pub(super) fn rule_ids(column: &Node, at: &At) -> Vec<String> {
    let beside = beside_options(column, at).map(|key| at.rule_id(key));
    beside.chain(options(column).map(|key| at.option_id(key))).collect()
}

/// The keys beside the options of its logical type by which a column limits its values.
fn beside_options<'n>(column: &'n Node, at: &At) -> impl Iterator<Item = &'n str> {
    let required = at.asks_value(Some(column)).then_some("required");
    let unique = flag(column, "unique").then_some("unique");
    let flags = required.into_iter().chain(unique);
    let listed = (!items(column, "enum").is_empty()).then_some("enum");
    let named = types::has_limit(column).then_some("physicalType");
    flags.chain(named).chain(listed)
}

/// The options of a column's logical type.
fn options(column: &Node) -> impl Iterator<Item = &str> {
    let options = column.get("logicalTypeOptions").and_then(Node::as_map);
    options.unwrap_or_default().iter().map(|entry| entry.key.as_str())
}
