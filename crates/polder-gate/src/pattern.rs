//! A contract's pattern, and a quick way through one of a plain shape.
//!
//! Most patterns say of a whole text which characters follow which: `^[A-Z]{2}-[0-9]+$`, `^([0-9]{5}|N/A)$`. For an
//! ASCII text these need no automaton. Where a part of any number of characters shares none with what may follow it, it
//! takes all that it can and nothing has to be tried again; the same from the end of the text. Whatever else there is,
//! other characters among it, the expression itself decides.

mod way;

use std::cell::OnceCell;

use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use way::{Sets, Table, Way};

/// Ways through a pattern at most.
const WAYS: usize = 16;
/// Parts of a way at most.
const PARTS: usize = 64;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    plain: Option<Plain>,
}

/// A pattern in the hands of one thread.
pub(crate) struct Matcher<'a> {
    pattern: &'a Pattern,
    /// Threads that share an expression wait for its memory; a clone has its own.
    regex: OnceCell<Regex>,
}

impl Pattern {
    pub(crate) fn new(regex: Regex) -> Self {
        let plain = regex_syntax::parse(regex.as_str()).ok().and_then(|hir| Plain::of(&hir));
        Self { regex, plain }
    }

    pub(crate) fn matcher(&self) -> Matcher<'_> {
        Matcher {
            pattern: self,
            regex: OnceCell::new(),
        }
    }
}

impl Matcher<'_> {
    /// Whether the pattern is found in the text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        if let Some(plain) = &self.pattern.plain {
            // A way knows ASCII alone, so a text that takes it is of nothing else.
            if plain.fits(text.as_bytes()) {
                return true;
            }
            if text.is_ascii() {
                return false;
            }
        }
        self.regex.get_or_init(|| self.pattern.regex.clone()).is_match(text)
    }
}

/// What the ASCII texts that a pattern matches look like, from their first to their last byte.
#[derive(Debug)]
struct Plain {
    ways: Vec<Way>,
    table: Table,
}

impl Plain {
    fn of(hir: &Hir) -> Option<Self> {
        let mut sets = Sets::default();
        let ways = ways(hir)?
            .into_iter()
            .map(|parts| way(&whole_text(parts)?, &mut sets))
            .collect::<Option<_>>()?;
        let table = sets.table();
        Some(Self { ways, table })
    }

    fn fits(&self, text: &[u8]) -> bool {
        self.ways.iter().any(|way| way.fits(text, &self.table))
    }
}

/// None where no direction goes without trying again.
fn way(parts: &[Part], sets: &mut Sets) -> Option<Way> {
    let parts = joined(parts);
    let backwards = !is_certain(parts.iter());
    if backwards && !is_certain(parts.iter().rev()) {
        return None;
    }
    let counts = parts.iter().map(|part| (part.bytes, part.least, part.most));
    Way::new(counts, backwards, sets)
}

/// So many characters of a set of ASCII characters, a bit for each; or a place in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    bytes: u128,
    least: usize,
    most: usize,
    place: Option<Look>,
}

impl Part {
    fn one(bytes: u128) -> Self {
        let (least, most, place) = (1, 1, None);
        Self {
            bytes,
            least,
            most,
            place,
        }
    }

    fn at(place: Look) -> Self {
        Self {
            bytes: 0,
            least: 0,
            most: 0,
            place: Some(place),
        }
    }
}

/// All ways through an expression; none where there are many, or where it has parts of another kind.
fn ways(hir: &Hir) -> Option<Vec<Vec<Part>>> {
    let found = match hir.kind() {
        HirKind::Empty => vec![Vec::new()],
        // Of a character beyond ASCII no ASCII text has any.
        HirKind::Literal(literal) => {
            let bytes = literal.0.iter();
            vec![
                bytes
                    .map(|byte| Part::one(1_u128.checked_shl(u32::from(*byte)).unwrap_or(0)))
                    .collect(),
            ]
        }
        HirKind::Class(class) => vec![vec![Part::one(ascii(class))]],
        HirKind::Look(look) => vec![vec![Part::at(*look)]],
        HirKind::Capture(capture) => ways(&capture.sub)?,
        HirKind::Concat(parts) => {
            let mut all = vec![Vec::new()];
            for part in parts {
                let next = ways(part)?;
                let both = |before: &Vec<Part>| next.iter().map(|after| [before.as_slice(), after].concat()).collect();
                all = all
                    .iter()
                    .flat_map(|before| -> Vec<Vec<Part>> { both(before) })
                    .collect();
                if all.len() > WAYS {
                    return None;
                }
            }
            all
        }
        HirKind::Alternation(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(ways).collect();
            all?.concat()
        }
        HirKind::Repetition(repetition) => repeated(repetition)?,
    };
    let fits = found.len() <= WAYS && found.iter().all(|parts| parts.len() <= PARTS);
    fits.then_some(found)
}

fn repeated(repetition: &Repetition) -> Option<Vec<Vec<Part>>> {
    let (least, most) = (repetition.min as usize, repetition.max.map(|most| most as usize));
    let sub = ways(&repetition.sub)?;
    if let [only] = sub.as_slice()
        && let [part] = only.as_slice()
        && *part == Part::one(part.bytes)
    {
        let most = most.unwrap_or(usize::MAX);
        return Some(vec![vec![Part { least, most, ..*part }]]);
    }
    match sub.as_slice() {
        _ if (least, most) == (0, Some(1)) => Some([vec![Vec::new()], sub].concat()),
        [only] if most == Some(least) && least.saturating_mul(only.len()) <= PARTS => Some(vec![only.repeat(least)]),
        _ => None,
    }
}

fn ascii(class: &Class) -> u128 {
    let mut bytes = 0;
    let mut put = |first: u32, last: u32| (first..=last.min(127)).for_each(|byte| bytes |= 1_u128 << byte);
    match class {
        Class::Unicode(class) => class
            .iter()
            .for_each(|range| put(range.start().into(), range.end().into())),
        Class::Bytes(class) => class
            .iter()
            .for_each(|range| put(range.start().into(), range.end().into())),
    }
    bytes
}

/// The parts between the start and the end of a text; none where a way does not go from the one to the other.
fn whole_text(parts: Vec<Part>) -> Option<Vec<Part>> {
    let is = |look| move |part: &Part| part.place == Some(look);
    let starts = parts.iter().take_while(|part| is(Look::Start)(part)).count();
    let ends = parts.iter().rev().take_while(|part| is(Look::End)(part)).count();
    if starts == 0 || ends == 0 {
        return None;
    }
    let between = parts.get(starts..parts.len() - ends)?;
    between
        .iter()
        .all(|part| part.place.is_none())
        .then(|| between.to_vec())
}

/// Parts of one set that follow each other as one.
fn joined(parts: &[Part]) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::new();
    for part in parts {
        match all.last_mut() {
            Some(last) if last.bytes == part.bytes => {
                last.least = last.least.saturating_add(part.least);
                last.most = last.most.saturating_add(part.most);
            }
            _ => all.push(*part),
        }
    }
    all
}

/// Whether each part of no fixed length shares no character with whatever may come right after it.
fn is_certain<'a>(mut parts: impl Iterator<Item = &'a Part> + Clone) -> bool {
    while let Some(part) = parts.next() {
        if part.least == part.most {
            continue;
        }
        for after in parts.clone() {
            if part.bytes & after.bytes != 0 {
                return false;
            }
            if after.least > 0 {
                break;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use polder_contract::rule::regex;
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(regex(text).unwrap())
    }

    /// Expressions of the shapes that contracts have, and of many that are close to them.
    fn expression() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            Just("[a-c]"),
            Just("[0-2]"),
            Just("[^@ ]"),
            Just("[^b]"),
            Just("a"),
            Just("b"),
            Just("-"),
            Just("@"),
            Just("\\."),
            Just("."),
            Just("\\d"),
            Just("\\w"),
            Just("\\s"),
            Just("\\S"),
            Just("é"),
            Just("[aé]"),
            Just("(?i:a)"),
            Just("[\\u0000-\\uffff]"),
            Just("(ab|c)"),
            Just("(a|b1)"),
            Just("(-a)?"),
            Just("(a-){2}"),
            Just("(a|-)*"),
            Just("\\b"),
            Just("$"),
            Just("^"),
        ];
        let count = prop_oneof![
            4 => Just(""), 2 => Just("+"), 1 => Just("*"), 1 => Just("?"), 1 => Just("{2}"), 1 => Just("{1,3}"),
            1 => Just("{2,}"), 1 => Just("+?"), 1 => Just("{0}"),
        ];
        let part = (atom, count).prop_map(|(atom, count)| match atom {
            "\\b" | "$" | "^" => atom.to_owned(),
            _ => format!("{atom}{count}"),
        });
        let sequence = prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat());
        prop_oneof![
            4 => sequence.clone().prop_map(|one| format!("^{one}$")),
            2 => (sequence.clone(), sequence.clone()).prop_map(|(one, other)| format!("^({one}|{other})$")),
            1 => (sequence.clone(), sequence.clone()).prop_map(|(one, other)| format!("^{one}$|^{other}$")),
            1 => sequence.clone().prop_map(|one| format!("^{one}")),
            1 => sequence,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn it_matches_what_the_expression_matches(
            expression in expression(),
            texts in prop::collection::vec("[abc012@. \\-éB\n]{0,7}|[ab]{0,9}|[a-c]{1,3}[@.\\-][a-c0-2]{0,4}", 1..40),
        ) {
            let Ok(regex) = regex(&expression) else { return Ok(()) };
            let pattern = Pattern::new(regex.clone());
            let matcher = pattern.matcher();
            for text in &texts {
                prop_assert_eq!(matcher.is_match(text), regex.is_match(text), "{} {:?}", expression, text);
            }
        }
    }

    #[test]
    fn patterns_of_plain_shapes_need_no_automaton() {
        for (plain, good, bad) in [
            ("^[A-Z]{3}$", "EUR", "EURO"),
            ("^ORD-[0-9]{10}$", "ORD-0123456789", "ORD-012345678x"),
            ("^([0-9]{5}|N/A)$", "N/A", "N/"),
            ("^[^@ ]+@[^@ ]+\\.[a-z]+$", "a.b@c.d.example", "a@b@c.example"),
            ("^\\d{4}-\\d{2}-\\d{2}$", "2026-01-31", "2026-1-31"),
            ("^[A-Z]{2}[0-9]+(-[0-9]{2})?$", "AB12-34", "AB12-3"),
            ("^[a-z][a-z]*$", "abc", ""),
            ("^(?:new|paid|packed)$", "paid", "paidd"),
        ] {
            let pattern = pattern(plain);
            assert!(pattern.plain.is_some(), "{plain}");
            let matcher = pattern.matcher();
            assert!(matcher.is_match(good) && !matcher.is_match(bad), "{plain}");
            assert!(matcher.regex.get().is_none(), "{plain}");
        }
    }

    #[test]
    fn what_has_to_be_tried_again_is_left_to_the_expression() {
        for other in [
            "[A-Z]{3}",
            "^a*[ab]b*$",
            "^(a|ab)*$",
            "^\\S+@\\S+\\.\\S+$",
            "(?m)^a$",
            "^a$|b",
            "^a\\b$",
        ] {
            assert!(Pattern::new(Regex::new(other).unwrap()).plain.is_none(), "{other}");
        }
    }

    #[test]
    fn characters_beyond_ascii_are_the_expressions_to_judge() {
        let pattern = pattern("^[^@ ]+@[^@ ]+$");
        assert!(pattern.plain.is_some());
        let matcher = pattern.matcher();
        assert!(matcher.is_match("é@ü") && !matcher.is_match("é@ ü"));
    }
}
