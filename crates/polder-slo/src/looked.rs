//! Which part of a window is looked at.

use chrono::{DateTime, Utc};

use crate::history::Window;
use crate::outcome::{Outcome, seconds};

/// The least share of a window of which commits must be known to tell how the whole of it was.
const LEAST_KNOWN: f64 = 0.5;

/// Which part of a window is looked at.
pub(crate) struct Looked {
    pub(crate) from: DateTime<Utc>,
    /// Why it is not the whole, where something may have been before it.
    pub(crate) note: Option<String>,
    /// Whether it is too small a part of the window to tell how the whole of it was.
    pub(crate) little: bool,
}

impl Looked {
    /// From a moment on, before which there was nothing to look at.
    pub(crate) fn since(first: Option<DateTime<Utc>>, window: Window) -> Self {
        Self {
            from: first.map_or(window.from, |first| first.max(window.from)),
            note: None,
            little: false,
        }
    }

    /// From a moment on, before which commits are not known any more.
    pub(crate) fn after(cut: DateTime<Utc>, window: Window) -> Self {
        if cut <= window.from {
            return Self::since(None, window);
        }
        let known = seconds(window.to - cut) / seconds(window.to - window.from);
        Self {
            from: cut,
            note: Some(format!(
                "measured since {}: nothing is known of the time before",
                cut.format("%Y-%m-%dT%H:%M:%SZ")
            )),
            little: known < LEAST_KNOWN,
        }
    }

    pub(crate) fn too_little(&self) -> Outcome {
        Outcome::not_measured(format!(
            "nothing is known of the time before {}, which is more than half of what is asked about",
            self.from.format("%Y-%m-%dT%H:%M:%SZ")
        ))
    }
}

impl Outcome {
    /// Of which part of the window it tells.
    pub(crate) fn over(self, looked: &Looked, window: Window) -> Self {
        if looked.from <= window.from {
            return self;
        }
        Self {
            from: Some(looked.from),
            note: looked.note.clone(),
            ..self
        }
    }
}
