//! The texts that a regular expression matches, where it is simple enough to tell them one by one; of others some of them.

/// More texts than these are not told.
const MOST: usize = 1024;

/// The longest text that is told, characters.
const LONGEST: usize = 64;

/// Longer patterns are not read, bytes.
const LONGEST_PATTERN: usize = 512;

/// The deepest nesting of groups that is read.
const DEEPEST: usize = 16;

/// Any number of repetitions stands for so many more than the least.
const SOME: usize = 2;

/// Texts that a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) texts: Vec<String>,
    /// Whether it matches no others.
    pub(super) all: bool,
    /// The least and the greatest number of characters of all that it matches.
    pub(super) lengths: (usize, Option<usize>),
}

impl Words {
    /// Of a pattern by ECMA-262. Texts may be among them that it does not match: who needs to know holds them against it.
    pub(super) fn of(pattern: &str) -> Self {
        if pattern.len() > LONGEST_PATTERN {
            return Self::none();
        }
        let inner = pattern.strip_prefix('^').unwrap_or(pattern);
        let ends = inner.strip_suffix('$').filter(|rest| {
            let escapes = rest.chars().rev().take_while(|character| *character == '\\').count();
            escapes % 2 == 0
        });
        let anchored = pattern.starts_with('^') && ends.is_some();
        let mut reader = Reader {
            rest: ends.unwrap_or(inner).chars().collect(),
            at: 0,
        };
        match reader.alternatives(0) {
            // `^a|b$` has each of its anchors in one branch only.
            Some((words, branches)) if reader.at == reader.rest.len() => match anchored && branches == 1 {
                true => words,
                false => Self {
                    texts: words.texts,
                    ..Self::none()
                },
            },
            _ => Self::none(),
        }
    }

    fn none() -> Self {
        Self {
            texts: Vec::new(),
            all: false,
            lengths: (0, None),
        }
    }

    fn one(text: &str) -> Self {
        Self {
            texts: vec![text.to_owned()],
            all: true,
            lengths: (text.chars().count(), Some(text.chars().count())),
        }
    }

    fn of_characters(characters: impl IntoIterator<Item = char>, all: bool) -> Self {
        let texts = characters.into_iter().map(String::from).collect();
        let lengths = (1, Some(1));
        Self { texts, all, lengths }.thinned(MOST)
    }

    /// At most so many of them, from everywhere.
    fn thinned(mut self, most: usize) -> Self {
        self.texts.sort_unstable();
        self.texts.dedup();
        if self.texts.len() > most.max(1) {
            let step = self.texts.len().div_ceil(most.max(1));
            self.texts = self.texts.into_iter().step_by(step).collect();
            self.all = false;
        }
        self
    }

    fn or(mut self, other: Self) -> Self {
        self.texts.extend(other.texts);
        self.all &= other.all;
        let (one, two) = (self.lengths, other.lengths);
        self.lengths = (one.0.min(two.0), one.1.zip(two.1).map(|(one, two)| one.max(two)));
        self.thinned(MOST)
    }

    /// Each of these with each of the others behind it.
    fn then(self, other: &Self) -> Self {
        let (one, two) = (self.lengths, other.lengths);
        let most = one.1.zip(two.1).map(|(one, two)| one.saturating_add(two));
        let lengths = (one.0.saturating_add(two.0), most);
        let first = match self.texts.len() * other.texts.len() > MOST {
            true => self.thinned(MOST / other.texts.len().min(64)),
            false => self,
        };
        let second = other.clone().thinned(MOST / first.texts.len().max(1));
        let all = first.all && second.all;
        let mut texts = Vec::with_capacity(first.texts.len() * second.texts.len());
        for one in &first.texts {
            texts.extend(second.texts.iter().map(|other| format!("{one}{other}")));
        }
        let many = texts.len();
        texts.retain(|text| text.chars().count() <= LONGEST);
        let all = all && texts.len() == many;
        Self { texts, all, lengths }.thinned(MOST)
    }

    /// So many in a row.
    fn repeated(&self, least: usize, most: Option<usize>) -> Self {
        let mut row = Self::one("");
        let mut found = Self {
            texts: Vec::new(),
            all: most.is_some(),
            lengths: (usize::MAX, Some(0)),
        };
        let last = most.unwrap_or(least.saturating_add(SOME));
        for count in 0..=last {
            if count > LONGEST || row.texts.is_empty() {
                found.all = false;
                break;
            }
            if count >= least {
                found = found.or(row.clone());
            }
            row = row.then(self);
        }
        let times = |own: Option<usize>, many: Option<usize>| match (own, many) {
            (Some(0), _) | (_, Some(0)) => Some(0),
            (own, many) => own.zip(many).map(|(own, many)| own.saturating_mul(many)),
        };
        found.lengths = (self.lengths.0.saturating_mul(least), times(self.lengths.1, most));
        found
    }
}

struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn takes(&mut self, wanted: char) -> bool {
        let is = self.peek() == Some(wanted);
        self.at += usize::from(is);
        is
    }

    /// Branches beside each other, and how many they are; nothing where something is no part of what is read here.
    fn alternatives(&mut self, depth: usize) -> Option<(Words, usize)> {
        let (mut words, mut branches) = (self.branch(depth)?, 1);
        while self.takes('|') {
            words = words.or(self.branch(depth)?);
            branches += 1;
        }
        Some((words, branches))
    }

    fn branch(&mut self, depth: usize) -> Option<Words> {
        let mut words = Words::one("");
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let one = self.atom(depth)?;
            let (least, most) = self.count()?;
            words = words.then(&one.repeated(least, most));
        }
        Some(words)
    }

    fn atom(&mut self, depth: usize) -> Option<Words> {
        match self.next()? {
            '(' if depth < DEEPEST => {
                if self.takes('?') && !self.takes(':') {
                    return None;
                }
                let (words, _) = self.alternatives(depth + 1)?;
                self.takes(')').then_some(words)
            }
            '[' => self.class(),
            '\\' => Some(Words::of_characters(self.escaped()?, true)),
            '.' => Some(Words::of_characters("a0 -~".chars(), false)),
            '(' | ')' | '^' | '$' | '*' | '+' | '?' | '{' | '}' | ']' => None,
            literal => Some(Words::of_characters([literal], true)),
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Option<Vec<char>> {
        Some(match self.next()? {
            'd' => ('0'..='9').collect(),
            'w' => ('0'..='9').chain('A'..='Z').chain('a'..='z').chain(['_']).collect(),
            mark if mark.is_ascii_punctuation() => vec![mark],
            _ => return None,
        })
    }

    fn class(&mut self) -> Option<Words> {
        let negated = self.takes('^');
        let (mut characters, mut all) = (Vec::new(), true);
        loop {
            let some = match self.next()? {
                ']' if characters.is_empty() => return None,
                ']' => break,
                '\\' => self.escaped()?,
                one => vec![one],
            };
            let is_range = self.peek() == Some('-') && !matches!(self.rest.get(self.at + 1), None | Some(']'));
            if !is_range {
                characters.extend(some);
                continue;
            }
            let [from] = some.as_slice() else { return None };
            self.at += 1;
            let to = match self.next()? {
                '\\' => match self.escaped()?.as_slice() {
                    [one] => *one,
                    _ => return None,
                },
                one => one,
            };
            let range = *from..=to;
            let many = u32::from(to).saturating_sub(u32::from(*from)) as usize;
            if many > MOST {
                all = false;
                characters.extend([*from, to]);
            } else {
                characters.extend(range);
            }
        }
        Some(match negated {
            true if all => {
                let others = (' '..='~').filter(|character| !characters.contains(character));
                Words::of_characters(others.step_by(7), false)
            }
            true => return None,
            false => Words::of_characters(characters, all),
        })
    }

    /// How often the atom may come.
    fn count(&mut self) -> Option<(usize, Option<usize>)> {
        let count = match self.peek() {
            Some('?') => (0, Some(1)),
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('{') => {
                self.at += 1;
                let least = self.number()?;
                let most = match self.takes(',') {
                    true if self.peek() == Some('}') => None,
                    true => Some(self.number()?),
                    false => Some(least),
                };
                if self.peek() != Some('}') {
                    return None;
                }
                (least, most)
            }
            _ => return Some((1, Some(1))),
        };
        self.at += 1;
        // As few as can be: of the same texts.
        self.takes('?');
        (!matches!(self.peek(), Some('?' | '*' | '+' | '{'))).then_some(count)
    }

    fn number(&mut self) -> Option<usize> {
        let from = self.at;
        while self.peek().is_some_and(|digit| digit.is_ascii_digit()) {
            self.at += 1;
        }
        self.rest[from..self.at].iter().collect::<String>().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::regex;

    #[test]
    fn simple_patterns_are_told_word_by_word() {
        for (pattern, expected) in [
            ("^[ab]$", &["a", "b"][..]),
            ("^(a|bc)?$", &["", "a", "bc"]),
            ("^(?:EUR|USD)$", &["EUR", "USD"]),
            (
                "^[a-c]{1,2}$",
                &["a", "aa", "ab", "ac", "b", "ba", "bb", "bc", "c", "ca", "cb", "cc"],
            ),
            (r"^a\.[\-x]$", &["a.-", "a.x"]),
            ("^[a-]$", &["-", "a"]),
            ("^x{0}y$", &["y"]),
        ] {
            let words = Words::of(pattern);
            assert_eq!(
                (words.texts, words.all),
                (expected.iter().map(ToString::to_string).collect(), true),
                "{pattern}"
            );
        }
    }

    #[test]
    fn of_other_patterns_some_words_are_told_and_never_that_these_are_all() {
        let patterns = [
            "a",
            "^a",
            "a$",
            r"^a\$",
            "^a|b$",
            "^a+$",
            "^.$",
            "^[^a]$",
            "^(?=a)a$",
            r"^\p{L}$",
            "^[a-z]{9}$",
            "^a{2,}$",
            "^[]$",
            "^a**$",
            "^(((((((((((((((((a)))))))))))))))))$",
            "^[\u{0}-\u{ffff}]$",
            "^(a{200}){200}$",
            r"^\bb$",
            "^a{,2}$",
            "^{$",
        ];
        for pattern in patterns {
            assert!(!Words::of(pattern).all, "{pattern}");
        }
        assert!(Words::of("^[a-z]{9}$").texts.contains(&"aaaaaaaaa".to_owned()));
    }

    #[test]
    fn how_long_texts_are_is_told_of_anchored_patterns() {
        for (pattern, expected) in [
            ("^[A-Z]{3}$", (3, Some(3))),
            ("^[a-z]{1,30}(x|yz)?$", (1, Some(32))),
            (r"^\d+-.{2}$", (4, None)),
            ("^(a{2}|b*)$", (0, None)),
            ("^(?:){3,}$", (0, Some(0))),
            ("^a{90}$", (90, Some(90))),
            ("[A-Z]{3}", (0, None)),
            ("^a|b$", (0, None)),
        ] {
            assert_eq!(Words::of(pattern).lengths, expected, "{pattern}");
        }
    }

    #[test]
    fn every_word_is_one_that_the_pattern_matches() {
        for pattern in [
            "^[A-Z]{2,3}-[0-9]{4}$",
            r"^\d{3}\w?$",
            "^(a|b|cd){1,3}x*$",
            "^[^a-m]+$",
            "^.{3}$",
            r"^(\+|00)[1-9]\d{1,5}$",
            "x?y{2}",
        ] {
            let (regex, words) = (regex(pattern).unwrap(), Words::of(pattern));
            assert!(!words.texts.is_empty() && words.texts.len() <= MOST, "{pattern}");
            for word in words.texts {
                assert!(regex.is_match(&word), "{pattern}: {word}");
            }
        }
    }
}
