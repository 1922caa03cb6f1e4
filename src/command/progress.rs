//! A live line on stderr while a stream goes by.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::{Record, grouped, money};

/// The line, on a terminal or, if so wanted, in a log.
pub(super) enum Progress {
    Bar(ProgressBar),
    /// A line each second.
    Lines {
        /// When the next one is due.
        due: Duration,
    },
}

impl Progress {
    /// The progress that was asked for so many times, or none where it would be in the way.
    pub(super) fn new(asked: u8, record_on_stderr: bool) -> Option<Self> {
        let terminal = std::io::stderr().is_terminal();
        match asked {
            0 => None,
            // The line is cleared before the record is written; only on a terminal can it be.
            _ if terminal => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                let style = ProgressStyle::with_template("{spinner} {msg}");
                Some(Self::Bar(bar.with_style(
                    style.unwrap_or_else(|_| ProgressStyle::default_spinner()),
                )))
            }
            1 => None,
            _ if record_on_stderr => None,
            _ => Some(Self::Lines {
                due: Duration::from_secs(1),
            }),
        }
    }

    pub(super) fn show(&mut self, so_far: Option<&Record>, now: Duration) {
        match self {
            Self::Bar(bar) => {
                bar.set_message(line(so_far, now));
                bar.tick();
            }
            Self::Lines { due } if now >= *due => {
                *due = now + Duration::from_secs(1);
                let _ = writeln!(std::io::stderr(), "tokensense: {}", line(so_far, now));
            }
            Self::Lines { .. } => {}
        }
    }

    pub(super) fn clear(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// `gpt-4o  ≈1,204 tokens · 62 tok/s · $0.0121 · 19.4 s`
fn line(so_far: Option<&Record>, now: Duration) -> String {
    let seconds = format!("{:.1} s", now.as_secs_f64());
    let Some(record) = so_far else {
        return format!("waiting · {seconds}");
    };
    let mut parts = Vec::new();
    if let Some(tokens) = record.output_tokens {
        let about = if record.estimated.iter().any(|name| name == "output_tokens") {
            "≈"
        } else {
            ""
        };
        parts.push(format!("{about}{} tokens", grouped(tokens)));
    }
    if let Some(rate) = record.tokens_per_second {
        parts.push(format!("{} tok/s", rate.round()));
    }
    if let Some(cost) = record.cost_usd {
        parts.push(format!("${}", money(cost)));
    }
    parts.push(seconds);
    let model = record.model.as_deref().unwrap_or("unknown model");
    format!("{model}  {}", parts.join(" · "))
}
