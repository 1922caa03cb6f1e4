
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
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand tap 'Meter a stream that passes through a pipe'
            cand run 'Start a command such as curl, request usage for it, and meter its output'
            cand summarise 'Add up what saved streams and records cost'
            cand summarize 'Add up what saved streams and records cost'
            cand prices 'Show what models cost, and which price is used for a model'
            cand count 'Count the tokens of text, as wc counts words'
            cand redact 'Replace the texts of a saved stream, so that it can be shown to others'
            cand completions 'Print a completion script for a shell'
            cand man 'Print the manual page'
            cand help 'Show the help of a command'
        }
        &'tokensense;tap'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand -o 'Append records to FILE instead of writing them to stderr'
            cand --output 'Append records to FILE instead of writing them to stderr'
            cand --format 'The format of records [default: line on a terminal, json elsewhere]'
            cand --columns 'Choose, order and rename the columns of records'
            cand --label 'Add the label KEY=VALUE to the record; repeatable'
            cand --model 'The model, if the stream does not name it or names it wrongly, as Azure does for some deployments'
            cand --provider 'The provider, if the stream does not name it or names it wrongly'
            cand --request 'The JSON body of the request, so that the input of an interrupted stream can be estimated'
            cand --prices 'Look for prices in FILE before the built-in table; repeatable'
            cand --service-tier 'The service tier, if the response does not report it: batch, flex, priority, ...'
            cand --region 'The region that is billed, if the host does not show it; some regions cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand --emit 'What to write to standard output'
            cand --max-output-tokens 'Stop the stream when it exceeds N output tokens; exit status 4'
            cand --max-cost 'Stop the stream when it costs more than USD; exit status 4'
            cand --budget 'Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable'
            cand --drain 'If the reader goes away, read the stream to its end anyway, to know its exact usage'
            cand --progress 'Show tokens, speed and cost on the terminal while the stream is running'
            cand --strict 'Exit with status 3 if any response was partial, failed or not recognised'
            cand -q 'Write no record to stderr'
            cand --quiet 'Write no record to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;run'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand -o 'Append records to FILE instead of writing them to stderr'
            cand --output 'Append records to FILE instead of writing them to stderr'
            cand --format 'The format of records [default: line on a terminal, json elsewhere]'
            cand --columns 'Choose, order and rename the columns of records'
            cand --label 'Add the label KEY=VALUE to the record; repeatable'
            cand --model 'The model, if the stream does not name it or names it wrongly, as Azure does for some deployments'
            cand --provider 'The provider, if the stream does not name it or names it wrongly'
            cand --request 'The JSON body of the request, so that the input of an interrupted stream can be estimated'
            cand --prices 'Look for prices in FILE before the built-in table; repeatable'
            cand --service-tier 'The service tier, if the response does not report it: batch, flex, priority, ...'
            cand --region 'The region that is billed, if the host does not show it; some regions cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand --emit 'What to write to standard output'
            cand --max-output-tokens 'Stop the stream when it exceeds N output tokens; exit status 4'
            cand --max-cost 'Stop the stream when it costs more than USD; exit status 4'
            cand --budget 'Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable'
            cand --inject 'When to add the request for usage (stream_options.include_usage) to curl''s request'
            cand --drain 'If the reader goes away, read the stream to its end anyway, to know its exact usage'
            cand --progress 'Show tokens, speed and cost on the terminal while the stream is running'
            cand --strict 'Exit with status 3 if any response was partial, failed or not recognised'
            cand -q 'Write no record to stderr'
            cand --quiet 'Write no record to stderr'
            cand --no-wait 'End when the command ends, even if it left something running in the background'
            cand --dry-run 'Print the command that would run, without keys and prompts, and do not run it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;summarise'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand --files-from 'Read more paths from FILE, separated by newlines or NULs; - is standard input'
            cand --by 'Group by these keys, separated by commas'
            cand --agents 'Also read the logs of coding agents on this machine: of all agents, or of those in LIST'
            cand --format 'The output format'
            cand --records 'Also write the record of each response to FILE'
            cand --sort 'Sort the groups by a key (first to last) or by a column (largest first)'
            cand --top 'Show only the first N groups; the total still includes all'
            cand --since 'Count only responses made at TIME or later'
            cand --until 'Count only responses made before TIME'
            cand --timezone 'Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system''s]'
            cand --filter 'Count only responses whose KEY matches GLOB; repeatable'
            cand --currency 'Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros'
            cand --prices 'Look for prices in FILE before the built-in table; repeatable'
            cand --service-tier 'The service tier, if the response does not report it: batch, flex, priority, ...'
            cand --region 'The region that is billed, if the host does not show it; some regions cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand --reconcile 'Compare with the provider''s own usage or cost report, by day and model'
            cand -j 'How many files to read at the same time [default: number of cores]'
            cand --threads 'How many files to read at the same time [default: number of cores]'
            cand --no-project 'Leave out the names of agents'' projects, and the files and folders of their logs'
            cand --chart 'Draw bars beside the table''s costs'
            cand --reverse 'Reverse the order of the groups'
            cand --reprice 'Compute the costs of records again with today''s prices'
            cand --no-dedup 'Count a response each time it is found, not once per id'
            cand --mtime 'Use the time of the file for responses that carry no time'
            cand --no-progress 'Show no progress bar'
            cand -q 'Write nothing but errors to stderr'
            cand --quiet 'Write nothing but errors to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;summarize'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand --files-from 'Read more paths from FILE, separated by newlines or NULs; - is standard input'
            cand --by 'Group by these keys, separated by commas'
            cand --agents 'Also read the logs of coding agents on this machine: of all agents, or of those in LIST'
            cand --format 'The output format'
            cand --records 'Also write the record of each response to FILE'
            cand --sort 'Sort the groups by a key (first to last) or by a column (largest first)'
            cand --top 'Show only the first N groups; the total still includes all'
            cand --since 'Count only responses made at TIME or later'
            cand --until 'Count only responses made before TIME'
            cand --timezone 'Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system''s]'
            cand --filter 'Count only responses whose KEY matches GLOB; repeatable'
            cand --currency 'Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros'
            cand --prices 'Look for prices in FILE before the built-in table; repeatable'
            cand --service-tier 'The service tier, if the response does not report it: batch, flex, priority, ...'
            cand --region 'The region that is billed, if the host does not show it; some regions cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand --reconcile 'Compare with the provider''s own usage or cost report, by day and model'
            cand -j 'How many files to read at the same time [default: number of cores]'
            cand --threads 'How many files to read at the same time [default: number of cores]'
            cand --no-project 'Leave out the names of agents'' projects, and the files and folders of their logs'
            cand --chart 'Draw bars beside the table''s costs'
            cand --reverse 'Reverse the order of the groups'
            cand --reprice 'Compute the costs of records again with today''s prices'
            cand --no-dedup 'Count a response each time it is found, not once per id'
            cand --mtime 'Use the time of the file for responses that carry no time'
            cand --no-progress 'Show no progress bar'
            cand -q 'Write nothing but errors to stderr'
            cand --quiet 'Write nothing but errors to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;prices'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand --model 'Show which price is used for a model''s name, and why'
            cand --provider 'The provider of --model, if its name is not enough'
            cand --update 'Fetch today''s prices with curl, check them, and use them from now on'
            cand --prices 'Look for prices in FILE before the built-in table; repeatable'
            cand --format 'The output format'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;count'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand --model 'The model to count for'
            cand --prices 'Look for prices in FILE before the built-in table; repeatable'
            cand --format 'How counts are written'
            cand --request 'The files are JSON bodies of requests: count their prompts, for the model that each names'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;redact'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;completions'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;man'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;help'= {
            cand --color 'When to use colours: auto (on a terminal), always or never'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
    ]
    $completions[$command]
}
