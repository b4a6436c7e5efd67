//! One way through an ASCII text, byte by byte.

/// Sets of ASCII characters that a pattern's ways have.
#[derive(Debug, Default)]
pub(super) struct Sets {
    known: Vec<u128>,
}

/// For each byte the sets that it is in, one a bit.
#[derive(Debug)]
pub(super) struct Table(Box<[u32; 256]>);

/// What a text consists of, from one end to the other.
#[derive(Debug)]
pub(super) struct Way {
    /// Bytes of a text at least and at most.
    least: usize,
    most: usize,
    /// Whether it goes from the end to the start.
    backwards: bool,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    /// A byte of each of these sets, in the text's order.
    Each(Vec<u32>),
    /// All bytes of a set that come next: so many at least, and at most.
    Run { set: u32, least: usize, most: usize },
}

impl Sets {
    /// The bit of a set, of which the argument has a bit for each character; none where there are too many sets.
    fn bit(&mut self, characters: u128) -> Option<u32> {
        let place = self.known.iter().position(|known| *known == characters);
        let place = place.unwrap_or_else(|| {
            self.known.push(characters);
            self.known.len() - 1
        });
        1_u32.checked_shl(u32::try_from(place).ok()?)
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Box::new([0; 256]);
        for (byte, sets) in table.iter_mut().enumerate().take(128) {
            for (place, set) in self.known.iter().enumerate() {
                *sets |= u32::from(set >> byte & 1 == 1) << place;
            }
        }
        Table(table)
    }
}

impl Table {
    fn has(&self, set: u32, byte: u8) -> bool {
        self.0[usize::from(byte)] & set != 0
    }
}

impl Way {
    /// Sets of ASCII characters, a bit for each, and how many come at least and at most; in the text's order. None where
    /// there are too many sets.
    pub(super) fn new(
        parts: impl Iterator<Item = (u128, usize, usize)>,
        backwards: bool,
        sets: &mut Sets,
    ) -> Option<Self> {
        let mut way = Self {
            least: 0,
            most: 0,
            backwards,
            steps: Vec::new(),
        };
        for (characters, least, most) in parts {
            way.least = way.least.saturating_add(least);
            way.most = way.most.saturating_add(most);
            let set = sets.bit(characters)?;
            match way.steps.last_mut() {
                _ if least != most => way.steps.push(Step::Run { set, least, most }),
                Some(Step::Each(each)) => each.resize(each.len() + least, set),
                _ => way.steps.push(Step::Each(vec![set; least])),
            }
        }
        if backwards {
            way.steps.reverse();
        }
        Some(way)
    }

    /// Whether the text takes this way.
    pub(super) fn fits(&self, text: &[u8], table: &Table) -> bool {
        if text.len() < self.least || text.len() > self.most {
            return false;
        }
        match self.backwards {
            false => self.forth(text, table),
            true => self.back(text, table),
        }
    }

    fn forth(&self, mut text: &[u8], table: &Table) -> bool {
        for step in &self.steps {
            match step {
                Step::Each(each) => match text.split_at_checked(each.len()) {
                    Some((these, rest)) if all_in(these, each, table) => text = rest,
                    _ => return false,
                },
                Step::Run { set, least, most } => {
                    let end = text.iter().position(|byte| !table.has(*set, *byte));
                    let run = end.unwrap_or(text.len());
                    if run < *least || run > *most {
                        return false;
                    }
                    text = &text[run..];
                }
            }
        }
        text.is_empty()
    }

    fn back(&self, mut text: &[u8], table: &Table) -> bool {
        for step in &self.steps {
            match step {
                Step::Each(each) => {
                    let before = text.len().checked_sub(each.len());
                    match before.map(|before| text.split_at(before)) {
                        Some((rest, these)) if all_in(these, each, table) => text = rest,
                        _ => return false,
                    }
                }
                Step::Run { set, least, most } => {
                    let before = text.iter().rposition(|byte| !table.has(*set, *byte));
                    let rest = before.map_or(0, |place| place + 1);
                    let run = text.len() - rest;
                    if run < *least || run > *most {
                        return false;
                    }
                    text = &text[..rest];
                }
            }
        }
        text.is_empty()
    }
}

fn all_in(bytes: &[u8], each: &[u32], table: &Table) -> bool {
    bytes.iter().zip(each).all(|(byte, set)| table.has(*set, *byte))
}
