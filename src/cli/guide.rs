//! How the help of each command ends: examples, and the variables that it reads.

use std::fmt::Write as _;

use clap::Command;

/// What it does, and how it is typed.
pub(crate) type Example = (&'static str, &'static str);

/// The examples of the program and of each command. The help of the program itself repeats the first ones in [`ROOT`]: it
/// is built at each start, and must cost nothing.
pub(crate) const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "count",
        &[
            (
                "Count the tokens of files, with their cost as a prompt:",
                "tokensense count --model claude-sonnet-4-5 notes.md todo.md",
            ),
            (
                "Count the prompt of a request, for the model that it names:",
                "tokensense count --request body.json",
            ),
        ],
    ),
    (
        "redact",
        &[(
            "Make a capture to attach to a bug report:",
            "tokensense redact answer.sse > capture.sse",
        )],
    ),
    (
        "tokensense",
        &[
            (
                "Print the answer, and its cost below it:",
                "curl -sN http://localhost:11434/api/chat -d @body.json | tokensense tap --emit text",
            ),
            (
                "Request usage where the API reports it only then:",
                "tokensense run -- curl -s https://api.openai.com/v1/chat/completions -H \"Authorization: Bearer $OPENAI_API_KEY\" -H \"Content-Type: application/json\" -d @body.json",
            ),
            (
                "What did it all cost?",
                "tokensense summarise logs --by day,model --since 7d",
            ),
        ],
    ),
    (
        "tap",
        &[
            (
                "Print the answer, and its cost below it:",
                "curl -sN http://localhost:11434/api/chat -d @body.json | tokensense tap --emit text",
            ),
            (
                "Collect records in a file:",
                "tokensense tap -o usage.jsonl < answer.sse > /dev/null",
            ),
            (
                "Read an event stream with jq:",
                "tokensense tap -q --emit data < answer.sse | jq .choices",
            ),
        ],
    ),
    (
        "run",
        &[
            (
                "Meter a request to OpenAI, with usage requested:",
                "tokensense run -- curl -s https://api.openai.com/v1/chat/completions -H \"Authorization: Bearer $OPENAI_API_KEY\" -H \"Content-Type: application/json\" -d @body.json",
            ),
            (
                "See what would be sent:",
                "tokensense run --dry-run -- curl -s https://api.openai.com/v1/chat/completions -d @body.json",
            ),
            (
                "Stop when it has cost five cents:",
                "tokensense run --max-cost 0.05 -- curl -s http://localhost:11434/api/chat -d @body.json",
            ),
        ],
    ),
    (
        "summarise",
        &[
            ("What did each model cost?", "tokensense summarise logs"),
            (
                "What did each day of the last week cost?",
                "tokensense summarise logs --by day,model --since 7d",
            ),
            (
                "The five most expensive files, as CSV:",
                "tokensense summarise logs --by file --top 5 --format csv",
            ),
        ],
    ),
    (
        "prices",
        &[
            ("What do models of a kind cost?", "tokensense prices sonnet"),
            (
                "Which price is used for a name?",
                "tokensense prices --model us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ),
        ],
    ),
    (
        "completions",
        &[
            (
                "bash:",
                "tokensense completions bash > ~/.local/share/bash-completion/completions/tokensense",
            ),
            (
                "zsh, with ~/.zfunc in fpath:",
                "tokensense completions zsh > ~/.zfunc/_tokensense",
            ),
            (
                "fish:",
                "tokensense completions fish > ~/.config/fish/completions/tokensense.fish",
            ),
        ],
    ),
    (
        "man",
        &[
            ("Read the manual:", "tokensense man | man -l -"),
            (
                "Install it:",
                "tokensense man > ~/.local/share/man/man1/tokensense.1",
            ),
        ],
    ),
];

/// How the help of the program itself ends.
pub(super) const ROOT: &str = "\x1b[1m\x1b[4mExamples:\x1b[0m
  Print the answer, and its cost below it:
    curl -sN http://localhost:11434/api/chat -d @body.json | tokensense tap --emit text
  Request usage where the API reports it only then:
    tokensense run -- curl -s https://api.openai.com/v1/chat/completions -d @body.json …
  What did it all cost?
    tokensense summarise logs --by day,model --since 7d

\x1b[1m\x1b[4mEnvironment:\x1b[0m
  Options can be set by variables: tokensense COMMAND --help lists those of a command.

tokensense help COMMAND explains a command, and tokensense man prints the manual with all columns of a record.";

/// Variables that are no option's alone: the commands that read them, the name, and the meaning.
const VARIABLES: &[(&[&str], &str, &str)] = &[
    (
        &["tap", "run"],
        "TOKENSENSE_FORMAT",
        "default of --format; a file's ending wins",
    ),
    (
        &["tap", "run"],
        "TOKENSENSE_LABELS",
        "labels KEY=VALUE, separated by commas; --label adds to them",
    ),
    (
        &["tap", "run", "summarise", "prices"],
        "TOKENSENSE_PRICES",
        "price files, separated by colons; --prices wins",
    ),
    (
        &["tap", "run", "summarise"],
        "NO_COLOR",
        "no colours if it is set; --color wins",
    ),
];

/// The variables that a command reads, and their meanings.
pub(crate) fn variables(command: &Command) -> Vec<(String, String)> {
    let options = command.get_arguments().filter_map(|arg| {
        let name = arg.get_env()?.to_string_lossy().into_owned();
        Some((name, format!("default of --{}", arg.get_long()?)))
    });
    let own = VARIABLES
        .iter()
        .filter(|(commands, ..)| commands.contains(&command.get_name()))
        .map(|(_, name, meaning)| ((*name).to_owned(), (*meaning).to_owned()));
    options.chain(own).collect()
}

/// The end of a command's help.
pub(super) fn sections(command: &Command) -> String {
    let mut text = String::new();
    let name = command.get_name();
    let examples = EXAMPLES.iter().find(|(of, _)| *of == name);
    if let Some((_, examples)) = examples {
        text += "\x1b[1m\x1b[4mExamples:\x1b[0m\n";
        for (what, line) in *examples {
            let _ = writeln!(text, "  {what}\n    {line}");
        }
    }
    let variables = variables(command);
    if !variables.is_empty() {
        text += "\n\x1b[1m\x1b[4mEnvironment:\x1b[0m\n";
        let width = variables.iter().map(|(name, _)| name.len()).max();
        for (name, meaning) in &variables {
            let _ = writeln!(
                text,
                "  {name:width$}  {meaning}",
                width = width.unwrap_or(0)
            );
        }
    }
    text.truncate(text.trim_end().len());
    text
}
