
use builtin;
use str;

set edit:completion:arg-completer[tokensense] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'tokensense'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'tokensense'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand tap 'Meter a stream that passes through a pipe'
            cand completions 'Print a completion script'
            cand man 'Print the manual'
        }
        &'tokensense;tap'= {
            cand -o 'Append records to FILE instead of stderr'
            cand --output 'Append records to FILE instead of stderr'
            cand --format 'How records are written'
            cand --columns 'Choose, order and rename columns'
            cand --label 'Carry KEY=VALUE into the record; repeatable'
            cand --model 'The model, where the stream does not say or says it wrongly'
            cand --provider 'The provider, where the stream does not say or says it wrongly'
            cand --request 'The JSON request body, so that an interrupted stream''s prompt can be estimated'
            cand --emit 'What goes to standard output'
            cand --max-output-tokens 'Stop the stream once more than N output tokens have come; exit 4'
            cand --max-cost 'Stop the stream once it has cost more than USD; exit 4'
            cand --color 'Colours: on a terminal, always, or never'
            cand --drain 'When the reader goes away, read on to the end of the stream for exact usage'
            cand --progress 'Show tokens, speed and cost on stderr while the stream goes by'
            cand --strict 'Exit 3 if any response was partial, failed or unrecognised'
            cand -q 'No record on stderr'
            cand --quiet 'No record on stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;completions'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;man'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
    ]
    $completions[$command]
}
