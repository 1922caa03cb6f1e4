//! Commands timed side by side: each round runs all of them, so that what else the machine does meets all alike.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command line by name; the first of a race is what the others are held to.
pub(crate) struct Runner {
    pub(crate) name: String,
    pub(crate) line: String,
}

pub(crate) fn runner(name: &str, line: impl Into<String>) -> Runner {
    Runner {
        name: name.to_owned(),
        line: line.into(),
    }
}

/// Runs all of them so many times and gives each one's times, in the order of rounds.
pub(crate) fn times(
    rounds: usize,
    runners: &[Runner],
    mut once: impl FnMut(&Runner) -> io::Result<Duration>,
) -> io::Result<Vec<Vec<f64>>> {
    let mut all = vec![Vec::new(); runners.len()];
    // The first round fills the caches.
    for round in 0..=rounds {
        let mut order: Vec<_> = (0..runners.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let time = once(&runners[at])?.as_secs_f64();
            if round > 0 {
                all[at].push(time);
            }
        }
    }
    Ok(all)
}

/// How long a shell takes for a command line.
pub(crate) fn shell(runner: &Runner) -> io::Result<Duration> {
    let begun = Instant::now();
    let mut command = Command::new("sh");
    command
        .args(["-c", &runner.line])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command.status()?;
    let time = begun.elapsed();
    match status.success() {
        true => Ok(time),
        false => Err(io::Error::other(format!(
            "{}: {status}: {}",
            runner.name, runner.line
        ))),
    }
}

/// How long a command, without a shell, takes for a file.
pub(crate) fn start(runner: &Runner, input: &Path) -> io::Result<Duration> {
    let mut command = words(&runner.line);
    command
        .stdin(File::open(input)?)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    command.status()?;
    Ok(begun.elapsed())
}

/// The times from an event's last byte written to its last byte read.
pub(crate) fn ping_pong(runner: &Runner, event: &[u8], count: usize) -> io::Result<Vec<f64>> {
    let mut child = words(&runner.line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("no pipes"));
    };
    let mut answer = vec![0; event.len()];
    let mut times = Vec::with_capacity(count);
    for n in 0..count + 500 {
        let begun = Instant::now();
        input.write_all(event)?;
        output.read_exact(&mut answer)?;
        if n >= 500 {
            times.push(begun.elapsed().as_secs_f64());
        }
    }
    drop(input);
    child.wait()?;
    Ok(times)
}

/// The most memory that a command held while so many bytes of a file passed through it, in MiB.
pub(crate) fn peak(line: &str, file: &Path, bytes: u64) -> io::Result<f64> {
    let piece = std::fs::read(file)?;
    let mut child = words(line)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child
        .stdin
        .take()
        .ok_or_else(|| io::Error::other("no pipe"))?;
    let mut written = 0;
    while written < bytes {
        input.write_all(&piece)?;
        written += piece.len() as u64;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    drop(input);
    child.wait()?;
    let peak = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<f64>()
            .ok()
    });
    peak.map(|kib| kib / 1024.0)
        .ok_or_else(|| io::Error::other("no VmHWM"))
}

fn words(line: &str) -> Command {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// The middle value, or the one that so much of all lie below.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values
        .get(at.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}
