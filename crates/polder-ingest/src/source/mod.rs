//! Sources: a thread of its own reads records and hands them over in chunks.
//!
//! A reader knows no tables. It asks where its lanes (partitions, files) go on, and is stopped by a token. What it
//! reads waits in a short queue, so a slow lake slows the source down instead of filling memory.

pub(crate) mod files;
pub(crate) mod kafka;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use polder_core::{Error, ErrorKind, Result, ResultExt};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::chunk::{Chunk, Lane};

/// Chunks that wait at most, besides the one that is being filled and the one that is being decoded.
const QUEUE: usize = 2;
/// How long a reader that was stopped may take to end before it is left to itself.
const FAREWELL: Duration = Duration::from_secs(10);

/// What a reader tells.
pub(crate) enum Event {
    /// Where do these lanes go on? The answer has one place a lane; none where nothing was read yet.
    Positions {
        lanes: Vec<Arc<Lane>>,
        reply: oneshot::Sender<Vec<Option<i64>>>,
    },
    /// About so many records lie ahead, beyond those announced before.
    Expected(u64),
    /// Records, or places that were passed over.
    Chunk(Chunk),
    /// Something that people should know; reading goes on.
    Notice(String),
    /// Everything is read.
    End,
    /// Reading cannot go on.
    Failed(Error),
}

/// A reader's side of the queue.
pub(crate) struct Port {
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
    runtime: Handle,
}

/// The other side wants nothing more; a reader ends when it sees this.
#[derive(Debug)]
pub(crate) struct Stopped;

/// Why a reader ended before its end.
pub(crate) enum Halt {
    Stopped,
    Failed(Error),
}

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Port {
    /// Sends, and waits while the queue is full.
    pub(crate) fn send(&self, event: Event) -> Result<(), Stopped> {
        self.events.blocking_send(event).map_err(|_| Stopped)
    }

    pub(crate) fn notice(&self, text: impl Into<String>) -> Result<(), Stopped> {
        self.send(Event::Notice(text.into()))
    }

    /// Asks where lanes go on.
    pub(crate) fn positions(&self, lanes: &[Arc<Lane>]) -> Result<Vec<Option<i64>>, Stopped> {
        if lanes.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        self.send(Event::Positions {
            lanes: lanes.to_vec(),
            reply,
        })?;
        answer.blocking_recv().map_err(|_| Stopped)
    }

    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if self.stop.is_cancelled() { Err(Stopped) } else { Ok(()) }
    }

    /// Waits, or ends at once when the reader is stopped.
    pub(crate) fn pause(&self, time: Duration) -> Result<(), Stopped> {
        let stopped = self
            .runtime
            .block_on(async { tokio::time::timeout(time, self.stop.cancelled()).await });
        if stopped.is_ok() { Err(Stopped) } else { Ok(()) }
    }
}

/// A reader at work. It is stopped when this goes, and waited for by [`Reader::close`].
pub(crate) struct Reader {
    pub(crate) events: mpsc::Receiver<Event>,
    stop: DropGuard,
    thread: JoinHandle<()>,
}

impl Reader {
    /// Starts a thread that runs `read` to its end. Must be called within a runtime.
    pub(crate) fn start(name: &str, read: impl FnOnce(&Port) -> Result<(), Halt> + Send + 'static) -> Result<Self> {
        let (sender, events) = mpsc::channel(QUEUE);
        let stop = CancellationToken::new();
        let port = Port {
            events: sender,
            stop: stop.clone(),
            runtime: Handle::current(),
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let last = match read(&port) {
                    Ok(()) => Event::End,
                    Err(Halt::Failed(error)) => Event::Failed(error),
                    Err(Halt::Stopped) => return,
                };
                // Nobody listens any more: then nobody needs to know.
                let _ = port.send(last);
            })
            .context(ErrorKind::Internal, || format!("cannot start a thread for {name}"))?;
        let stop = stop.drop_guard();
        Ok(Self { events, stop, thread })
    }

    /// Stops the reader and waits until it has let go of its source.
    pub(crate) async fn close(self) {
        let Self { events, stop, thread } = self;
        drop((stop, events));
        let joined = tokio::task::spawn_blocking(move || thread.join());
        match tokio::time::timeout(FAREWELL, joined).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => tracing::error!("a reader panicked"),
            Err(_) => tracing::warn!("a reader does not end; it is left to itself"),
        }
    }
}
