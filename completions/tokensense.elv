
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
            cand tap 'What tap and run have in common'
            cand run 'What tap and run have in common'
            cand summarise 'What the user knows of the bill'
            cand summarize 'What the user knows of the bill'
            cand prices 'Where prices come from beside the built-in table'
            cand completions 'Print a completion script'
            cand man 'Print the manual'
        }
        &'tokensense;tap'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand -o 'Append records to FILE instead of stderr'
            cand --output 'Append records to FILE instead of stderr'
            cand --format 'How records are written'
            cand --columns 'Choose, order and rename columns'
            cand --label 'Carry KEY=VALUE into the record; repeatable'
            cand --model 'The model, where the stream does not say or says it wrongly, as for a deployment of Azure''s'
            cand --provider 'The provider, where the stream does not say or says it wrongly'
            cand --request 'The JSON request body, so that an interrupted stream''s prompt can be estimated'
            cand --prices 'Ask FILE for prices before the built-in table; repeatable'
            cand --service-tier 'The service tier of responses that do not say theirs: batch, flex, priority, ...'
            cand --region 'The region that is billed, where no host tells it; some cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand --emit 'What goes to standard output'
            cand --max-output-tokens 'Stop the stream once more than N output tokens have come; exit 4'
            cand --max-cost 'Stop the stream once it has cost more than USD; exit 4'
            cand --budget 'Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4'
            cand --drain 'When the reader goes away, read on to the end of the stream for exact usage'
            cand --progress 'Show tokens, speed and cost on stderr while the stream goes by'
            cand --strict 'Exit 3 if any response was partial, failed or unrecognised'
            cand -q 'No record on stderr'
            cand --quiet 'No record on stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;run'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand -o 'Append records to FILE instead of stderr'
            cand --output 'Append records to FILE instead of stderr'
            cand --format 'How records are written'
            cand --columns 'Choose, order and rename columns'
            cand --label 'Carry KEY=VALUE into the record; repeatable'
            cand --model 'The model, where the stream does not say or says it wrongly, as for a deployment of Azure''s'
            cand --provider 'The provider, where the stream does not say or says it wrongly'
            cand --request 'The JSON request body, so that an interrupted stream''s prompt can be estimated'
            cand --prices 'Ask FILE for prices before the built-in table; repeatable'
            cand --service-tier 'The service tier of responses that do not say theirs: batch, flex, priority, ...'
            cand --region 'The region that is billed, where no host tells it; some cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand --emit 'What goes to standard output'
            cand --max-output-tokens 'Stop the stream once more than N output tokens have come; exit 4'
            cand --max-cost 'Stop the stream once it has cost more than USD; exit 4'
            cand --budget 'Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4'
            cand --inject 'When to add stream_options.include_usage to a curl''s request'
            cand --drain 'When the reader goes away, read on to the end of the stream for exact usage'
            cand --progress 'Show tokens, speed and cost on stderr while the stream goes by'
            cand --strict 'Exit 3 if any response was partial, failed or unrecognised'
            cand -q 'No record on stderr'
            cand --quiet 'No record on stderr'
            cand --dry-run 'Print the command that would run, secrets and prompts left out, and run nothing'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;summarise'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand --files-from 'Read further paths from FILE, separated by line ends or NULs; - is standard input'
            cand --by 'Group by these keys'
            cand --format 'How the summary is written'
            cand --records 'Also write each response''s record to FILE, as JSON lines or, if it ends in .csv, as CSV'
            cand --sort 'Order the groups by a key, or by a column of the summary: its greatest first'
            cand --top 'Show only the first N groups; the totals are of all'
            cand --since 'Only responses made at TIME or later'
            cand --until 'Only responses made before TIME'
            cand --timezone 'Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system''s]'
            cand --filter 'Only responses whose KEY fits GLOB; repeatable'
            cand --currency 'Show costs in another currency, as EUR=0.92: so much of it is worth a US dollar'
            cand --prices 'Ask FILE for prices before the built-in table; repeatable'
            cand --service-tier 'The service tier of responses that do not say theirs: batch, flex, priority, ...'
            cand --region 'The region that is billed, where no host tells it; some cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand -j 'Files read at once [default: one for each core]'
            cand --threads 'Files read at once [default: one for each core]'
            cand --reverse 'Turn the order round'
            cand --reprice 'Compute the costs of records anew with today''s prices'
            cand --no-dedup 'Count a response as often as it is met, not once for each id'
            cand --mtime 'Let a response that tells no time have its file''s'
            cand --no-progress 'No progress bar'
            cand -q 'Nothing on stderr but errors'
            cand --quiet 'Nothing on stderr but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;summarize'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand --files-from 'Read further paths from FILE, separated by line ends or NULs; - is standard input'
            cand --by 'Group by these keys'
            cand --format 'How the summary is written'
            cand --records 'Also write each response''s record to FILE, as JSON lines or, if it ends in .csv, as CSV'
            cand --sort 'Order the groups by a key, or by a column of the summary: its greatest first'
            cand --top 'Show only the first N groups; the totals are of all'
            cand --since 'Only responses made at TIME or later'
            cand --until 'Only responses made before TIME'
            cand --timezone 'Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system''s]'
            cand --filter 'Only responses whose KEY fits GLOB; repeatable'
            cand --currency 'Show costs in another currency, as EUR=0.92: so much of it is worth a US dollar'
            cand --prices 'Ask FILE for prices before the built-in table; repeatable'
            cand --service-tier 'The service tier of responses that do not say theirs: batch, flex, priority, ...'
            cand --region 'The region that is billed, where no host tells it; some cost more'
            cand --discount 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%'
            cand -j 'Files read at once [default: one for each core]'
            cand --threads 'Files read at once [default: one for each core]'
            cand --reverse 'Turn the order round'
            cand --reprice 'Compute the costs of records anew with today''s prices'
            cand --no-dedup 'Count a response as often as it is met, not once for each id'
            cand --mtime 'Let a response that tells no time have its file''s'
            cand --no-progress 'No progress bar'
            cand -q 'Nothing on stderr but errors'
            cand --quiet 'Nothing on stderr but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokensense;prices'= {
            cand --color 'Colours: on a terminal, always, or never'
            cand --model 'Show the entry that answers for a model''s name as it comes on the wire or from a URL, and why; exit 1 for none'
            cand --provider 'The provider of --model, where its name does not tell'
            cand --update 'Fetch today''s prices with curl, check them, and use them from now on'
            cand --prices 'Ask FILE for prices before the built-in table; repeatable'
            cand --format 'How prices are written'
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
