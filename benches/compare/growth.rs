//! How the cost of `summarise` grows with each size: the exponent of a power law, fitted over three decades.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::race::{self, quantile, runner};
use crate::{Bench, Done, data};

/// The logs of a size.
type Logs = fn(usize) -> Vec<String>;

/// What grows, its smallest size, and its logs. The largest is a thousand times the smallest.
const CURVES: [(&str, usize, Logs); 6] = [
    ("bytes of a text", 2_000, |n| {
        vec![chat(20, 1, "gpt-4o", &data::text(1, n / 5), 0)]
    }),
    ("events of a response", 1_000, |n| {
        vec![chat(n, 1, "gpt-4o", " tide", 0)]
    }),
    ("responses of a log", 100, |n| {
        vec![many(n, |at| chat(10, at, "gpt-4o", " tide", 0))]
    }),
    ("files", 30, |n| {
        (0..n)
            .map(|at| chat(10, at, "gpt-4o", " tide", 0))
            .collect()
    }),
    ("different models", 100, |n| {
        vec![many(n, |at| {
            chat(10, at, &format!("model-{at}"), " tide", 0)
        })]
    }),
    ("different shapes of events", 100, |n| {
        vec![many(n, |at| chat(10, at, "gpt-4o", " tide", at + 1))]
    }),
];

/// Prints the exponents. What every run takes, even over nothing, is not counted.
pub(crate) fn print(bench: &mut Bench) -> Done {
    let folder = bench.data.folder.join("growth");
    for (what, least, logs) in CURVES {
        let sizes = (0..=6).map(|step| (least as f64 * 10f64.powf(f64::from(step) / 2.0)).round());
        let sizes: Vec<_> = sizes.map(|size| size as usize).collect();
        let _ = fs::remove_dir_all(&folder);
        let mut runners = vec![at(bench, &folder, "nothing", &[String::new()])?];
        for size in &sizes {
            runners.push(at(bench, &folder, &size.to_string(), &logs(*size))?);
        }
        let times = race::times(bench.rounds, &runners, race::shell)?;
        let best: Vec<_> = times.iter().map(|times| quantile(times, 0.0)).collect();
        let spent = best[1..].iter().map(|time| (time - best[0]).max(1e-5));
        let points: Vec<_> = sizes
            .iter()
            .zip(spent)
            .map(|(size, time)| ((*size as f64).ln(), time.ln()))
            .collect();
        println!(
            "{:<46} {:>7.2} exponent   ({least} to {}: {:.0} ms at the end)",
            format!("growth with {what}"),
            exponent(&points),
            least * 1000,
            (best[best.len() - 1] - best[0]) * 1e3,
        );
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Writes the logs into a folder of that name, and gives the command that sums them up.
fn at(bench: &Bench, folder: &Path, name: &str, logs: &[String]) -> std::io::Result<race::Runner> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder)?;
    for (at, log) in logs.iter().enumerate() {
        fs::write(folder.join(format!("{at}.sse")), log)?;
    }
    let line = bench.summarise(&folder.display().to_string());
    Ok(runner(name, format!("{line}; true")))
}

fn many(n: usize, response: impl FnMut(usize) -> String) -> String {
    (0..n).map(response).collect()
}

/// A response with its usage. Each event has a member whose name is this shape's own, if it has one.
fn chat(events: usize, id: usize, model: &str, text: &str, shape: usize) -> String {
    let mut out = String::new();
    let member = match shape {
        0 => String::new(),
        shape => format!(",\"extra_{shape}\":null"),
    };
    let head = format!(
        r#"data: {{"id":"chatcmpl-{id}","object":"chat.completion.chunk","created":1795000000,"model":"{model}"{member},"choices":["#
    );
    for _ in 0..events {
        let _ = write!(
            out,
            "{head}{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
        );
    }
    let _ = write!(
        out,
        "{head}],\"usage\":{{\"prompt_tokens\":9,\"completion_tokens\":{events},\"total_tokens\":{}}}}}\n\ndata: [DONE]\n\n",
        events + 9
    );
    out
}

/// The slope of the line through the points.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let both: f64 = points
        .iter()
        .map(|point| (point.0 - x) * (point.1 - y))
        .sum();
    both / points
        .iter()
        .map(|point| (point.0 - x).powi(2))
        .sum::<f64>()
}
