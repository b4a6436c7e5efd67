//! Regular expressions by ECMA-262, as far as they are simple.

use super::part::{MOST, Part};

/// The deepest nesting of groups that is read.
const DEEPEST: usize = 16;

pub(super) struct Reader {
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

    /// All of a pattern between its anchors, as branches beside each other; nothing where something is no part of what is
    /// read here.
    pub(super) fn branches(inner: &str) -> Option<Vec<Part>> {
        let mut reader = Self {
            rest: inner.chars().collect(),
            at: 0,
        };
        let branches = reader.alternatives(0)?;
        (reader.at == reader.rest.len()).then_some(branches)
    }

    fn alternatives(&mut self, depth: usize) -> Option<Vec<Part>> {
        let mut branches = vec![self.branch(depth)?];
        while self.takes('|') {
            branches.push(self.branch(depth)?);
        }
        Some(branches)
    }

    fn branch(&mut self, depth: usize) -> Option<Part> {
        let mut row = Vec::new();
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let one = self.atom(depth)?;
            row.push(match self.count()? {
                (1, Some(1)) => one,
                (least, most) => Part::Repeated {
                    part: Box::new(one),
                    least,
                    most,
                },
            });
        }
        Some(Part::Row(row))
    }

    fn atom(&mut self, depth: usize) -> Option<Part> {
        match self.next()? {
            '(' if depth < DEEPEST => {
                if self.takes('?') && !self.takes(':') {
                    return None;
                }
                let branches = self.alternatives(depth + 1)?;
                self.takes(')').then_some(Part::Either(branches))
            }
            '[' => self.class(),
            '\\' => match self.broad() {
                Some(some) => Some(Part::of_characters(some.chars(), false)),
                None => Some(Part::of_characters(self.escaped()?, true)),
            },
            '.' => Some(Part::of_characters("a0 -~".chars(), false)),
            '(' | ')' | '^' | '$' | '*' | '+' | '?' | '{' | '}' | ']' => None,
            literal => Some(Part::of_characters([literal], true)),
        }
    }

    /// Some of the characters of a class behind a backslash that has too many: who makes texts of them holds these against
    /// the pattern.
    fn broad(&mut self) -> Option<&'static str> {
        let some = match self.peek()? {
            's' => " ",
            'S' | 'D' => "aZ-",
            'W' => " -",
            'p' if self.rest.get(self.at + 1) == Some(&'{') => {
                let length = self.rest[self.at..].iter().position(|character| *character == '}')?;
                let kind = self.rest.get(self.at + 2).copied();
                self.at += length;
                match kind {
                    Some('N') => "0",
                    Some('P') => "-",
                    Some('Z') => " ",
                    _ => "aZ",
                }
            }
            _ => return None,
        };
        self.at += 1;
        Some(some)
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

    fn class(&mut self) -> Option<Part> {
        let negated = self.takes('^');
        let (mut characters, mut all) = (Vec::new(), true);
        loop {
            let some = match self.next()? {
                ']' if characters.is_empty() => return None,
                ']' => break,
                '\\' => match self.broad() {
                    Some(some) => {
                        all = false;
                        some.chars().collect()
                    }
                    None => self.escaped()?,
                },
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
            if to < *from {
                return None;
            }
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
                Part::of_characters(others.step_by(7), false)
            }
            true => return None,
            false => Part::of_characters(characters, all),
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
        let is_all = !matches!(self.peek(), Some('?' | '*' | '+' | '{'));
        (is_all && count.1.is_none_or(|most| count.0 <= most)).then_some(count)
    }

    fn number(&mut self) -> Option<usize> {
        let from = self.at;
        while self.peek().is_some_and(|digit| digit.is_ascii_digit()) {
            self.at += 1;
        }
        self.rest[from..self.at].iter().collect::<String>().parse().ok()
    }
}
