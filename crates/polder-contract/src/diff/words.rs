//! The texts that a regular expression matches, where it is simple enough to tell them one by one; of others some of them.

mod part;
mod reading;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;

use self::part::{PLACES, Part, padded};
use self::reading::Reader;
use crate::rule::regex;

/// Longer patterns are not read, bytes.
const LONGEST_PATTERN: usize = 512;

/// So many patterns are known at a time: those of one comparison are few.
const KNOWN: usize = 32;

/// The longest text that is made to be longer than others, characters.
const LONGEST: usize = 10_000;

thread_local! {
    static BY_PATTERN: RefCell<HashMap<String, Rc<Words>>> = RefCell::default();
}

/// Texts that a pattern matches.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) texts: Vec<String>,
    /// Whether it matches no others.
    pub(super) all: bool,
    /// The least and the greatest number of characters of all that it matches.
    pub(super) lengths: (usize, Option<usize>),
    /// What is between its anchors, where it can be read.
    inner: Option<Part>,
    anchored: bool,
    pattern: String,
    regex: OnceCell<Option<Regex>>,
}

impl Words {
    /// Of a pattern by ECMA-262. Texts may be among them that it does not match: who needs to know holds them against it.
    pub(super) fn of(pattern: &str) -> Rc<Self> {
        BY_PATTERN.with_borrow_mut(|known| {
            if let Some(words) = known.get(pattern) {
                return Rc::clone(words);
            }
            if known.len() >= KNOWN {
                known.clear();
            }
            let words = Rc::new(Self::read(pattern));
            known.insert(pattern.to_owned(), Rc::clone(&words));
            words
        })
    }

    fn read(pattern: &str) -> Self {
        let none = Self {
            texts: Vec::new(),
            all: false,
            lengths: (0, None),
            inner: None,
            anchored: false,
            pattern: pattern.to_owned(),
            regex: OnceCell::new(),
        };
        if pattern.len() > LONGEST_PATTERN {
            return none;
        }
        let inner = pattern.strip_prefix('^').unwrap_or(pattern);
        let ends = inner.strip_suffix('$').filter(|rest| {
            let escapes = rest.chars().rev().take_while(|character| *character == '\\').count();
            escapes % 2 == 0
        });
        let Some(branches) = Reader::branches(ends.unwrap_or(inner)) else {
            return none;
        };
        // `^a|b$` has each of its anchors in one branch only.
        let anchored = pattern.starts_with('^') && ends.is_some() && branches.len() == 1;
        let inner = Part::Either(branches);
        let all = inner.all();
        Self {
            all: anchored && all.is_some(),
            texts: sorted(all.unwrap_or_else(|| inner.some())),
            lengths: if anchored { inner.lengths() } else { (0, None) },
            inner: Some(inner),
            anchored,
            ..none
        }
    }

    /// Some texts of a length, or of about that, as far as there are any.
    pub(super) fn of_length(&self, length: usize) -> Vec<String> {
        let Some((inner, least)) = self.inner.as_ref().map(|inner| (inner, inner.lengths().0)) else {
            return Vec::new();
        };
        if least.max(length) > LONGEST {
            return Vec::new();
        }
        let texts = (0..PLACES).map(|place| {
            let text = inner.grown(&mut length.saturating_sub(least), place);
            match self.anchored {
                true => text,
                // What stands behind is free where there is no anchor.
                false => padded(&text, length),
            }
        });
        sorted(texts.collect())
    }

    /// Whether the pattern matches a text; nothing where it is none.
    pub(super) fn match_of(&self, text: &str) -> Option<bool> {
        let regex = self.regex.get_or_init(|| regex(&self.pattern).ok());
        Some(regex.as_ref()?.is_match(text))
    }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests;
