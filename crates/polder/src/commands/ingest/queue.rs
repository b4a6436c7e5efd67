//! The order in which streams run that wait for each other.

use std::collections::BTreeSet;

/// Streams, by their positions, each of which starts once those have ended that it waits for.
pub(super) struct Queue {
    waiting: Vec<(usize, BTreeSet<usize>)>,
    running: BTreeSet<usize>,
}

impl Queue {
    /// `before` are the streams that each one waits for.
    pub(super) fn new(before: &[BTreeSet<usize>]) -> Self {
        Self {
            waiting: before.iter().cloned().enumerate().collect(),
            running: BTreeSet::new(),
        }
    }

    /// The streams that start now. Of those that wait for each other in a circle the first one does when nothing else is
    /// left to wait for.
    pub(super) fn ready(&mut self) -> Vec<usize> {
        let free = |(_, before): &(usize, BTreeSet<usize>)| before.is_empty();
        let mut start: Vec<_> = self
            .waiting
            .iter()
            .filter(|one| free(one))
            .map(|(place, _)| *place)
            .collect();
        self.waiting.retain(|one| !free(one));
        if start.is_empty() && self.running.is_empty() && !self.waiting.is_empty() {
            start.push(self.waiting.remove(0).0);
        }
        self.running.extend(&start);
        start
    }

    /// A stream has ended, well or not: what waits for it waits no longer.
    pub(super) fn end(&mut self, place: usize) {
        self.running.remove(&place);
        for (_, before) in &mut self.waiting {
            before.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(before: &[&[usize]]) -> Queue {
        let before: Vec<_> = before.iter().map(|before| before.iter().copied().collect()).collect();
        Queue::new(&before)
    }

    #[test]
    fn a_stream_starts_when_all_that_it_waits_for_have_ended_and_no_later() {
        // 0 waits for 1 and 3, 1 for 2.
        let mut queue = queue(&[&[1, 3], &[2], &[], &[]]);
        assert_eq!(queue.ready(), [2, 3]);
        queue.end(3);
        assert_eq!(queue.ready(), [0; 0]);
        queue.end(2);
        assert_eq!(queue.ready(), [1]);
        queue.end(1);
        assert_eq!(queue.ready(), [0]);
        queue.end(0);
        assert_eq!(queue.ready(), [0; 0]);
    }

    #[test]
    fn streams_in_a_circle_run_all_the_same() {
        let mut queue = queue(&[&[1], &[0], &[]]);
        assert_eq!(queue.ready(), [2]);
        assert_eq!(queue.ready(), [0; 0]);
        queue.end(2);
        assert_eq!(queue.ready(), [0]);
        queue.end(0);
        assert_eq!(queue.ready(), [1]);
    }
}
