//! Work on threads of its own, each piece with a limit of time: whoever never pauses can be given up, although not stopped.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use polder_core::{Error, ErrorKind, Result, ResultExt as _};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Stack of the threads, bytes: planning goes as deep as a query is nested.
const STACK: usize = 16 << 20;
/// How many threads are given up before nothing more is tried: each goes on taking a processor.
const MOST_GIVEN_UP: usize = 3;

/// How a piece of work came out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome<T> {
    /// With this.
    Done(T),
    /// It took longer than it may.
    TooLong,
    /// It was not begun, since several others took longer than they may.
    NotTried,
}

/// Does `work` for each number below `pieces`, on as many threads as there are processors, and gives the outcomes in order.
///
/// # Errors
/// `Refused` where no thread starts, `Internal` where one breaks off.
pub(crate) async fn each<T: Send + 'static>(
    pieces: usize,
    limit: Duration,
    work: impl Fn(usize) -> T + Send + Sync + 'static,
) -> Result<Vec<Outcome<T>>> {
    let mut outcomes: Vec<_> = (0..pieces).map(|_| Outcome::NotTried).collect();
    let crew = Arc::new(Crew {
        work,
        next: AtomicUsize::new(0),
        states: (0..pieces).map(|_| AtomicU8::new(OPEN)).collect(),
    });
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (news, mut told) = unbounded_channel();
    let mut alive = 0;
    for _ in 0..threads.min(pieces) {
        start(&crew, &news)?;
        alive += 1;
    }
    let mut begun: BTreeMap<usize, Instant> = BTreeMap::new();
    let mut given_up = 0;
    while alive > 0 {
        let oldest = begun.iter().min_by_key(|(_, since)| **since);
        let oldest = oldest.map(|(piece, since)| (*piece, *since + limit));
        let heard = match oldest {
            Some((_, end)) => tokio::time::timeout_at(end.into(), told.recv()).await,
            None => Ok(told.recv().await),
        };
        match (heard, oldest) {
            (Ok(Some(News::Begun(piece, since))), _) => drop(begun.insert(piece, since)),
            (Ok(Some(News::Done(piece, done))), _) => {
                begun.remove(&piece);
                if let Some(outcome) = outcomes.get_mut(piece) {
                    *outcome = Outcome::Done(done);
                }
            }
            (Ok(Some(News::Ended)), _) => alive -= 1,
            (Err(_), Some((piece, _))) => {
                begun.remove(&piece);
                // Who is done just now has told so.
                if crew.take(piece, GIVEN_UP) {
                    if let Some(outcome) = outcomes.get_mut(piece) {
                        *outcome = Outcome::TooLong;
                    }
                    given_up += 1;
                    alive -= 1;
                    if given_up < MOST_GIVEN_UP {
                        start(&crew, &news)?;
                        alive += 1;
                    }
                }
            }
            (Ok(None), _) | (Err(_), None) => break,
        }
    }
    match begun.is_empty() {
        true => Ok(outcomes),
        false => Err(Error::new(ErrorKind::Internal, "planning a query broke off")),
    }
}

const OPEN: u8 = 0;
const DONE: u8 = 1;
const GIVEN_UP: u8 = 2;

enum News<T> {
    Begun(usize, Instant),
    Done(usize, T),
    /// A thread has nothing more to do, or broke off.
    Ended,
}

struct Crew<W> {
    work: W,
    /// The first piece that nobody has taken yet.
    next: AtomicUsize,
    /// Whose each piece is in the end: only one of both sides gets it.
    states: Vec<AtomicU8>,
}

impl<W> Crew<W> {
    fn take(&self, piece: usize, state: u8) -> bool {
        let own = self.states.get(piece);
        own.is_some_and(|own| {
            own.compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        })
    }
}

/// Starts a thread that is not waited for when the process ends.
fn start<T, W>(crew: &Arc<Crew<W>>, news: &UnboundedSender<News<T>>) -> Result<()>
where
    T: Send + 'static,
    W: Fn(usize) -> T + Send + Sync + 'static,
{
    let (crew, news) = (Arc::clone(crew), news.clone());
    let thread = std::thread::Builder::new().name("polder-plan".to_owned());
    let started = thread.stack_size(STACK).spawn(move || {
        let mut end = End(Some(news.clone()));
        loop {
            let piece = crew.next.fetch_add(1, Ordering::Relaxed);
            if piece >= crew.states.len() {
                return;
            }
            // Nobody listens once all is given up.
            let _heard = news.send(News::Begun(piece, Instant::now()));
            let done = (crew.work)(piece);
            if !crew.take(piece, DONE) {
                end.0 = None;
                return;
            }
            let _heard = news.send(News::Done(piece, done));
        }
    });
    started
        .map(drop)
        .context(ErrorKind::Refused, || "cannot start threads for planning".to_owned())
}

/// Tells that a thread has ended, also where it broke off; not where it was given up.
struct End<T>(Option<UnboundedSender<News<T>>>);

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        if let Some(news) = &self.0 {
            let _heard = news.send(News::Ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn outcomes_come_in_order() {
        let outcomes = each(100, LONG, |piece| piece * 2).await.unwrap();
        let expected: Vec<_> = (0..100).map(|piece| Outcome::Done(piece * 2)).collect();
        assert_eq!(outcomes, expected);
        assert_eq!(each(0, LONG, |piece| piece).await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_never_ends_is_given_up_and_the_others_are_done() {
        let (never, waits) = channel::<()>();
        let waits = Mutex::new(waits);
        let work = move |piece: usize| {
            if piece == 1 {
                let _ended = waits.lock().unwrap().recv();
            }
            piece
        };
        let outcomes = each(5, Duration::from_secs(5), work).await.unwrap();
        let done = Outcome::Done;
        assert_eq!(outcomes, [done(0), Outcome::TooLong, done(2), done(3), done(4)]);
        drop(never);
    }

    #[tokio::test]
    async fn where_several_never_end_the_rest_is_not_tried() {
        let (never, waits) = channel::<()>();
        let waits = Mutex::new(waits);
        let work = move |_: usize| {
            let _ended = waits.lock().map(|waits| waits.recv());
        };
        let outcomes = each(200, Duration::from_millis(20), work).await.unwrap();
        let count = |outcome: &Outcome<()>| outcomes.iter().filter(|one| *one == outcome).count();
        assert!(count(&Outcome::TooLong) >= MOST_GIVEN_UP, "{outcomes:?}");
        assert_eq!(count(&Outcome::TooLong) + count(&Outcome::NotTried), 200);
        drop(never);
    }

    #[tokio::test]
    async fn a_piece_that_breaks_off_is_an_error() {
        let outcomes = each(1, LONG, |_| panic!("broke")).await;
        assert_eq!(
            outcomes.map(|_: Vec<Outcome<()>>| ()).unwrap_err().kind(),
            ErrorKind::Internal
        );
    }
}
