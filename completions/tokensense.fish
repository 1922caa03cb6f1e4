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

complete -c tokensense -n "__fish_tokensense_needs_command" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_needs_command" -s V -l version -d 'Print version'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "tap" -d 'What tap and run have in common'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "run" -d 'What tap and run have in common'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "summarise" -d 'What the user knows of the bill'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "summarize" -d 'What the user knows of the bill'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "prices" -d 'Where prices come from beside the built-in table'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "completions" -d 'Print a completion script'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "man" -d 'Print the manual'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s o -l output -d 'Append records to FILE instead of stderr' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l format -d 'How records are written' -r -f -a "json\t'One JSON object a line'
csv\t'Comma-separated values with a header'
line\t'One short line for people'"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l columns -d 'Choose, order and rename columns' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l label -d 'Carry KEY=VALUE into the record; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l model -d 'The model, where the stream does not say or says it wrongly, as for a deployment of Azure\'s' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l provider -d 'The provider, where the stream does not say or says it wrongly' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l request -d 'The JSON request body, so that an interrupted stream\'s prompt can be estimated' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l prices -d 'Ask FILE for prices before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l service-tier -d 'The service tier of responses that do not say theirs: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l region -d 'The region that is billed, where no host tells it; some cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l emit -d 'What goes to standard output' -r -f -a "raw\t'The bytes as they came'
data\t'Each event\'s JSON payload, one per line'
text\t'The generated text alone'
none\t'Nothing: then records may go to standard output with -o -'"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l max-output-tokens -d 'Stop the stream once more than N output tokens have come; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l max-cost -d 'Stop the stream once it has cost more than USD; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l budget -d 'Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l drain -d 'When the reader goes away, read on to the end of the stream for exact usage'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l progress -d 'Show tokens, speed and cost on stderr while the stream goes by'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l strict -d 'Exit 3 if any response was partial, failed or unrecognised'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s q -l quiet -d 'No record on stderr'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -s o -l output -d 'Append records to FILE instead of stderr' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l format -d 'How records are written' -r -f -a "json\t'One JSON object a line'
csv\t'Comma-separated values with a header'
line\t'One short line for people'"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l columns -d 'Choose, order and rename columns' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l label -d 'Carry KEY=VALUE into the record; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l model -d 'The model, where the stream does not say or says it wrongly, as for a deployment of Azure\'s' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l provider -d 'The provider, where the stream does not say or says it wrongly' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l request -d 'The JSON request body, so that an interrupted stream\'s prompt can be estimated' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l prices -d 'Ask FILE for prices before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l service-tier -d 'The service tier of responses that do not say theirs: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l region -d 'The region that is billed, where no host tells it; some cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l emit -d 'What goes to standard output' -r -f -a "raw\t'The bytes as they came'
data\t'Each event\'s JSON payload, one per line'
text\t'The generated text alone'
none\t'Nothing: then records may go to standard output with -o -'"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l max-output-tokens -d 'Stop the stream once more than N output tokens have come; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l max-cost -d 'Stop the stream once it has cost more than USD; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l budget -d 'Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l inject -d 'When to add stream_options.include_usage to a curl\'s request' -r -f -a "always\t'Wherever the body asks for a stream and does not say'
auto\t'Where the API is known to take it'
never\t'Nowhere'"
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l drain -d 'When the reader goes away, read on to the end of the stream for exact usage'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l progress -d 'Show tokens, speed and cost on stderr while the stream goes by'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l strict -d 'Exit 3 if any response was partial, failed or unrecognised'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -s q -l quiet -d 'No record on stderr'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -l dry-run -d 'Print the command that would run, secrets and prompts left out, and run nothing'
complete -c tokensense -n "__fish_tokensense_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l files-from -d 'Read further paths from FILE, separated by line ends or NULs; - is standard input' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l by -d 'Group by these keys' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l format -d 'How the summary is written' -r -f -a "table\t'Aligned columns for people'
json\t'One JSON object'
csv\t'The groups as comma-separated values with a header'"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l records -d 'Also write each response\'s record to FILE, as JSON lines or, if it ends in .csv, as CSV' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l sort -d 'Order the groups by a key, or by a column of the summary: its greatest first' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l top -d 'Show only the first N groups; the totals are of all' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l since -d 'Only responses made at TIME or later' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l until -d 'Only responses made before TIME' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l timezone -d 'Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system\'s]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l filter -d 'Only responses whose KEY fits GLOB; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l currency -d 'Show costs in another currency, as EUR=0.92: so much of it is worth a US dollar' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l prices -d 'Ask FILE for prices before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l service-tier -d 'The service tier of responses that do not say theirs: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l region -d 'The region that is billed, where no host tells it; some cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -s j -l threads -d 'Files read at once [default: one for each core]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l reverse -d 'Turn the order round'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l reprice -d 'Compute the costs of records anew with today\'s prices'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l no-dedup -d 'Count a response as often as it is met, not once for each id'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l mtime -d 'Let a response that tells no time have its file\'s'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -l no-progress -d 'No progress bar'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -s q -l quiet -d 'Nothing on stderr but errors'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l files-from -d 'Read further paths from FILE, separated by line ends or NULs; - is standard input' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l by -d 'Group by these keys' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l format -d 'How the summary is written' -r -f -a "table\t'Aligned columns for people'
json\t'One JSON object'
csv\t'The groups as comma-separated values with a header'"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l records -d 'Also write each response\'s record to FILE, as JSON lines or, if it ends in .csv, as CSV' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l sort -d 'Order the groups by a key, or by a column of the summary: its greatest first' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l top -d 'Show only the first N groups; the totals are of all' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l since -d 'Only responses made at TIME or later' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l until -d 'Only responses made before TIME' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l timezone -d 'Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system\'s]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l filter -d 'Only responses whose KEY fits GLOB; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l currency -d 'Show costs in another currency, as EUR=0.92: so much of it is worth a US dollar' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l prices -d 'Ask FILE for prices before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l service-tier -d 'The service tier of responses that do not say theirs: batch, flex, priority, ...' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l region -d 'The region that is billed, where no host tells it; some cost more' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l discount -d 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -s j -l threads -d 'Files read at once [default: one for each core]' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l reverse -d 'Turn the order round'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l reprice -d 'Compute the costs of records anew with today\'s prices'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l no-dedup -d 'Count a response as often as it is met, not once for each id'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l mtime -d 'Let a response that tells no time have its file\'s'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -l no-progress -d 'No progress bar'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -s q -l quiet -d 'Nothing on stderr but errors'
complete -c tokensense -n "__fish_tokensense_using_subcommand summarize" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l model -d 'Show the entry that answers for a model\'s name as it comes on the wire or from a URL, and why; exit 1 for none' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l provider -d 'The provider of --model, where its name does not tell' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l update -d 'Fetch today\'s prices with curl, check them, and use them from now on' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l prices -d 'Ask FILE for prices before the built-in table; repeatable' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -l format -d 'How prices are written' -r -f -a "table\t'Aligned columns for people'
json\t'One JSON object a line'
csv\t'Comma-separated values with a header'"
complete -c tokensense -n "__fish_tokensense_using_subcommand prices" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand completions" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand man" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
