//! The process that `tokensense run` starts: how it ends, who tells whom, and that none is left behind.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use common::{isolated, scratch, terminal, tokensense};

/// `run` of a shell script, its output in the test's hands.
struct Run {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
}

fn run(options: &[&str], script: &str) -> Command {
    let mut command = tokensense();
    command
        .arg("run")
        .args(options)
        .args(["--", "sh", "-c", script]);
    command.stdout(Stdio::piped());
    command
}

impl Run {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary");
        let stdout = child.stdout.take().map(BufReader::new);
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout
            .as_mut()
            .expect("open")
            .read_line(&mut line)
            .expect("readable");
        line.trim_end().to_owned()
    }

    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.stdout
            .as_mut()
            .expect("open")
            .read_to_string(&mut rest)
            .expect("readable");
        rest
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a living process");
    }

    /// Waits for the end, and says how long it took.
    fn end(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return (status, begun.elapsed());
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "it does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process is gone, not even a zombie.
fn is_gone(pid: &str) -> bool {
    let begun = Instant::now();
    while fs::metadata(format!("/proc/{pid}")).is_ok() {
        if begun.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

#[test]
fn exit_status_is_the_childs() {
    let complete = format!(
        "cat {}/testdata/openai.chat/usage.sse",
        env!("CARGO_MANIFEST_DIR")
    );
    let failed = complete.replace("usage.sse", "error.json");
    for (options, script, want) in [
        (&["-q"][..], "exit 0", Some(0)),
        (&["-q"], "exit 1", Some(1)),
        (&["-q"], "exit 2", Some(2)),
        (&["-q"], "exit 3", Some(3)),
        (&["-q"], "exit 22", Some(22)),
        (&["-q"], "exit 255", Some(255)),
        (&["-q", "--strict"], &complete, Some(0)),
        (&["-q", "--strict"], &failed, Some(3)),
        (&["-q", "--strict"], &format!("{failed}; exit 22"), Some(22)),
        (&["-o", "/dev/full"], &complete, Some(1)),
        (
            &["-q", "--max-output-tokens", "1"],
            &format!("{complete}; sleep 9"),
            Some(4),
        ),
    ] {
        let mut command = run(options, script);
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the binary");
        assert_eq!(status.code(), want, "{options:?} {script}");
    }
}

#[test]
fn death_by_signal_is_passed_on() {
    for number in [1, 2, 6, 9, 13, 14, 15] {
        let status = run(&["-q"], &format!("kill -{number} $$"))
            .status()
            .expect("the binary");
        assert_eq!(status.signal(), Some(number));
    }
}

#[test]
fn what_cannot_run_says_so() {
    let folder = scratch("run-cannot");
    let plain = folder.join("plain");
    fs::write(&plain, "no program").expect("a file");
    let odd = folder.join("odd");
    fs::write(&odd, [0x7f, b'E', b'L', b'F']).expect("a file");
    fs::set_permissions(&odd, fs::Permissions::from_mode(0o755)).expect("executable");
    let (plain, odd) = (plain.display().to_string(), odd.display().to_string());
    for (command, want, says) in [
        (&["--", "no-such-command"][..], 127, "no-such-command"),
        (&["--", "/no/such/command"], 127, "/no/such/command"),
        (&["--", &plain], 126, &plain),
        (&["--", &odd], 126, &odd),
        (&["--", "/"], 126, "/"),
        (&["--"], 2, "tokensense run -- curl"),
        (&[], 2, "tokensense run -- curl"),
    ] {
        let output = tokensense()
            .arg("run")
            .args(command)
            .output()
            .expect("the binary");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(want), "{command:?}: {said}");
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// Without the two dashes too; what follows the command is its own.
#[test]
fn options_after_the_command_are_its_own() {
    for dashes in [&["--"][..], &[]] {
        let output = tokensense()
            .args(["run", "-q"])
            .args(dashes)
            .args(["printf", "%s|", "-o", "--help", "--", "-q"])
            .output()
            .expect("the binary");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "-o|--help|--|-q|");
    }
}

#[test]
fn stdin_and_stderr_are_the_childs_own() {
    let mut command = run(&["-q"], "cat; echo heard >&2; test -p /dev/stdin || exit 9");
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"\0any bytes\xff")
        .expect("a reader");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success());
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        (&b"\0any bytes\xff"[..], &b"heard\n"[..])
    );
}

/// As `sigpipe` is for a shell's own children: ignored by us, not by them.
#[test]
fn sigpipe_is_the_default_in_the_child() {
    let mut run = Run::start(run(&["-q"], "grep SigIgn /proc/self/status"));
    let ignored = run.line();
    let bits = u64::from_str_radix(ignored.trim_start_matches("SigIgn:").trim(), 16).expect("bits");
    assert_eq!(bits >> 12 & 1, 0, "{ignored}");
}

#[test]
fn signals_are_passed_on() {
    for (signal, name, option) in [
        (Signal::TERM, "TERM", "SIGTERM"),
        (Signal::HUP, "HUP", "SIGHUP"),
        (Signal::INT, "INT", "SIGINT"),
    ] {
        let record = scratch(&format!("run-passed-{name}")).join("record.json");
        let options = ["-o", &record.display().to_string()];
        // It sleeps in a process of its own, since a shell waits for that before it obeys.
        let script =
            format!("trap 'echo told; exit 5' {name}; echo ready; while :; do sleep 0.01; done");
        let mut told = Run::start(run(&options, &script));
        assert_eq!(told.line(), "ready");
        told.signal(signal);
        assert_eq!(told.rest(), "told\n");
        assert_eq!(
            told.end().0.code(),
            Some(5),
            "{name}: the child's own answer"
        );
        let text = fs::read_to_string(&record).expect("a record");
        let record: Value = serde_json::from_str(&text).expect("a record");
        assert_eq!(record["ended_by"], option);

        let mut died = Run::start(run(&["-q"], "echo ready; exec sleep 60"));
        assert_eq!(died.line(), "ready");
        died.signal(signal);
        let (status, took) = died.end();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{name}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

/// A terminal gives an interrupt to the child as well: it comes once, and what the child makes of it counts.
#[test]
fn typed_interrupt_is_not_doubled() {
    let (mut keyboard, programs) = terminal();
    let script =
        "trap 'echo told' INT; echo ready; for i in 1 2 3 4 5 6; do sleep 0.1; done; exit 4";
    let mut command = isolated("setsid");
    command.args(["--ctty", common::BINARY, "run", "-q", "sh", "-c", script]);
    command.stdin(programs).stdout(Stdio::piped());
    let mut run = Run::start(command);
    assert_eq!(run.line(), "ready");
    keyboard.write_all(b"\x03").expect("a terminal");
    assert_eq!(run.rest(), "told\n");
    assert_eq!(run.end().0.code(), Some(4));
}

/// Where the caller ignores the deaths of children, their exit statuses are still kept.
#[test]
fn exit_status_is_kept_where_deaths_are_ignored() {
    let status = isolated("env")
        .args(["--ignore-signal=CHLD", common::BINARY, "run", "-q"])
        .args(["sh", "-c", "exit 5"])
        .status()
        .expect("env of the coreutils");
    assert_eq!(status.code(), Some(5));
}

/// A signal that was ignored for us, as by nohup, is neither passed on nor obeyed.
#[test]
fn ignored_signals_stay_ignored() {
    let script = format!(
        "trap '' HUP; exec {} run -q -- sh -c 'echo ready; sleep 0.3; echo done'",
        common::BINARY
    );
    let mut command = isolated("sh");
    command.args(["-c", &script]).stdout(Stdio::piped());
    let mut run = Run::start(command);
    assert_eq!(run.line(), "ready");
    run.signal(Signal::HUP);
    assert_eq!(run.rest(), "done\n");
    assert!(run.end().0.success());
}

/// The child does not obey, so it is ended by force; the exit is that of a filter whose reader left.
#[test]
fn reader_gone_ends_even_a_stubborn_child() {
    let script = "trap '' TERM PIPE; echo $$; while :; do sleep 0.05; done";
    let mut run = Run::start(run(&["-q"], script));
    let pid = run.line();
    run.stdout = None;
    let (status, took) = run.end();
    assert_eq!(status.signal(), Some(13));
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(is_gone(&pid), "the child is left behind");
}

#[test]
fn reader_gone_stops_a_silent_child_at_once() {
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let mut run = Run::start(run(&["-q"], "echo $$; exec sleep 60"));
        let pid = run.line();
        run.stdout = None;
        let (status, took) = run.end();
        assert_eq!(status.signal(), Some(13));
        assert!(is_gone(&pid), "the child is left behind");
        quickest = quickest.min(took);
    }
    assert!(quickest < Duration::from_millis(150), "{quickest:?}");
}

#[test]
fn reader_gone_with_drain_lets_the_child_go_on() {
    let file = scratch("run-drain").join("done");
    let mut run = Run::start(run(
        &["-q", "--drain"],
        &format!("echo a; sleep 0.2; echo b; touch {}", file.display()),
    ));
    assert_eq!(run.line(), "a");
    run.stdout = None;
    assert_eq!(run.end().0.signal(), Some(13));
    assert!(file.exists());
}

/// With `--no-wait` nobody waits for who else holds the pipe, but what the child itself said has come through.
#[test]
fn grandchild_does_not_hold_us() {
    let mut run = Run::start(run(
        &["-q", "--no-wait"],
        "(sleep 30 & echo $!); echo last; exit 6",
    ));
    let begun = Instant::now();
    let sleeper = run.line();
    assert_eq!(run.rest(), "last\n");
    assert_eq!(run.end().0.code(), Some(6));
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    let sleeper = Pid::from_raw(sleeper.parse().expect("a number")).expect("a process");
    kill_process(sleeper, Signal::KILL).expect("it is not ours to end");
}

/// What a command leaves in the background is waited for, as `sh -c … | cat` would.
#[test]
fn background_is_waited_for() {
    let script = "(sleep 1; echo late; sleep 1; echo last) & echo early; exit 6";
    let mut run = Run::start(run(&["-q"], script));
    assert_eq!(run.rest(), "early\nlate\nlast\n");
    assert_eq!(run.end().0.code(), Some(6));
}

/// Once nobody reads, or enough has come, all that the command has started is stopped; nothing else is.
#[test]
fn the_whole_family_is_stopped() {
    let folder = scratch("run-family");
    let capture = format!(
        "{}/testdata/openai.chat/usage.sse",
        env!("CARGO_MANIFEST_DIR")
    );
    for (name, options, script) in [
        (
            "reader",
            &["-q"][..],
            "trap '' TERM; sleep 60 & sh -c 'trap \"\" TERM PIPE; while :; do sleep 0.05; done' & echo $! > PIDS; echo ready; wait",
        ),
        (
            "orphans",
            &["-q"],
            "(sleep 60 & echo $! >> PIDS; sh -c 'echo $$ >> PIDS; while :; do sleep 0.05; done' &); echo ready",
        ),
        (
            "limit",
            &["-q", "--max-output-tokens", "1"],
            "(sleep 60 & echo $! >> PIDS); echo ready; cat CAPTURE; sleep 60",
        ),
        (
            "group",
            &["-q"],
            "exec timeout 60 sh -c 'echo $$ >> PIDS; echo ready; sleep 60'",
        ),
    ] {
        if cfg!(tokensense_portable) && script.starts_with('(') {
            // Of processes without a parent, only Linux tells whose they were.
            continue;
        }
        let pids = folder.join(name);
        let script = script
            .replace("PIDS", pids.to_str().expect("UTF-8"))
            .replace("CAPTURE", &capture);
        let mut run = Run::start(run(options, &script));
        assert_eq!(run.line(), "ready");
        let wanted = 1 + usize::from(name == "orphans");
        let begun = Instant::now();
        while fs::read_to_string(&pids)
            .unwrap_or_default()
            .lines()
            .count()
            < wanted
        {
            assert!(begun.elapsed() < Duration::from_secs(15));
            std::thread::sleep(Duration::from_millis(2));
        }
        if name != "limit" {
            run.stdout = None;
        }
        let (status, _) = run.end();
        match name {
            "limit" => assert_eq!(status.code(), Some(4)),
            _ => assert_eq!(status.signal(), Some(13), "{name}"),
        }
        for pid in fs::read_to_string(&pids).expect("pids").lines() {
            assert!(is_gone(pid), "{name}: a process is left behind");
        }
    }
    // A neighbour in the same pipeline is none of the family.
    let script = format!(
        "sleep 60 & echo $!; {} run -q -- sh -c 'yes; sleep 60' | head -n 1 > /dev/null; kill -0 $! && echo alive; kill $!",
        common::BINARY
    );
    let output = isolated("sh")
        .args(["-c", &script])
        .output()
        .expect("a shell");
    assert!(
        String::from_utf8_lossy(&output.stdout).ends_with("alive\n"),
        "{output:?}"
    );
}

/// A signal that a child does not outlive is reported as it was, with no core of ours.
#[test]
fn no_core_but_the_childs() {
    for number in [3, 6, 11] {
        let mut command = run(&["-q"], &format!("ulimit -c 0; kill -{number} $$"));
        let limited = isolated("sh")
            .args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$@\"", "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(scratch("run-core"))
            .status()
            .expect("a shell");
        assert_eq!(limited.signal(), Some(number));
        assert!(!limited.core_dumped(), "{number}");
        assert_eq!(command.status().expect("the binary").signal(), Some(number));
    }
}

/// What is no end of a stream reaches the child too, and the stream goes on.
#[test]
fn other_signals_are_passed_on() {
    for (signal, name) in [
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::ALARM, "ALRM"),
    ] {
        let record = scratch(&format!("run-other-{name}")).join("record.json");
        let options = ["-o", &record.display().to_string()];
        let script = format!(
            "trap 'echo told; cat {}/testdata/openai.chat/usage.sse; exit 5' {name}; echo ready; while :; do sleep 0.01; done",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut told = Run::start(run(&options, &script));
        assert_eq!(told.line(), "ready");
        told.signal(signal);
        assert!(told.rest().starts_with("told\n"));
        assert_eq!(told.end().0.code(), Some(5), "{name}");
        let text = fs::read_to_string(&record).expect("a record");
        let record: Value = serde_json::from_str(&text).expect("a record");
        assert_eq!(
            (&record["status"], &record["ended_by"]),
            (&"complete".into(), &"upstream".into())
        );

        let mut died = Run::start(run(&["-q"], "echo ready; exec sleep 60"));
        assert_eq!(died.line(), "ready");
        died.signal(signal);
        assert_eq!(died.end().0.signal(), Some(signal.as_raw()), "{name}");
    }
}

/// An interrupt that was sent and not typed stops the child, in the foreground of a terminal too; one that was typed
/// reaches a child of another process group.
#[test]
fn interrupts_stop() {
    let start = |command: &[&str]| {
        let (keyboard, programs) = terminal();
        let mut isolated = isolated("setsid");
        isolated
            .args(["--ctty", common::BINARY, "run", "-q", "--"])
            .args(command);
        isolated.stdin(programs).stdout(Stdio::piped());
        let mut run = Run::start(isolated);
        assert_eq!(run.line(), "ready");
        (keyboard, run)
    };
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        let (_keyboard, mut sent) = start(&["sh", "-c", "echo ready; exec sleep 60"]);
        sent.signal(Signal::INT);
        let (status, took) = sent.end();
        assert_eq!(status.signal(), Some(2));
        quickest = quickest.min(took);
    }
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    for _ in 0..3 {
        let (mut keyboard, mut typed) =
            start(&["timeout", "60", "sh", "-c", "echo ready; exec sleep 60"]);
        keyboard.write_all(b"\x03").expect("a terminal");
        let (status, took) = typed.end();
        assert!(
            status.signal() == Some(2) || status.code() == Some(124),
            "{status:?}"
        );
        quickest = quickest.min(took);
    }
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
}

/// One that goes on talking is listened to for a while, not for ever.
#[test]
fn talking_grandchild_does_not_hold_us() {
    let script = "(while echo word; do sleep 0.02; done) & exit 7";
    let mut run = Run::start(run(&["-q", "--no-wait"], script));
    let begun = Instant::now();
    assert!(run.rest().lines().count() > 10);
    assert_eq!(run.end().0.code(), Some(7));
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(1500) && took < Duration::from_secs(5),
        "{took:?}"
    );
}

/// All that the child wrote comes through to a reader who takes its time, long after the child's end.
#[test]
fn slow_reader_gets_all() {
    let mut run = Run::start(run(
        &["-q", "--no-wait"],
        "head -c 300000 /dev/zero; (sleep 5 &)",
    ));
    std::thread::sleep(Duration::from_millis(700));
    let mut out = run.stdout.take().expect("open");
    let mut len = 0;
    let mut buffer = [0; 65536];
    loop {
        match out.read(&mut buffer).expect("readable") {
            0 => break,
            n => len += n,
        }
        if len < 200_000 {
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    assert_eq!(len, 300_000);
    assert!(run.end().0.success());
}

/// A child that closes its output and works on is waited for, and still told of signals.
#[test]
fn closed_output_is_not_the_end_of_the_child() {
    let mut quiet = Run::start(run(&["-q"], "echo a; exec >&-; sleep 0.3; exit 8"));
    assert_eq!(quiet.line(), "a");
    let (status, took) = quiet.end();
    assert_eq!(status.code(), Some(8));
    assert!(took > Duration::from_millis(200), "{took:?}");

    let mut told = Run::start(run(&["-q"], "echo a; exec sleep 60 >&-"));
    assert_eq!(told.line(), "a");
    std::thread::sleep(Duration::from_millis(100));
    told.signal(Signal::TERM);
    assert_eq!(told.end().0.signal(), Some(15));
}

/// A stop signal right at the start finds a handler, or no child yet.
#[test]
fn signal_at_any_moment_leaves_nobody() {
    let file = scratch("run-moments").join("pid");
    for moment in 0..25 {
        let _ = fs::remove_file(&file);
        let script = format!("echo $$ > {}; exec sleep 60", file.display());
        let mut run = Run::start(run(&["-q"], &script));
        std::thread::sleep(Duration::from_micros(moment * 400));
        run.signal(Signal::TERM);
        assert_eq!(run.end().0.signal(), Some(15));
        if let Ok(pid) = fs::read_to_string(&file) {
            assert!(
                pid.trim().is_empty() || is_gone(pid.trim()),
                "after {moment}"
            );
        }
    }
}

#[test]
fn environment_and_folder_are_inherited() {
    let mut command = run(&["-q"], "echo $NAME; pwd; echo $0 $PPID");
    command.env("NAME", "value").current_dir("/").arg0("other");
    let mut run = Run::start(command);
    assert_eq!((run.line().as_str(), run.line().as_str()), ("value", "/"));
    assert_eq!(run.line(), format!("sh {}", run.child.id()));
}

/// The record of another command is as good as a curl's; of usage nothing was asked.
#[test]
fn any_command_is_metered() {
    let folder = scratch("run-any");
    let record = folder.join("record.json");
    let capture = format!(
        "{}/testdata/openai.chat/usage.sse",
        env!("CARGO_MANIFEST_DIR")
    );
    let output = tokensense()
        .args(["run", "--label", "team=a", "-o"])
        .arg(&record)
        .args(["cat", &capture])
        .output()
        .expect("the binary");
    assert!(output.stdout == fs::read(&capture).expect("a capture"));
    let record: Value =
        serde_json::from_str(&fs::read_to_string(record).expect("a record")).expect("a record");
    assert_eq!(
        (&record["status"], &record["labels"]["team"]),
        (&"complete".into(), &"a".into())
    );
    assert_eq!(record["usage_request"], Value::Null);
}
