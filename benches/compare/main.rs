//! The speed table: tokensense beside the tools that stand in the same place, and how its cost grows.
//!
//! `benches/compare.sh` builds and runs it. All figures are ratios within interleaved rounds.

mod data;
mod growth;
mod picture;
mod race;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data::{Data, FORMATS};
use race::{Runner, median, quantile, runner};

type Done = Result<(), Box<dyn Error>>;

/// A row by its name on the command line.
type Named = (&'static str, fn(&mut Bench) -> Done);

const USAGE: &str = "usage: benches/compare.sh [-b BINARY] [--svg FILE] [ROW…]
The rows: start pipe core latency short logs small silent records agents memory growth
ROUNDS=7 is how often each command runs; TENTHS=10 how much of the data is used, in tenths.";

/// Where what lies in a row is better: the speed of a reference, or its time.
#[derive(Clone, Copy)]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// A line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) value: f64,
    /// The least and the greatest of its rounds.
    pub(crate) range: Option<(f64, f64)>,
    /// What another tool reaches in the same rounds.
    pub(crate) peers: Vec<(String, f64)>,
}

struct Bench {
    binary: String,
    rounds: usize,
    data: Data,
    rows: Vec<Row>,
}

fn main() -> Done {
    let mut args = std::env::args().skip(1);
    let mut binary = None;
    let mut svg = None;
    let mut wanted = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // What cargo bench adds.
            "--bench" => {}
            "--bare-loop" => return Ok(bare_loop()?),
            "-b" => binary = args.next(),
            "--svg" => svg = args.next(),
            "-h" | "--help" => {
                println!("{USAGE}");
                return Ok(());
            }
            _ => wanted.push(arg),
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = binary.map_or_else(|| root.join("target/release/tokensense"), PathBuf::from);
    let binary = binary
        .canonicalize()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    let number = |name: &str, default| {
        std::env::var(name)
            .ok()
            .map_or(Ok(default), |text| text.parse())
    };
    let mut bench = Bench {
        binary: binary.display().to_string(),
        rounds: number("ROUNDS", 7)?,
        data: Data::new(root.join("target/compare"), number("TENTHS", 10)? as u64),
        rows: Vec::new(),
    };
    let rows: [Named; 12] = [
        ("start", Bench::start),
        ("pipe", Bench::pipe),
        ("core", Bench::core),
        ("latency", Bench::latency),
        ("short", Bench::short),
        ("logs", Bench::logs),
        ("small", Bench::small),
        ("silent", Bench::silent),
        ("records", Bench::records),
        ("agents", Bench::agents),
        ("memory", Bench::memory),
        ("growth", growth::print),
    ];
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !rows.iter().any(|(row, _)| row == name))
    {
        return Err(format!("there is no row {unknown}\n{USAGE}").into());
    }
    for (name, measure) in rows {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            measure(&mut bench)?;
        }
    }
    if let Some(svg) = svg {
        std::fs::write(svg, picture::of(&bench.rows))?;
    }
    Ok(())
}

impl Bench {
    fn tap(&self) -> String {
        format!("{} tap -q", self.binary)
    }

    fn summarise(&self, what: &str) -> String {
        format!(
            "{} summarise -q --no-progress --format json {what}",
            self.binary
        )
    }

    fn add(&mut self, row: Row) {
        let better = match row.better {
            Better::Higher => "speed, higher is better",
            Better::Lower => "lower is better",
        };
        print!("{:<46} {:>7.2} {:<9}", row.what, row.value, row.unit);
        if let Some((least, most)) = row.range {
            print!(" ({least:.2} to {most:.2})");
        }
        println!("  [{better}]");
        for (name, value) in &row.peers {
            println!("    {name:<42} {value:>7.2}");
        }
        self.rows.push(row);
    }

    /// Races shell commands for speed: the first is 1, the second is ours, the others are peers.
    fn race(&mut self, what: &str, unit: &'static str, runners: &[Runner]) -> Done {
        let times = race::times(self.rounds, runners, race::shell)?;
        self.speeds(what, unit, runners, &times);
        Ok(())
    }

    fn speeds(&mut self, what: &str, unit: &'static str, runners: &[Runner], times: &[Vec<f64>]) {
        let ratios = |at: usize| -> Vec<f64> {
            times[0]
                .iter()
                .zip(&times[at])
                .map(|(a, b)| a / b)
                .collect()
        };
        let ours = ratios(1);
        let peers = (2..runners.len())
            .map(|at| (runners[at].name.clone(), median(&ratios(at))))
            .collect();
        self.add(Row {
            what: what.to_owned(),
            unit,
            better: Better::Higher,
            value: median(&ours),
            range: Some((quantile(&ours, 0.0), quantile(&ours, 1.0))),
            peers,
        });
    }

    fn start(&mut self) -> Done {
        let runners = [runner("cat", "cat"), runner("tokensense", self.tap())];
        let times = race::times(self.rounds * 30, &runners, |one| {
            race::start(one, Path::new("/dev/null"))
        })?;
        let value = median(&times[1]) / median(&times[0]);
        self.add(Row {
            what: "start to end of an empty input".into(),
            unit: "× cat",
            better: Better::Lower,
            value,
            range: None,
            peers: Vec::new(),
        });
        Ok(())
    }

    fn pipe(&mut self) -> Done {
        let big = self.data.long("openai.chat/usage.sse", 700_000_000)?;
        let through = |command: &str| format!("cat {} | {command} | cat", big.display());
        let bare = format!("{} --bare-loop", std::env::current_exe()?.display());
        let mut runners = vec![
            runner("cat", through("cat")),
            runner("tokensense", through(&self.tap())),
            runner("a loop of tee and splice, no meter", through(&bare)),
            runner("tee", through("tee /dev/null")),
        ];
        if has("pv") {
            runners.push(runner("pv", through("pv -q")));
        }
        self.race("pipe to pipe, every event metered", "× cat", &runners)?;
        if has("jq") {
            let part = self.data.long("openai.chat/usage.sse", 20_000_000)?;
            let through = |command: &str| format!("cat {} | {command} | cat", part.display());
            let runners = [
                runner("cat", through("cat")),
                runner("tokensense", through(&self.tap())),
                runner("jq", through("sed -n 's/^data: *{/{/p' | jq -c .usage")),
            ];
            self.race("the same, 20 MB", "× cat", &runners)?;
        }
        Ok(())
    }

    fn core(&mut self) -> Done {
        for (name, capture) in FORMATS {
            let stream = self.data.long(capture, 100_000_000)?;
            let through = |command: &str| {
                format!(
                    "taskset -c 1 sh -c 'cat {} | {command} | cat'",
                    stream.display()
                )
            };
            let runners = [
                runner("cat", through("cat")),
                runner("tokensense", through(&self.tap())),
            ];
            self.race(
                &format!("all of the pipe on one core: {name}"),
                "× cat",
                &runners,
            )?;
        }
        Ok(())
    }

    fn latency(&mut self) -> Done {
        let event = format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1795000000,\"model\":\"gpt-4o\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}},\"finish_reason\":null}}]}}\n\n",
            data::text(3, 30)
        );
        let runners = [
            runner("cat", "taskset -c 1 cat"),
            runner("tokensense", format!("taskset -c 1 {}", self.tap())),
        ];
        let mut all = vec![Vec::new(); 2];
        for _ in 0..self.rounds {
            for (at, one) in runners.iter().enumerate() {
                all[at].push(race::ping_pong(one, event.as_bytes(), 10_000)?);
            }
        }
        for (what, share) in [
            ("one event there and back, median", 0.5),
            ("one event there and back, 99 of 100", 0.99),
        ] {
            let of = |at: usize, round: usize| quantile(&all[at][round], share);
            let ratios: Vec<_> = (0..self.rounds)
                .map(|round| of(1, round) / of(0, round))
                .collect();
            self.add(Row {
                what: what.into(),
                unit: "× cat",
                better: Better::Lower,
                value: median(&ratios),
                range: Some((quantile(&ratios, 0.0), quantile(&ratios, 1.0))),
                peers: Vec::new(),
            });
        }
        Ok(())
    }

    fn short(&mut self) -> Done {
        let whole = self.data.logs(10, 5_000, true)?.join("00000.sse");
        let cut = self.data.logs(10, 5_000, false)?.join("00000.sse");
        for (what, input) in [
            ("a 5 KB stream with its price, beyond cat", whole),
            ("the same without usage: an estimate", cut),
        ] {
            let runners = [
                runner("cat", "cat"),
                runner("tokensense", format!("{} tap", self.binary)),
            ];
            let times = race::times(self.rounds * 30, &runners, |one| race::start(one, &input))?;
            let more = (median(&times[1]) - median(&times[0])) * 1e3;
            self.add(Row {
                what: what.into(),
                unit: "ms",
                better: Better::Lower,
                value: more,
                range: None,
                peers: Vec::new(),
            });
        }
        Ok(())
    }

    fn logs(&mut self) -> Done {
        let logs = self.data.logs(500, 2_000_000, true)?;
        self.beside_rg("summarise, 500 logs of 2 MB", &logs)
    }

    fn small(&mut self) -> Done {
        let logs = self.data.logs(40_000, 5_000, true)?;
        self.beside_rg("summarise, 40,000 logs of 5 KB", &logs)
    }

    fn silent(&mut self) -> Done {
        let logs = self.data.logs(500, 2_000_000, false)?;
        self.beside_rg("summarise, 500 logs of 2 MB without usage", &logs)
    }

    fn beside_rg(&mut self, what: &str, logs: &Path) -> Done {
        if !has("rg") {
            return left_out(what, "rg");
        }
        let logs = logs.display().to_string();
        let runners = [
            // It exits with 1 where the word is nowhere.
            runner("rg", format!("rg -c '\"usage\":\\{{' {logs} || :")),
            runner("tokensense", self.summarise(&logs)),
        ];
        self.race(what, "× rg -c", &runners)
    }

    fn records(&mut self) -> Done {
        let what = "summarise, 100,000 records";
        if !has("jq") {
            return left_out(what, "jq");
        }
        let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/openai.chat/usage.sse");
        let tap = Command::new(&self.binary)
            .arg("tap")
            .stdin(std::fs::File::open(capture)?)
            .stdout(Stdio::null())
            .output()?;
        let records = self
            .data
            .records(&String::from_utf8(tap.stderr)?, 100_000)?;
        let records = records.display().to_string();
        let jq = "group_by(.model) | map({model: .[0].model, input: map(.input_tokens) | add, cost: map(.cost_usd) | add})";
        let mut runners = vec![
            runner("jq -s", format!("jq -s '{jq}' {records}")),
            runner("tokensense", self.summarise(&records)),
        ];
        if has("duckdb") {
            let query = format!(
                "select model, sum(input_tokens), sum(cost_usd) from read_json_auto('{records}', format='newline_delimited') group by model"
            );
            runners.push(runner("DuckDB", format!("duckdb -c \"{query}\"")));
        }
        self.race(what, "× jq -s", &runners)
    }

    fn agents(&mut self) -> Done {
        let what = "summarise, 1 GB of Claude Code's logs";
        let home = self.data.home(1_000_000_000)?;
        let home = home.display();
        let ours = runner("tokensense", self.summarise(&format!("{home}/.claude")));
        let mut runners = Vec::new();
        if has("ccusage") {
            runners.push(runner(
                "ccusage",
                format!("CLAUDE_CONFIG_DIR={home}/.claude ccusage daily --offline --json"),
            ));
        }
        if has("rg") {
            runners.push(runner(
                "rg -c, one word",
                format!("rg -c output_tokens {home}/.claude"),
            ));
        }
        if has("duckdb") {
            let query = format!(
                "select sum(message.usage.output_tokens) from read_json('{home}/.claude/projects/*/*.jsonl', format='newline_delimited', columns={{message: 'STRUCT(id VARCHAR, usage STRUCT(output_tokens BIGINT, input_tokens BIGINT))'}})"
            );
            runners.push(runner("DuckDB", format!("duckdb -c \"{query}\"")));
        }
        if runners.is_empty() {
            return left_out(what, "ccusage, rg, duckdb");
        }
        let unit = match runners[0].name.as_str() {
            "ccusage" => "× ccusage",
            "DuckDB" => "× DuckDB",
            _ => "× rg -c",
        };
        runners.insert(1, ours);
        self.race(what, unit, &runners)
    }

    fn memory(&mut self) -> Done {
        let stream = self.data.long("openai.chat/usage.sse", 20_000_000)?;
        for (what, bytes) in [
            ("tap, 10 MB, peak memory", 10_000_000),
            ("tap, 10 GB, peak memory", self.data.sized(10_000_000_000)),
        ] {
            let value = race::peak(&self.tap(), &stream, bytes)?;
            self.add(Row {
                what: what.into(),
                unit: "MiB",
                better: Better::Lower,
                value,
                range: None,
                peers: Vec::new(),
            });
        }
        Ok(())
    }
}

fn left_out(what: &str, command: &str) -> Done {
    println!("{what:<46} left out: {command} is not installed");
    Ok(())
}

fn has(command: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {command}")])
        .stdout(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

/// Does what forwarding costs at least: copies within the kernel, and reads what it copied.
fn bare_loop() -> io::Result<()> {
    use rustix::pipe::{SpliceFlags, tee};
    let (input, output) = (rustix::stdio::stdin(), rustix::stdio::stdout());
    let _ = rustix::pipe::fcntl_setpipe_size(input, 1 << 20);
    let _ = rustix::pipe::fcntl_setpipe_size(output, 1 << 20);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let mut copied = tee(input, output, 1 << 20, SpliceFlags::empty())?;
        if copied == 0 {
            return Ok(());
        }
        while copied > 0 {
            let wanted = copied.min(buffer.len());
            copied -= rustix::io::read(input, &mut buffer[..wanted])?;
        }
    }
}
