//! The completion scripts in `completions/` and the manual: as the binary prints them, and as shells read them.
//!
//! After a change of options, `TOKENSENSE_BLESS=1 cargo test --test completions` writes the scripts anew.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{isolated, scratch, tokensense};

/// Each shell, its script, and how it is told to read a script without running it.
const SHELLS: &[(&str, &str, &[&str])] = &[
    ("bash", "tokensense.bash", &["bash", "-n"]),
    (
        "elvish",
        "tokensense.elv",
        &["elvish", "-norc", "-compileonly"],
    ),
    ("fish", "tokensense.fish", &["fish", "--no-execute"]),
    ("nushell", "tokensense.nu", &["nu", "--no-config-file"]),
    (
        "powershell",
        "_tokensense.ps1",
        &["pwsh", "-NoProfile", "-File"],
    ),
    ("zsh", "_tokensense", &["zsh", "-n"]),
];

fn printed(args: &[&str]) -> String {
    let output = tokensense().args(args).output().expect("the binary");
    assert!(output.status.success(), "{args:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions")
}

#[test]
fn scripts_are_those_of_the_binary() {
    let bless = std::env::var_os("TOKENSENSE_BLESS").is_some();
    for (shell, file, _) in SHELLS {
        let path = folder().join(file);
        let script = printed(&["completions", shell]);
        if bless {
            fs::create_dir_all(folder()).expect("a folder");
            fs::write(&path, script).expect("a writable script");
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == script,
            "{} differs: TOKENSENSE_BLESS=1 cargo test --test completions",
            path.display()
        );
    }
    let files = common::sorted(&folder());
    assert_eq!(files.len(), SHELLS.len(), "{files:?}");
}

/// Only the shells on this machine; bash is on every one.
#[test]
fn shells_can_read_them() {
    for (shell, file, check) in SHELLS {
        let path = folder().join(file);
        let mut command = Command::new(check[0]);
        let command = command.args(&check[1..]).arg(path).stdin(Stdio::null());
        match command.output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(error) => {
                assert_ne!(*shell, "bash", "{error}");
                eprintln!("{shell} is not installed: its script is not read here");
            }
        }
    }
}

/// bash completes commands, options and their values.
#[test]
fn bash_completes() {
    let script = folder().join("tokensense.bash");
    for (words, want) in [
        ("tokensense ta", "tap"),
        ("tokensense tap --em", "--emit"),
        ("tokensense tap --emit d", "data"),
        ("tokensense completions nu", "nushell"),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let call = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _tokensense tokensense {} {}; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let mut bash = isolated("bash");
        let output = bash.args(["--norc", "-c", &call]).output().expect("bash");
        let got = String::from_utf8_lossy(&output.stdout);
        assert_eq!(got.trim(), want, "{words:?}: {output:?}");
    }
}

#[test]
fn an_unknown_shell_is_refused() {
    let output = tokensense().args(["completions", "tcsh"]).output();
    let output = output.expect("the binary");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    for shell in SHELLS.iter().map(|(shell, ..)| shell) {
        assert!(text.contains(shell), "{text}");
    }
}

#[test]
fn manual() {
    let all = printed(&["man"]);
    let main = all.split(".TH ").nth(1).expect("a page");
    for part in [
        "NAME",
        "SYNOPSIS",
        "OPTIONS",
        "EXIT STATUS",
        "RECORD",
        "cost_basis",
    ] {
        assert!(main.contains(part), "no {part}");
    }
    let help = printed(&["--help"]);
    let names = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<_> = names
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 3, "{help}");
    assert_eq!(all.matches(".TH ").count(), 1 + names.len());
    for name in names {
        let page = printed(&["man", name]);
        assert!(
            page.contains(&format!(".TH tokensense-{name} 1 \" \" \"tokensense ")),
            "{page}"
        );
        assert!(all.contains(&page), "{name} has no page among all");
    }

    let output = tokensense().args(["man", "tee"]).output();
    let output = output.expect("the binary");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("no command \"tee\"") && text.contains("tap"),
        "{text}"
    );
}

/// groff finds nothing to warn of, where it is installed.
#[test]
fn manual_is_sound_roff() {
    let path = scratch("manual").join("tokensense.1");
    fs::write(&path, printed(&["man"])).expect("a file");
    let mut groff = Command::new("groff");
    let groff = groff
        .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])
        .arg(path);
    match groff.output() {
        Ok(output) => assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        ),
        Err(error) => eprintln!("groff is not installed: {error}"),
    }
}

/// A reader that goes away early is nothing to complain about.
#[test]
fn manual_into_a_closed_pipe() {
    use std::os::unix::process::ExitStatusExt as _;

    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = tokensense().arg("man").stdout(writer).output();
    let output = output.expect("the binary");
    assert_eq!(output.status.signal(), Some(13));
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// What a shell prints when the folder of our scripts and of the binary are at hand. Each call has a place of its own: what
/// an earlier one has left running finds its own place, and so does another run of the tests.
fn in_shell(shell: &str, args: &[&str], script: &str) -> String {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let place = scratch(&format!("shell-{}-{call}", std::process::id()));
    let binaries = Path::new(common::BINARY).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = isolated(shell)
        .args(args)
        .arg(script)
        .env("PATH", format!("{}:{path}", binaries.display()))
        .env("HOME", &place)
        .current_dir(&place)
        .output();
    let output = output.unwrap_or_else(|error| panic!("{shell} does not start: {error}"));
    let _ = fs::remove_dir_all(&place);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is typed, and one of the words that complete it.
const COMPLETED: &[(&str, &str)] = &[
    ("tokensense summarise --by mod", "model"),
    ("tokensense summarise --by model,prov", "model,provider"),
    ("tokensense summarise --sort cost", "cost_usd"),
    (
        "tokensense tap --columns model,input_tok",
        "model,input_tokens",
    ),
    ("tokensense prices --model gpt-4o-min", "gpt-4o-mini"),
    ("tokensense run -- mkdi", "mkdir"),
    ("tokensense run -q -- cat fil", "file-of-ours"),
];

#[test]
fn bash_completes_values_and_commands() {
    for (line, want) in COMPLETED {
        let script = format!(
            "touch file-of-ours; source '{}'; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=($COMP_LINE); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _tokensense_more tokensense \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            folder().join("tokensense.bash").display()
        );
        let got = in_shell("bash", &["--norc", "-c"], &script);
        assert!(got.lines().any(|word| word == *want), "{line}: {got}");
    }
    // A command's own completion.
    let script = format!(
        "source '{}'; _own() {{ COMPREPLY=(own-$2); }}; complete -F _own thing; COMP_WORDS=(tokensense run -- thing wo); COMP_CWORD=4; \
         COMP_LINE='tokensense run -- thing wo'; COMP_POINT=${{#COMP_LINE}}; _tokensense_more tokensense wo thing; echo \"${{COMPREPLY[@]}}\"",
        folder().join("tokensense.bash").display()
    );
    assert_eq!(
        in_shell("bash", &["--norc", "-c"], &script).trim(),
        "own-wo"
    );
}

#[test]
#[ignore = "needs fish"]
fn fish_completes_values_and_commands() {
    for (line, want) in COMPLETED {
        let script = format!(
            "touch file-of-ours; source '{}'; complete -C '{line}'",
            folder().join("tokensense.fish").display()
        );
        let got = in_shell("fish", &["--no-config", "-c"], &script);
        let mut words = got.lines().filter_map(|line| line.split('\t').next());
        assert!(words.any(|word| word == *want), "{line}: {got}");
    }
}

/// In a terminal of its own, as zsh completes nowhere else.
#[test]
#[ignore = "needs zsh"]
fn zsh_completes_values_and_commands() {
    for (line, want) in COMPLETED {
        let script = format!(
            "touch file-of-ours; zmodload zsh/zpty; zpty z zsh -f -i; seen=; \
             seen_yet() {{ repeat 300; do while zpty -r -t z part; do seen+=$part; done; [[ $seen == *$1* ]] && return; sleep 0.1; done }}; \
             zpty -w z \"PS1=; fpath=('{}' \\$fpath); autoload -U compinit; compinit -u -D; bindkey '^I' complete-word; print REA''DY\"; \
             seen_yet READY; zpty -w -n z '{line}'$'\\t'; seen_yet '{want}'; zpty -d z; print -r -- $seen",
            folder().display()
        );
        let got = in_shell("zsh", &["-f", "-c"], &script);
        assert!(got.contains(want), "{line}: {got:?}");
    }
}

/// Each command begins with a sentence of its own, wherever it is explained.
#[test]
fn first_lines_are_the_commands_own() {
    let help = printed(&["--help"]);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(name, about)| {
            (
                name,
                about.trim().split(" [alias").next().unwrap_or_default(),
            )
        })
        .collect();
    assert!(commands.len() > 5, "{help}");
    let scripts = ["tokensense.fish", "_tokensense"]
        .map(|file| fs::read_to_string(folder().join(file)).expect("a script"));
    for (name, about) in commands {
        for args in [&[name, "-h"][..], &[name, "--help"], &["help", name]] {
            assert_eq!(printed(args).lines().next(), Some(about), "{args:?}");
        }
        let page = printed(&["man", name]);
        let plain = page.replace("\\-", "-");
        assert!(
            plain.contains(&format!("tokensense-{name} - {about}")),
            "{page}"
        );
        for script in &scripts {
            assert!(script.contains(about), "{name}");
        }
        let help = printed(&[name, "-h"]);
        assert!(name == "help" || help.contains("\nExamples:\n"), "{help}");
        assert!(name == "help" || page.contains(".SH EXAMPLES"), "{page}");
    }
    for name in ["tap", "run", "summarise", "prices"] {
        assert!(
            printed(&[name, "-h"]).contains("\nEnvironment:\n"),
            "{name}"
        );
        assert!(
            printed(&["man", name]).contains(".SH ENVIRONMENT"),
            "{name}"
        );
    }
}
