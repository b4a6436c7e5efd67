//! Progress: bars on a terminal, nothing in the way elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Where the bars of a command stand together.
pub(crate) struct Bars {
    bars: Option<MultiProgress>,
}

impl Bars {
    /// Bars, if standard error is a terminal and the user wants to see them.
    pub(crate) fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        Self {
            bars: shown.then(MultiProgress::new),
        }
    }

    /// A bar towards a total, or a counter where the total is not known.
    pub(crate) fn bar(&self, what: &str, total: Option<u64>) -> ProgressBar {
        let Some(bars) = &self.bars else {
            return ProgressBar::hidden();
        };
        let bar = bars.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
        let template = match total {
            Some(_) => "{msg:32} {bar:30} {human_pos:>10}/{human_len} {per_sec} {eta}",
            None => "{msg:32} {spinner} {human_pos:>10} {per_sec}",
        };
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Prints a line above the bars, on standard error.
    pub(crate) fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| crate::output::remark(text)),
            None => crate::output::remark(text),
        }
    }
}
