# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tokensense_global_optspecs
    string join \n color= h/help V/version
end

function __fish_tokensense_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tokensense_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tokensense_using_subcommand
    set -l cmd (__fish_tokensense_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tokensense -n "__fish_tokensense_needs_command" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_needs_command" -s V -l version -d 'Print version'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "tap" -d 'Meter a stream that passes through a pipe'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "run" -d 'Start a command such as curl, request usage for it, and meter its output'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "summarise" -d 'Add up what saved streams and records cost'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "summarize" -d 'Add up what saved streams and records cost'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "prices" -d 'Show what models cost, and which price is used for a model'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "count" -d 'Count the tokens of text, as wc counts words'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "redact" -d 'Replace the texts of a saved stream, so that it can be shown to others'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "man" -d 'Print the manual page'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "help" -d 'Show the help of a command'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s o -l output -d 'Append records to FILE instead of writing them to stderr' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l format -d 'The format of records [default: line on a terminal, json elsewhere]' -r -f -a "json\t'One JSON object per line'
csv\t'Comma-separated values with a header'
tsv\t'Tab-separated values with a header'
line\t'One short line to read'
otlp\t'Spans for OpenTelemetry, in OTLP\'s JSON, one per line'"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l columns -d 'Choose, order and rename the columns of records' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l label -d 'Add the label KEY=VALUE to the record; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l model -d 'The model, if the stream does not name it or names it wrongly, as Azure does for some deployments' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l provider -d 'The provider, if the stream does not name it or names it wrongly' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l request -d 'The JSON body of the request, so that the input of an interrupted stream can be estimated' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l prices -d 'Look for prices in FILE before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l service-tier -d 'The service tier, if the response does not report it: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l region -d 'The region that is billed, if the host does not show it; some regions cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l emit -d 'What to write to standard output' -r -f -a "raw\t'The bytes as they came'
data\t'The JSON of each event, one per line'
text\t'Only the generated text'
none\t'Nothing; then -o - may write records to standard output'"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l max-output-tokens -d 'Stop the stream when it exceeds N output tokens; exit status 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l max-cost -d 'Stop the stream when it costs more than USD; exit status 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l budget -d 'Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l drain -d 'If the reader goes away, read the stream to its end anyway, to know its exact usage'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l progress -d 'Show tokens, speed and cost on the terminal while the stream is running'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l strict -d 'Exit with status 3 if any response was partial, failed or not recognised'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s q -l quiet -d 'Write no record to stderr'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -s o -l output -d 'Append records to FILE instead of writing them to stderr' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l format -d 'The format of records [default: line on a terminal, json elsewhere]' -r -f -a "json\t'One JSON object per line'
csv\t'Comma-separated values with a header'
tsv\t'Tab-separated values with a header'
line\t'One short line to read'
otlp\t'Spans for OpenTelemetry, in OTLP\'s JSON, one per line'"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l columns -d 'Choose, order and rename the columns of records' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l label -d 'Add the label KEY=VALUE to the record; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l model -d 'The model, if the stream does not name it or names it wrongly, as Azure does for some deployments' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l provider -d 'The provider, if the stream does not name it or names it wrongly' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l request -d 'The JSON body of the request, so that the input of an interrupted stream can be estimated' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l prices -d 'Look for prices in FILE before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l service-tier -d 'The service tier, if the response does not report it: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l region -d 'The region that is billed, if the host does not show it; some regions cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l emit -d 'What to write to standard output' -r -f -a "raw\t'The bytes as they came'
data\t'The JSON of each event, one per line'
text\t'Only the generated text'
none\t'Nothing; then -o - may write records to standard output'"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l max-output-tokens -d 'Stop the stream when it exceeds N output tokens; exit status 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l max-cost -d 'Stop the stream when it costs more than USD; exit status 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l budget -d 'Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l inject -d 'When to add the request for usage (stream_options.include_usage) to curl\'s request' -r -f -a "always\t'For every stream, unless the request already decides it'
auto\t'Only if the API is known to accept it'
never\t'Do not change the request'"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l drain -d 'If the reader goes away, read the stream to its end anyway, to know its exact usage'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l progress -d 'Show tokens, speed and cost on the terminal while the stream is running'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l strict -d 'Exit with status 3 if any response was partial, failed or not recognised'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -s q -l quiet -d 'Write no record to stderr'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l no-wait -d 'End when the command ends, even if it left something running in the background'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l dry-run -d 'Print the command that would run, without keys and prompts, and do not run it'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l files-from -d 'Read more paths from FILE, separated by newlines or NULs; - is standard input' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l by -d 'Group by these keys, separated by commas' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l agents -d 'Also read the logs of coding agents on this machine: of all agents, or of those in LIST' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l format -d 'The output format' -r -f -a "table\t'A table to read'
json\t'One JSON object'
csv\t'The groups as comma-separated values with a header'
html\t'One page for a browser, with charts: it loads nothing'
prometheus\t'Metrics in Prometheus\' text format, for node_exporter\'s textfile collector'"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l records -d 'Also write the record of each response to FILE' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l sort -d 'Sort the groups by a key (first to last) or by a column (largest first)' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l top -d 'Show only the first N groups; the total still includes all' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l since -d 'Count only responses made at TIME or later' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l until -d 'Count only responses made before TIME' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l timezone -d 'Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system\'s]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l filter -d 'Count only responses whose KEY matches GLOB; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l currency -d 'Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l prices -d 'Look for prices in FILE before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l service-tier -d 'The service tier, if the response does not report it: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l region -d 'The region that is billed, if the host does not show it; some regions cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l reconcile -d 'Compare with the provider\'s own usage or cost report, by day and model' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -s j -l threads -d 'How many files to read at the same time [default: number of cores]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l no-project -d 'Leave out the names of agents\' projects, and the files and folders of their logs'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l chart -d 'Draw bars beside the table\'s costs'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l reverse -d 'Reverse the order of the groups'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l reprice -d 'Compute the costs of records again with today\'s prices'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l no-dedup -d 'Count a response each time it is found, not once per id'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l mtime -d 'Use the time of the file for responses that carry no time'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l no-progress -d 'Show no progress bar'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -s q -l quiet -d 'Write nothing but errors to stderr'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l files-from -d 'Read more paths from FILE, separated by newlines or NULs; - is standard input' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l by -d 'Group by these keys, separated by commas' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l agents -d 'Also read the logs of coding agents on this machine: of all agents, or of those in LIST' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l format -d 'The output format' -r -f -a "table\t'A table to read'
json\t'One JSON object'
csv\t'The groups as comma-separated values with a header'
html\t'One page for a browser, with charts: it loads nothing'
prometheus\t'Metrics in Prometheus\' text format, for node_exporter\'s textfile collector'"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l records -d 'Also write the record of each response to FILE' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l sort -d 'Sort the groups by a key (first to last) or by a column (largest first)' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l top -d 'Show only the first N groups; the total still includes all' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l since -d 'Count only responses made at TIME or later' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l until -d 'Count only responses made before TIME' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l timezone -d 'Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system\'s]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l filter -d 'Count only responses whose KEY matches GLOB; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l currency -d 'Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l prices -d 'Look for prices in FILE before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l service-tier -d 'The service tier, if the response does not report it: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l region -d 'The region that is billed, if the host does not show it; some regions cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l reconcile -d 'Compare with the provider\'s own usage or cost report, by day and model' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -s j -l threads -d 'How many files to read at the same time [default: number of cores]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l no-project -d 'Leave out the names of agents\' projects, and the files and folders of their logs'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l chart -d 'Draw bars beside the table\'s costs'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l reverse -d 'Reverse the order of the groups'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l reprice -d 'Compute the costs of records again with today\'s prices'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l no-dedup -d 'Count a response each time it is found, not once per id'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l mtime -d 'Use the time of the file for responses that carry no time'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l no-progress -d 'Show no progress bar'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -s q -l quiet -d 'Write nothing but errors to stderr'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l model -d 'Show which price is used for a model\'s name, and why' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l provider -d 'The provider of --model, if its name is not enough' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l update -d 'Fetch today\'s prices with curl, check them, and use them from now on' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l prices -d 'Look for prices in FILE before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l format -d 'The output format' -r -f -a "table\t'A table to read'
json\t'One JSON object per line'
csv\t'Comma-separated values with a header'"
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand count" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand count" -l model -d 'The model to count for' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand count" -l prices -d 'Look for prices in FILE before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand count" -l format -d 'How counts are written' -r -f -a "text\t'Aligned columns for people'
json\t'One JSON object a line, with the vocabulary and how exact it is'"
complete -c tokensense -n "__fish_tokensense_using_subcommand count" -l request -d 'The files are JSON bodies of requests: count their prompts, for the model that each names'
complete -c tokensense -n "__fish_tokensense_using_subcommand count" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand redact" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand redact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand completions" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand man" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand help" -l color -d 'When to use colours: auto (on a terminal), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand help" -s h -l help -d 'Print help (see more with \'--help\')'

# Values of options, and the command that run starts.
function __fish_tokensense_models
    tokensense prices --format csv 2>/dev/null | string replace -r ',.*' '' | string replace -r '^[^/]*/' ''
end

# Words to add to those that are there already, separated by commas.
function __fish_tokensense_list
    set -l before (string match -r '^.*,' -- (commandline -ct | string replace -r '^--[a-z-]*=' ''))
    for word in $argv
        echo "$before$word"
    end
end

function __fish_tokensense_in_command
    set -l words (commandline -opc)
    contains -- run $words; and contains -- -- $words
end

function __fish_tokensense_command
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    set -e words[1..$at]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

complete -c tokensense -n __fish_tokensense_in_command -f -a "(__fish_tokensense_command)"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise summarize" -l by -x -a "(__fish_tokensense_list model provider api status file dir hour day week month block agent project session)"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise summarize" -l sort -x -a "model provider api status file dir hour day week month block agent project session responses partial estimated failed unpriced input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens output_tokens reasoning_tokens audio_input_tokens audio_output_tokens image_input_tokens image_output_tokens total_tokens web_search_requests cost_usd bytes estimate_error"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap run" -l columns -x -a "(__fish_tokensense_list schema started_at duration_ms ttft_ms tokens_per_second source provider api model request_model response_id created_at service_tier status partial ended_by finish_reason error_type error_message http_status input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens output_tokens reasoning_tokens audio_input_tokens audio_output_tokens image_input_tokens image_output_tokens web_search_requests total_tokens estimated estimator estimate_error cost_usd cost_basis cost_reported_usd cost_computed_usd input_cost_usd cache_read_cost_usd cache_write_cost_usd output_cost_usd other_cost_usd price_match cost_note usage_request bytes events events_skipped labels usage)"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap run prices" -l model -x -a "(__fish_tokensense_models)"
