//! A live line on stderr while a stream goes by.

use std::collections::HashSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fd;
use crate::record::Record;
use crate::record::write::{grouped, money};

/// The line, on a terminal or, if so wanted, in a log.
pub(super) enum Progress {
    /// Drawn from its first moment on, unless a program that reads our output writes to the same terminal: it may
    /// be told once that program is there.
    Bar {
        bar: ProgressBar,
        free: Option<bool>,
    },
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
            // The line would be torn by what else is written there.
            _ if fd::is_one_terminal(rustix::stdio::stdout(), rustix::stdio::stderr()) => None,
            // The line is cleared before the record is written; only on a terminal can it be.
            _ if terminal => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                let style = ProgressStyle::with_template("{spinner} {msg}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
                let bar = bar.with_style(style);
                Some(Self::Bar { bar, free: None })
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
            Self::Bar { bar, free } => {
                if *free.get_or_insert_with(|| !is_terminal_of_reader()) {
                    bar.set_message(line(so_far, now));
                    bar.tick();
                }
            }
            Self::Lines { due } if now >= *due => {
                *due = now + Duration::from_secs(1);
                let _ = writeln!(std::io::stderr(), "tokensense: {}", line(so_far, now));
            }
            Self::Lines { .. } => {}
        }
    }

    pub(super) fn clear(self) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

/// Whether a program that reads what we write, at once or through others, writes to the terminal that stderr is. Where
/// the system does not tell who reads, somebody might.
fn is_terminal_of_reader() -> bool {
    let ends = |process: &Path| {
        let end = |fd: &str| std::fs::read_link(process.join("fd").join(fd)).ok();
        Some((end("0")?, end("1")?))
    };
    let own = Path::new("/proc/self/fd");
    let (Ok(output), Ok(screen)) = (
        std::fs::read_link(own.join("1")),
        std::fs::read_link(own.join("2")),
    ) else {
        let output = std::io::stdout();
        return rustix::fs::fstat(output)
            .is_ok_and(|place| rustix::fs::FileType::from_raw_mode(place.st_mode).is_fifo());
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ends: Vec<(PathBuf, PathBuf)> = processes.filter_map(|entry| ends(&entry.path())).collect();
    // Whoever reads a file or a device need not read what we write.
    let is_pipe = |place: &Path| {
        let name = place.to_string_lossy();
        name.starts_with("pipe:") || name.starts_with("socket:")
    };
    let mut reached = HashSet::from([output.clone()]);
    let mut pipes = vec![output];
    pipes.retain(|place| is_pipe(place));
    while let Some(pipe) = pipes.pop() {
        for (_, output) in ends.iter().filter(|(input, _)| *input == pipe) {
            if *output == screen {
                return true;
            }
            if is_pipe(output) && reached.insert(output.clone()) {
                pipes.push(output.clone());
            }
        }
    }
    false
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
