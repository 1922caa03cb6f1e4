//! Budgets, from outside: what a record file holds of a period decides whether anything more is started.

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

use common::{scratch, tokensense};

/// 1,000,000 input tokens of gpt-4o-mini: 0.15 US dollars.
const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Ebb."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000}}"#;

fn tap(file: &Path, options: &[&str]) -> (i32, String, usize) {
    let child = start(file, options);
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        output.status.code().expect("a status"),
        said,
        output.stdout.len(),
    )
}

fn start(file: &Path, options: &[&str]) -> Child {
    let mut child = tokensense()
        .args(["tap", "-o"])
        .arg(file)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tokensense");
    // It may refuse before it reads.
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(ANSWER.as_bytes());
    child
}

/// A record as another run may have left it.
fn record(started: &str, ms: u64, cost: &str, team: &str) -> String {
    format!(
        "{{\"schema\":\"tokensense/1\",\"started_at\":\"{started}\",\"duration_ms\":{ms},\"cost_usd\":{cost},\
         \"labels\":{{\"team\":\"{team}\"}},\"usage\":{{\"prompt_tokens\":1,\"note\":\"{}\"}}}}\n",
        "x".repeat(1200)
    )
}

#[test]
fn what_is_spent_refuses_the_next() {
    let folder = scratch("budget-spent");
    let file = folder.join("records.jsonl");
    let budget = ["--budget", "0.4/year"];
    for spent in ["0", "0.15", "0.3"] {
        let (status, said, bytes) = tap(&file, &budget);
        // The third gets there: it has been forwarded, and recorded.
        let want = if spent == "0.3" { 4 } else { 0 };
        assert_eq!((status, bytes), (want, ANSWER.len()), "{spent}: {said}");
    }
    let (status, said, bytes) = tap(&file, &budget);
    assert_eq!((status, bytes), (4, 0));
    assert!(
        said.contains("the budget of 0.4/year is spent: 0.45 US dollars"),
        "{said}"
    );
    let output = tokensense()
        .args(["run", "-o"])
        .arg(&file)
        .args(budget)
        .args(["--", "touch"])
        .arg(folder.join("started"))
        .output()
        .expect("tokensense");
    assert_eq!(output.status.code(), Some(4));
    assert!(!folder.join("started").exists());
    // Another period, and another label, have something left.
    assert_eq!(tap(&file, &["--budget", "9/month"]).0, 0);
    assert_eq!(
        tap(
            &file,
            &["--budget", "0.2/year:label.team=web", "--label", "team=web"]
        )
        .0,
        0
    );
    assert_eq!(
        tap(
            &file,
            &[
                "--budget",
                "0.15/year:label.team=web",
                "--label",
                "team=web"
            ]
        )
        .0,
        4
    );
    assert_eq!(
        tap(
            &file,
            &[
                "--budget",
                "0.15/year:label.team=web",
                "--label",
                "team=app"
            ]
        )
        .0,
        0
    );
}

#[test]
fn what_cannot_answer_is_refused() {
    let folder = scratch("budget-refused");
    let file = folder.join("records.jsonl");
    let columns = |list| tap(&file, &["--columns", list, "--budget", "1/day"]);
    assert_eq!(columns("at=started_at,cost=cost_usd").0, 0);
    for list in ["model,cost_usd", "model,started_at"] {
        let (status, said, bytes) = columns(list);
        assert_eq!((status, bytes), (2, 0), "{list}: {said}");
    }
    let label = [
        "--columns",
        "started_at,cost_usd",
        "--budget",
        "1/day:label.team=web",
    ];
    assert_eq!(tap(&file, &label).0, 2);
    for budget in ["1", "1/fortnight", "-1/day", "x/day", "1/day:team=web"] {
        assert_eq!(tap(&file, &["--budget", budget]).0, 2, "{budget}");
    }
    assert_eq!(tap(&file, &["--format", "line", "--budget", "1/day"]).0, 2);
    let output = tokensense()
        .args(["tap", "--budget", "1/day"])
        .output()
        .expect("tokensense");
    assert_eq!(output.status.code(), Some(2));
}

/// CSV too, with quoted fields, and with columns under other names.
#[test]
fn tables_are_read() {
    let folder = scratch("budget-csv");
    let file = folder.join("records.csv");
    let options = [
        "--columns",
        "n=model,team=label.team,at=started_at,cost=cost_usd",
        "--label",
        "team=a,\"b\"",
        "--budget",
    ];
    let with = |budget| [&options[..], &[budget]].concat();
    assert_eq!(tap(&file, &with("0.2/year")).0, 0);
    assert_eq!(tap(&file, &with("0.15/year")).0, 4);
    assert_eq!(tap(&file, &with("0.15/year:label.team=a,\"b\"")).0, 4);
    assert_eq!(tap(&file, &with("0.15/year:label.team=a")).0, 0);
}

/// Appends are not in order of time: what began yesterday and ended today stands among today's.
#[test]
fn large_files_are_read_from_their_end() {
    let folder = scratch("budget-large");
    let file = folder.join("records.jsonl");
    let mut text = String::new();
    for _ in 0..2000 {
        text += &record("2020-01-01T00:00:00Z", 1000, "1", "web");
    }
    // These are of this year, though older ones stand after them.
    let now = jiff::Timestamp::now();
    for _ in 0..10 {
        text += &record(&now.to_string(), 5, "0.25", "web");
        text += "{\"cut\n";
    }
    let years = now.as_second() - 1_577_836_800;
    for _ in 0..3000 {
        text += &record("2020-01-01T00:00:00Z", years as u64 * 1000, "1", "app");
    }
    fs::write(&file, &text).expect("a file");
    assert!(text.len() > 5 << 20);
    let side = folder.join("records.jsonl.spent");
    let spent = |budget: &str| {
        let (_, said, _) = tap(&file, &["--budget", budget, "--label", "team=web"]);
        said
    };
    let says =
        |said: String, sum: &str| assert!(said.contains(&format!("is spent: {sum} US")), "{said}");
    says(spent("1/year"), "2.5");
    assert!(side.exists());
    says(spent("1/year"), "2.5");
    // Found by the side file and what came after it.
    let more = record(&now.to_string(), 5, "0.5", "web");
    fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .expect("a file")
        .write_all(more.as_bytes())
        .expect("room");
    says(spent("1/year"), "3");
    says(spent("1/year:label.team=web"), "3");
    // A broken one is made anew; one of a longer file too.
    fs::write(&side, "{").expect("a file");
    says(spent("1/year"), "3");
    fs::write(&file, record(&now.to_string(), 5, "7", "web")).expect("a file");
    says(spent("1/year"), "7");
}

/// 1 MiB of the period's records takes a few milliseconds at most beyond what a start takes: both in one series, so that
/// a busy machine holds up the one as it does the other.
#[test]
fn soon_found() {
    let folder = scratch("budget-soon");
    let file = folder.join("records.jsonl");
    let now = jiff::Timestamp::now().to_string();
    let line = record(&now, 5, "0.001", "web");
    fs::write(&file, line.repeat((1 << 20) / line.len())).expect("a file");
    // A budget of what the file holds is spent.
    let time = |options: &[&str], status: i32| {
        let began = Instant::now();
        assert_eq!(tap(&file, options).0, status);
        began.elapsed()
    };
    let pairs = (0..25).map(|_| (time(&["--budget", "0.1/year"], 4), time(&[], 0)));
    let (with, without): (Vec<_>, Vec<_>) = pairs.unzip();
    let [with, without] = [with, without].map(|times| times.into_iter().min().expect("times"));
    let more = with.saturating_sub(without);
    eprintln!("{more:?} more than {without:?}");
    // Without optimisation it takes several times as long.
    let bound = if cfg!(debug_assertions) { 40 } else { 5 };
    assert!(more.as_millis() < bound, "{more:?} more than {without:?}");
}

/// Runs that go on at once cannot know of one another; those that start later know of all that ended.
#[test]
fn many_at_once_overshoot_by_what_is_in_flight() {
    let folder = scratch("budget-many");
    let file = folder.join("records.jsonl");
    let all = if std::env::var_os("FULL").is_some() {
        1000
    } else {
        60
    };
    let at_once = 20;
    let (mut spent, mut refused) = (0, 0);
    for _ in 0..all / at_once {
        let children: Vec<_> = (0..at_once)
            .map(|_| start(&file, &["--budget", "1.5/year"]))
            .collect();
        for child in children {
            let output = child.wait_with_output().expect("an end");
            match output.stdout.is_empty() {
                true => refused += 1,
                false => spent += 1,
            }
        }
    }
    // Ten of them are the budget.
    assert!(
        (10..10 + at_once).contains(&spent),
        "{spent} were let through, {refused} refused"
    );
    let lines = fs::read_to_string(&file).expect("records").lines().count();
    assert_eq!(lines, spent);
}
