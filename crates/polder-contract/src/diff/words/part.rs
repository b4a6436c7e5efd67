//! Parts of a regular expression, and texts that they match.

use std::iter::repeat_n;

/// More texts than these are not told one by one.
pub(super) const MOST: usize = 1024;

/// The longest text that is told one by one, characters.
const LONGEST: usize = 64;

/// So many texts stand for more than can be told.
pub(super) const SOME: usize = 64;

/// The longest of these, characters.
const LONGEST_OF_SOME: usize = 300;

/// From so many places of a class characters are taken for long texts.
pub(super) const PLACES: usize = 3;

/// What a regular expression is made of.
#[derive(Debug)]
pub(super) enum Part {
    /// One of these characters; whether it is none but these.
    Character { some: Vec<char>, all: bool },
    /// One behind the other.
    Row(Vec<Part>),
    /// One of them.
    Either(Vec<Part>),
    /// So many in a row.
    Repeated {
        part: Box<Part>,
        least: usize,
        most: Option<usize>,
    },
}

impl Part {
    pub(super) fn of_characters(characters: impl IntoIterator<Item = char>, all: bool) -> Self {
        let mut some: Vec<_> = characters.into_iter().collect();
        some.sort_unstable();
        some.dedup();
        Self::Character { some, all }
    }

    /// The least and the greatest number of characters.
    pub(super) fn lengths(&self) -> (usize, Option<usize>) {
        match self {
            Self::Character { .. } => (1, Some(1)),
            Self::Row(row) => row.iter().map(Self::lengths).fold((0, Some(0)), |one, two| {
                let most = one.1.zip(two.1).map(|(one, two)| one.saturating_add(two));
                (one.0.saturating_add(two.0), most)
            }),
            Self::Either(branches) => {
                let either = branches
                    .iter()
                    .map(Self::lengths)
                    .reduce(|one, two| (one.0.min(two.0), one.1.zip(two.1).map(|(one, two)| one.max(two))));
                either.unwrap_or((0, Some(0)))
            }
            Self::Repeated { part, least, most } => {
                let own = part.lengths();
                let longest = match (own.1, *most) {
                    (Some(0), _) | (_, Some(0)) => Some(0),
                    (own, most) => own.zip(most).map(|(own, most)| own.saturating_mul(most)),
                };
                (own.0.saturating_mul(*least), longest)
            }
        }
    }

    /// Every text that it matches, where they are few and short.
    pub(super) fn all(&self) -> Option<Vec<String>> {
        let few = self.count().is_some_and(|count| count <= MOST);
        let short = self.lengths().1.is_some_and(|longest| longest <= LONGEST);
        (few && short).then(|| self.each())
    }

    /// How many texts it matches, some of them counted twice; nothing where there is no end to them.
    fn count(&self) -> Option<usize> {
        match self {
            Self::Character { some, all } => all.then_some(some.len()),
            Self::Row(row) => row
                .iter()
                .map(Self::count)
                .try_fold(1_usize, |all, count| Some(all.saturating_mul(count?))),
            Self::Either(branches) => branches
                .iter()
                .map(Self::count)
                .try_fold(0_usize, |all, count| Some(all.saturating_add(count?))),
            Self::Repeated { most: Some(0), .. } => Some(1),
            Self::Repeated { part, .. } if part.lengths().1 == Some(0) => Some(1),
            Self::Repeated { part, least, most } => {
                let most = (*most).filter(|most| *most <= LONGEST)?;
                let each = part.count()?;
                let power = |times: usize| each.saturating_pow(u32::try_from(times).unwrap_or(u32::MAX));
                Some((*least..=most).map(power).fold(0, usize::saturating_add))
            }
        }
    }

    /// Every text; its caller knows that they are few.
    fn each(&self) -> Vec<String> {
        let none = || vec![String::new()];
        match self {
            Self::Character { some, .. } => some.iter().map(|one| String::from(*one)).collect(),
            Self::Row(row) => row.iter().fold(none(), |texts, part| crossed(&texts, &part.each())),
            Self::Either(branches) => branches.iter().flat_map(Self::each).collect(),
            Self::Repeated { most: Some(0), .. } => none(),
            Self::Repeated { part, .. } if part.lengths().1 == Some(0) => none(),
            Self::Repeated { part, least, most } => {
                let own = part.each();
                let (mut texts, mut row) = (Vec::new(), none());
                for times in 0..=most.unwrap_or(*least) {
                    if times > 0 {
                        row = crossed(&row, &own);
                    }
                    if times >= *least {
                        texts.extend_from_slice(&row);
                    }
                }
                texts
            }
        }
    }

    /// Some texts, short ones and long ones, of characters from everywhere: at most [`SOME`].
    pub(super) fn some(&self) -> Vec<String> {
        match self {
            Self::Character { some, .. } => picked(some, SOME).into_iter().map(|one| String::from(*one)).collect(),
            Self::Row(row) => row.iter().fold(vec![String::new()], |texts, part| {
                let more = part.some();
                if texts.len().saturating_mul(more.len()) <= SOME {
                    return crossed(&texts, &more);
                }
                // Each of both in one text at least.
                let joined = (0..texts.len().max(more.len())).map(|at| {
                    let (one, other) = (texts.get(at % texts.len()), more.get(at % more.len()));
                    [one, other].into_iter().flatten().map(String::as_str).collect()
                });
                short(joined)
            }),
            Self::Either(branches) => {
                let share = (SOME / branches.len().max(1)).max(1);
                let texts = branches.iter().take(SOME).flat_map(|branch| {
                    let some = branch.some();
                    picked(&some, share).into_iter().cloned().collect::<Vec<_>>()
                });
                texts.collect()
            }
            Self::Repeated { part, least, most } => {
                let most = most.unwrap_or(least.saturating_add(3));
                let own = part.some();
                let near = [0, 1, 2, 3].map(|more| least.saturating_add(more));
                let far = [least.midpoint(most), most.saturating_sub(1), most];
                let mut times: Vec<_> = near.into_iter().chain(far).collect();
                times.retain(|times| (*least..=most).contains(times) && *times <= LONGEST_OF_SOME);
                times.sort_unstable();
                times.dedup();
                let share = (SOME / times.len().max(1)).max(1);
                short(times.into_iter().flat_map(|times| rows(&own, times, share)))
            }
        }
    }

    /// A text that has so many characters more than the least, as far as it can; of the characters at one of [`PLACES`] of
    /// each class.
    pub(super) fn grown(&self, more: &mut usize, place: usize) -> String {
        match self {
            Self::Character { some, .. } => {
                // The last ones of most classes are letters.
                let one = some.iter().nth_back(place * some.len() / PLACES);
                one.map(|one| String::from(*one)).unwrap_or_default()
            }
            Self::Row(row) => row.iter().map(|part| part.grown(more, place)).collect(),
            Self::Either(branches) => {
                let longest = |branch: &&Self| branch.lengths().1.unwrap_or(usize::MAX);
                let shortest = |branch: &&Self| branch.lengths().0;
                let chosen = match *more {
                    0 => branches.iter().min_by_key(shortest),
                    _ => branches.iter().max_by_key(longest),
                };
                let least = self.lengths().0;
                let Some(chosen) = chosen else { return String::new() };
                *more = more.saturating_sub(chosen.lengths().0.saturating_sub(least));
                chosen.grown(more, place)
            }
            Self::Repeated { part, least, most } => {
                let shortest = part.lengths().0;
                let (mut text, mut times) = (String::new(), 0);
                while most.is_none_or(|most| times < most) {
                    let is_asked = times < *least && shortest > 0;
                    if !is_asked {
                        if *more == 0 {
                            break;
                        }
                        *more = more.saturating_sub(shortest);
                    }
                    let one = part.grown(more, place);
                    // What is empty grows no more.
                    if one.is_empty() {
                        break;
                    }
                    text.push_str(&one);
                    times += 1;
                }
                text
            }
        }
    }
}

/// Each of these with each of the others behind it.
fn crossed(texts: &[String], more: &[String]) -> Vec<String> {
    let each = texts
        .iter()
        .flat_map(|one| more.iter().map(move |other| format!("{one}{other}")));
    each.collect()
}

/// So many in a row, of the same ones and of different ones.
fn rows(own: &[String], times: usize, share: usize) -> Vec<String> {
    if times == 0 {
        return vec![String::new()];
    }
    let own: Vec<_> = own
        .iter()
        .filter(|one| one.len().saturating_mul(times) <= LONGEST_OF_SOME)
        .collect();
    let starts: Vec<_> = (0..own.len()).collect();
    let row = |start: &usize, step: usize| {
        let places = (0..times).map(|at| (start + at * step) % own.len());
        places
            .filter_map(|place| own.get(place))
            .map(|one| one.as_str())
            .collect::<String>()
    };
    let from = |starts: Vec<&usize>, step: usize| starts.into_iter().map(|start| row(start, step)).collect::<Vec<_>>();
    if times == 1 {
        return from(picked(&starts, share), 0);
    }
    let same = from(picked(&starts, share.div_ceil(2)), 0);
    let different = from(picked(&starts, share / 2), 1);
    same.into_iter().chain(different).collect()
}

/// At most so many, from the first to the last.
fn picked<T>(all: &[T], most: usize) -> Vec<&T> {
    if all.len() <= most {
        return all.iter().collect();
    }
    let steps = most.saturating_sub(1).max(1);
    let at = (0..most).map(|step| step * (all.len() - 1) / steps);
    at.filter_map(|at| all.get(at)).collect()
}

fn short(texts: impl Iterator<Item = String>) -> Vec<String> {
    let short = texts.filter(|text| text.len() <= LONGEST_OF_SOME);
    short.take(SOME).collect()
}

/// A text and what makes it so long, characters.
pub(super) fn padded(text: &str, length: usize) -> String {
    let own = text.chars().count();
    text.chars().chain(repeat_n('a', length.saturating_sub(own))).collect()
}
