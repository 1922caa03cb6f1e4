//! Each capture in `testdata/` against the record beside it.
//!
//! After a wanted change, `TOKENSENSE_BLESS=1 cargo test --test golden` writes the records anew; read the diff.

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::{captures, json, scratch, tokensense};

/// Columns that tell of this run and not of the capture.
const CLOCK: &[&str] = &["started_at", "duration_ms", "ttft_ms", "tokens_per_second"];

#[test]
fn records() {
    let scratch = scratch("golden");
    let bless = std::env::var_os("TOKENSENSE_BLESS").is_some();
    let mut wrong = Vec::new();
    for capture in captures() {
        let got = records_of(&capture, &scratch.join("record.json"));
        let expected = capture.with_extension("record.json");
        if bless {
            fs::write(&expected, pretty(&got)).expect("a writable record");
            continue;
        }
        let want = fs::read_to_string(&expected);
        let want = want.unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
        if pretty(&got) != want {
            wrong.push(format!(
                "{}\n{}",
                capture.display(),
                difference(&want, &pretty(&got))
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} captures differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The records that tap writes of a capture, without the clock's columns.
fn records_of(capture: &Path, output: &Path) -> Vec<String> {
    let _ = fs::remove_file(output);
    let status = tokensense()
        .args(["tap", "--output"])
        .arg(output)
        .stdin(fs::File::open(capture).expect("a capture"))
        .stdout(Stdio::null())
        .status()
        .expect("the binary");
    assert!(status.success(), "{}: {status}", capture.display());
    let text = fs::read_to_string(output).expect("a record");
    let timeless = |line| {
        let mut members = json::members(line);
        members.retain(|(column, _)| !CLOCK.contains(&column.as_str()));
        json::object(&members)
    };
    text.lines().map(timeless).collect()
}

fn pretty(records: &[String]) -> String {
    let text: Vec<_> = records.iter().map(|record| json::pretty(record)).collect();
    text.join("\n") + "\n"
}

/// The lines in which two texts differ.
fn difference(want: &str, got: &str) -> String {
    let mut out = String::new();
    for (want, got) in want
        .lines()
        .zip(got.lines())
        .filter(|(want, got)| want != got)
    {
        out += &format!("  - {}\n  + {}\n", want.trim(), got.trim());
    }
    let (want, got) = (want.lines().count(), got.lines().count());
    if want != got {
        out += &format!("  {got} lines, not {want}\n");
    }
    out
}
