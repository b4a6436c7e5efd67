//! Whether values that keep some checks keep another one.

use std::collections::{BTreeSet, HashSet};

use super::formats::simple;
use super::number::Number;
use super::range::{BOTH, Range};
use super::words::Words;
use crate::column_type::ColumnType;
use crate::rule::RowCheck;

/// The most whole numbers between two bounds that are looked at one by one.
const MOST_NUMBERS: i128 = 1000;

/// The longest text that is made up to find one which breaks a check, characters.
const LONGEST: u64 = 200;

/// So many of a pattern's own characters are tried.
const MOST_CHARACTERS: usize = 64;

/// So often the numbers that count as missing are looked through for one at an end.
const MOST_ROUNDS: usize = 32;

/// Whether values keep what is asked of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// Some of them do not.
    Not,
    /// It cannot be told: two regular expressions do not compare.
    Unsure,
    /// Each of them does.
    Surely,
}

/// Values of a type that keep checks.
#[derive(Debug, Clone)]
pub(super) struct Checked<'c> {
    of_type: Option<ColumnType>,
    checks: Vec<&'c RowCheck>,
    /// The fields inside of them that always have a value.
    fields: Vec<&'c str>,
}

/// What is known of a value as it is written.
type Test<'c> = Box<dyn Fn(&str) -> Option<bool> + 'c>;

impl<'c> Checked<'c> {
    pub(super) fn new(
        of_type: Option<ColumnType>,
        checks: impl IntoIterator<Item = &'c RowCheck>,
        fields: Vec<&'c str>,
    ) -> Self {
        Self {
            of_type,
            checks: checks.into_iter().flat_map(flat).collect(),
            fields,
        }
    }

    /// The checks, each by itself.
    pub(super) fn checks(&self) -> &[&'c RowCheck] {
        &self.checks
    }

    /// Whether none of them is null.
    pub(super) fn have_value(&self) -> bool {
        let asks = |check: &&RowCheck| matches!(check, RowCheck::Required | RowCheck::NotMissing(_));
        self.checks.iter().any(asks)
    }

    /// Whether those that are there keep a check of a column of this type, null aside.
    pub(super) fn keep(&self, asked: &RowCheck, asked_of: Option<&ColumnType>) -> Kept {
        match asked {
            RowCheck::All(all) => all
                .iter()
                .map(|one| self.keep(one, asked_of))
                .min()
                .unwrap_or(Kept::Surely),
            RowCheck::Required => Kept::Surely,
            _ if self.of_type.as_ref() == asked_of && self.checks.contains(&asked) => Kept::Surely,
            _ => match self.words() {
                Some(words) => {
                    let test = test(asked, asked_of);
                    let kept = words.iter().map(|(word, certain)| match (test(word), certain) {
                        (Some(true), _) => Kept::Surely,
                        (Some(false), true) => Kept::Not,
                        _ => Kept::Unsure,
                    });
                    kept.min().unwrap_or(Kept::Surely)
                }
                None => self.each_keeps(asked, asked_of),
            },
        }
    }

    /// Every one of the values, where they can be told one by one, with whether it surely can be.
    fn words(&self) -> Option<Vec<(String, bool)>> {
        let listed = self.checks.iter().find_map(|check| match check {
            RowCheck::OneOf(listed) => Some(listed.clone()),
            RowCheck::Pattern(pattern) => Some(Words::of(pattern))
                .filter(|words| words.all)
                .map(|words| words.texts.clone()),
            _ => None,
        });
        let words = listed.or_else(|| match self.of_type.as_ref()? {
            ColumnType::Boolean => Some(vec!["true".to_owned(), "false".to_owned()]),
            ColumnType::Int32 | ColumnType::Int64 => {
                let (low, high) = self.range()?.whole_ends()?;
                let few = high.checked_sub(low)? < MOST_NUMBERS;
                few.then(|| (low..=high).map(|number| number.to_string()).collect())
            }
            _ => None,
        })?;
        let tests = self.tests();
        let words = words.into_iter().filter_map(|word| match possible(&tests, &word) {
            Some(false) => None,
            known => Some((word, known.is_some())),
        });
        Some(words.collect())
    }

    fn tests(&self) -> Vec<Test<'c>> {
        let of_type = self.of_type.as_ref();
        self.checks.iter().map(|check| test(check, of_type)).collect()
    }

    /// From where to where they go; nothing where that cannot be told.
    fn range(&self) -> Option<Range> {
        Range::of_checks(self.of_type.as_ref()?, self.checks.iter().copied())
    }

    /// Whether each of too many values keeps a check.
    fn each_keeps(&self, asked: &RowCheck, asked_of: Option<&ColumnType>) -> Kept {
        let surely = |holds: bool| if holds { Kept::Surely } else { Kept::Not };
        let some = |holds: &dyn Fn(&RowCheck) -> bool| self.checks.iter().any(|check| holds(check));
        match asked {
            RowCheck::Minimum { .. } | RowCheck::Maximum { .. } | RowCheck::Width(_) => {
                self.keep_range(asked, asked_of)
            }
            RowCheck::MultipleOf(unit) => surely(self.are_multiples(unit)),
            RowCheck::MinLength(least) if *least == 0 => Kept::Surely,
            // There is one text without a character.
            RowCheck::MinLength(1) if self.missing().any(str::is_empty) => Kept::Surely,
            RowCheck::MinLength(least) => match some(&|own| lengths(own).0 >= *least) {
                true => Kept::Surely,
                false => self.break_text(asked, asked_of, true),
            },
            RowCheck::MaxLength(most) => match some(&|own| lengths(own).1.is_some_and(|own| own <= *most)) {
                true => Kept::Surely,
                false => self.break_text(asked, asked_of, true),
            },
            RowCheck::Format(_) => self.break_text(asked, asked_of, true),
            RowCheck::Pattern(_) => self.break_text(asked, asked_of, false),
            RowCheck::NotMissing(listed) => {
                let tests = self.tests();
                let kept = listed.iter().map(|word| match possible(&tests, word) {
                    Some(true) => Kept::Not,
                    Some(false) => Kept::Surely,
                    None => Kept::Unsure,
                });
                kept.min().unwrap_or(Kept::Surely)
            }
            RowCheck::OneOf(listed) => self.among(listed, asked, asked_of),
            RowCheck::MinItems(least) => {
                surely(*least == 0 || some(&|own| matches!(own, RowCheck::MinItems(own) if own >= least)))
            }
            RowCheck::MaxItems(most) => surely(some(&|own| matches!(own, RowCheck::MaxItems(own) if own <= most))),
            RowCheck::MinProperties(least) => {
                let there = u64::try_from(self.fields.len()).unwrap_or_default();
                surely(there >= *least || some(&|own| matches!(own, RowCheck::MinProperties(own) if own >= least)))
            }
            RowCheck::MaxProperties(most) => {
                surely(some(&|own| matches!(own, RowCheck::MaxProperties(own) if own <= most)))
            }
            RowCheck::RequiredProperties(names) => {
                let by_rule =
                    |name: &String| some(&|own| matches!(own, RowCheck::RequiredProperties(own) if own.contains(name)));
                surely(
                    names
                        .iter()
                        .all(|name| self.fields.contains(&name.as_str()) || by_rule(name)),
                )
            }
            RowCheck::UniqueItems => Kept::Not,
            // Spoken of before.
            RowCheck::Required | RowCheck::All(_) => Kept::Surely,
        }
    }

    fn keep_range(&self, asked: &RowCheck, asked_of: Option<&ColumnType>) -> Kept {
        let kinds = self.of_type.as_ref().map(kind).zip(asked_of.map(kind));
        let ranges = self.range().zip(asked_of.and_then(|of| Range::of_checks(of, [asked])));
        let same_kind = kinds.is_some_and(|(own, other)| own == other);
        let (Some((own, asked)), Some(stored), true) = (ranges, asked_of.map(Range::stored), same_kind) else {
            return Kept::Unsure;
        };
        let own = self.without_missing(own);
        // What the type of the column holds anyway is no limit of it.
        let refuses = |side| asked.is_tighter(&stored, side) && asked.is_tighter(&own, side);
        match own.is_empty() || !BOTH.into_iter().any(refuses) {
            true => Kept::Surely,
            false => Kept::Not,
        }
    }

    /// What counts as missing, and is none of the values.
    fn missing(&self) -> impl Iterator<Item = &'c str> {
        let listed = self.checks.iter().filter_map(|check| match check {
            RowCheck::NotMissing(listed) => Some(listed.as_slice()),
            _ => None,
        });
        listed.flatten().map(String::as_str)
    }

    /// A range of numbers without those at its ends that count as missing.
    fn without_missing(&self, mut range: Range) -> Range {
        let Some(of_type) = self.of_type.as_ref().filter(|of| kind(of) == Some(Kind::Numbers)) else {
            return range;
        };
        // Where one is left out, the next one may be listed as well, in whatever order.
        for _ in 0..MOST_ROUNDS {
            let all = range.clone();
            for number in self.missing() {
                range = range.without(of_type, number);
            }
            if range == all {
                break;
            }
        }
        range
    }

    fn are_multiples(&self, unit: &str) -> bool {
        let Some(unit) = Number::read(unit) else { return false };
        let scale = match &self.of_type {
            Some(ColumnType::Int32 | ColumnType::Int64) => Some(0),
            Some(ColumnType::Decimal { scale, .. }) => Some(*scale),
            _ => None,
        };
        let own = self.checks.iter().filter_map(|check| match check {
            RowCheck::MultipleOf(own) => Number::read(own),
            _ => None,
        });
        let last = scale.and_then(|scale| Number::of_units(1, scale));
        own.chain(last).any(|own| own.is_multiple_of(&unit) == Some(true))
    }

    /// Whether all values are listed ones, where they are too many to be told.
    fn among(&self, listed: &[String], asked: &RowCheck, asked_of: Option<&ColumnType>) -> Kept {
        match &self.of_type {
            Some(ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal { .. }) => {
                let low = self
                    .range()
                    .and_then(|range| range.a_whole_number())
                    .unwrap_or_default();
                // One more than are listed.
                let more = i128::try_from(listed.len()).unwrap_or_default();
                let numbers = (low..=low.saturating_add(more)).chain((low.saturating_sub(more)..low).rev());
                self.broken_by(numbers.map(|number| number.to_string()), asked, asked_of)
            }
            Some(ColumnType::String) | None => self.break_text(asked, asked_of, false),
            _ if self.checks.iter().any(|check| !matches!(check, RowCheck::Required)) => Kept::Unsure,
            _ => Kept::Not,
        }
    }

    /// A check of texts of which none is known that breaks it: surely broken where some text does. Where no other pattern
    /// or format is there, which could say the same, `alone` says whether it is broken then.
    fn break_text(&self, asked: &RowCheck, asked_of: Option<&ColumnType>, alone: bool) -> Kept {
        let says_more = |check: &RowCheck| matches!(check, RowCheck::Pattern(_) | RowCheck::Format(_));
        if alone && !self.checks.iter().any(|check| says_more(check)) {
            return Kept::Not;
        }
        self.broken_by(self.some_texts(asked), asked, asked_of)
    }

    /// Not kept where one of these can be a value and breaks it.
    fn broken_by(
        &self,
        some: impl IntoIterator<Item = String>,
        asked: &RowCheck,
        asked_of: Option<&ColumnType>,
    ) -> Kept {
        let (tests, asked) = (self.tests(), test(asked, asked_of));
        let breaks = |word: String| asked(&word) == Some(false) && possible(&tests, &word) == Some(true);
        match some.into_iter().any(breaks) {
            true => Kept::Not,
            false => Kept::Unsure,
        }
    }

    /// Texts that may be values: of their patterns, else of any characters.
    fn some_texts(&self, asked: &RowCheck) -> Vec<String> {
        let mut texts = Vec::new();
        let mut lengths = BTreeSet::from([0, 1, 2, 3, 7]);
        let mut characters: BTreeSet<char> = "aZ0 ~\né".chars().collect();
        for check in self.checks.iter().copied().chain([asked]) {
            match check {
                RowCheck::Pattern(pattern) => {
                    characters.extend(pattern.chars().take(MOST_CHARACTERS));
                    // What stands before and behind is free where there are no anchors.
                    for word in &Words::of(pattern).texts {
                        texts.extend(["a", "~~~~"].map(|more| format!("{word}{more}")));
                        texts.extend(["a", "~~~~"].map(|more| format!("{more}{word}")));
                        texts.push(word.clone());
                    }
                }
                RowCheck::Format(format) => texts.extend_from_slice(&Words::of(simple(*format)).texts),
                RowCheck::MinLength(length) | RowCheck::MaxLength(length) => {
                    lengths.extend([length.saturating_sub(1), *length, length.saturating_add(1)]);
                }
                _ => {}
            }
        }
        // A limit of lengths is broken by texts of just that length.
        for pattern in self.checks.iter().filter_map(|check| written_as(check)) {
            let of_length = |length: &u64| Words::of(pattern).of_length(usize::try_from(*length).unwrap_or(usize::MAX));
            texts.extend(lengths.iter().flat_map(of_length));
        }
        for length in lengths.into_iter().filter(|length| *length <= LONGEST) {
            let length = usize::try_from(length).unwrap_or_default();
            texts.extend(
                characters
                    .iter()
                    .map(|character| String::from(*character).repeat(length)),
            );
        }
        texts
    }
}

/// A check, or those that it is made of.
fn flat(check: &RowCheck) -> Vec<&RowCheck> {
    match check {
        RowCheck::All(all) => all.iter().flat_map(flat).collect(),
        one => vec![one],
    }
}

/// Whether a word keeps all tests: surely, surely not, or nobody knows.
fn possible(tests: &[Test<'_>], word: &str) -> Option<bool> {
    let mut all = Some(true);
    for test in tests {
        match test(word) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

/// Whether a value of this type, as it is written, keeps a check.
fn test<'c>(check: &'c RowCheck, of_type: Option<&ColumnType>) -> Test<'c> {
    let is_text = matches!(of_type, None | Some(ColumnType::String));
    let is_number = of_type.is_some_and(|of_type| kind(of_type) == Some(Kind::Numbers));
    match check {
        RowCheck::Required => Box::new(|_| Some(true)),
        RowCheck::NotMissing(words) => {
            let listed = listed(words, is_number);
            Box::new(move |word| Some(!listed(word)))
        }
        RowCheck::OneOf(words) => {
            let listed = listed(words, is_number);
            Box::new(move |word| Some(listed(word)))
        }
        RowCheck::Pattern(pattern) => {
            let words = Words::of(pattern);
            Box::new(move |word| words.match_of(word))
        }
        RowCheck::Format(format) => {
            let words = Words::of(simple(*format));
            Box::new(move |word| words.match_of(word).filter(|is_one| *is_one))
        }
        RowCheck::MinLength(least) if is_text => Box::new(|word| Some(length(word) >= *least)),
        RowCheck::MaxLength(most) if is_text => Box::new(|word| Some(length(word) <= *most)),
        RowCheck::Minimum { .. } | RowCheck::Maximum { .. } | RowCheck::Width(_) => {
            let of_type = of_type.cloned();
            let range = of_type.as_ref().and_then(|of_type| Range::of_checks(of_type, [check]));
            Box::new(move |word| range.as_ref()?.has(of_type.as_ref()?, word))
        }
        RowCheck::MultipleOf(unit) => {
            let unit = Number::read(unit);
            Box::new(move |word| Number::read(word)?.is_multiple_of(unit.as_ref()?))
        }
        RowCheck::All(all) => {
            let tests: Vec<_> = all.iter().map(|one| test(one, of_type)).collect();
            Box::new(move |word| possible(&tests, word))
        }
        _ => Box::new(|_| None),
    }
}

/// Whether a word is a listed one: a number however it is written.
fn listed(listed: &[String], is_number: bool) -> impl Fn(&str) -> bool {
    let words: HashSet<&str> = listed.iter().map(String::as_str).collect();
    let number = move |word: &str| {
        is_number
            .then(|| Number::read(word))
            .flatten()
            .map(|number| number.normal())
    };
    let numbers: HashSet<String> = listed.iter().filter_map(|word| number(word)).collect();
    move |word| words.contains(word) || number(word).is_some_and(|number| numbers.contains(&number))
}

/// The pattern of texts that keep a check; of a format, of some of them.
fn written_as(check: &RowCheck) -> Option<&str> {
    match check {
        RowCheck::Pattern(pattern) => Some(pattern),
        RowCheck::Format(format) => Some(simple(*format)),
        _ => None,
    }
}

/// The least and the greatest number of characters of texts that keep a check.
fn lengths(check: &RowCheck) -> (u64, Option<u64>) {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    match check {
        RowCheck::MinLength(least) => (*least, None),
        RowCheck::MaxLength(most) => (0, Some(*most)),
        RowCheck::Pattern(pattern) => {
            let (least, most) = Words::of(pattern).lengths;
            (count(least), most.map(count))
        }
        _ => (0, None),
    }
}

fn length(word: &str) -> u64 {
    word.chars().count().try_into().unwrap_or(u64::MAX)
}

/// What kind of values it is: those of two kinds do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Numbers,
    Moments,
}

/// Whether values of both types are of one kind, inside of lists and maps too.
pub(super) fn is_alike(one: &ColumnType, other: &ColumnType) -> bool {
    match (one, other) {
        (ColumnType::List(one), ColumnType::List(other)) => is_alike(one, other),
        (ColumnType::Map(key, value), ColumnType::Map(other_key, other_value)) => {
            is_alike(key, other_key) && is_alike(value, other_value)
        }
        (ColumnType::Struct(_), ColumnType::Struct(_)) => true,
        _ => one == other || (kind(one).is_some() && kind(one) == kind(other)),
    }
}

fn kind(of_type: &ColumnType) -> Option<Kind> {
    match of_type {
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal { .. } => Some(Kind::Numbers),
        ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampLocal => Some(Kind::Moments),
        _ => None,
    }
}
