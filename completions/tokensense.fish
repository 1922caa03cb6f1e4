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
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "tap" -d 'Meter a stream that passes through a pipe'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "completions" -d 'Print a completion script'
complete -c tokensense -n "__fish_tokensense_needs_command" -f -a "man" -d 'Print the manual'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s o -l output -d 'Append records to FILE instead of stderr' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l format -d 'How records are written' -r -f -a "json\t'One JSON object a line'
csv\t'Comma-separated values with a header'
line\t'One short line for people'"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l columns -d 'Choose, order and rename columns' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l label -d 'Carry KEY=VALUE into the record; repeatable' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l model -d 'The model, where the stream does not say or says it wrongly' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l provider -d 'The provider, where the stream does not say or says it wrongly' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l request -d 'The JSON request body, so that an interrupted stream\'s prompt can be estimated' -r -F
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l emit -d 'What goes to standard output' -r -f -a "raw\t'The bytes as they came'
data\t'Each event\'s JSON payload, one per line'
text\t'The generated text alone'
none\t'Nothing: then records may go to standard output with -o -'"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l max-output-tokens -d 'Stop the stream once more than N output tokens have come; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l max-cost -d 'Stop the stream once it has cost more than USD; exit 4' -r
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l drain -d 'When the reader goes away, read on to the end of the stream for exact usage'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l progress -d 'Show tokens, speed and cost on stderr while the stream goes by'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -l strict -d 'Exit 3 if any response was partial, failed or unrecognised'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s q -l quiet -d 'No record on stderr'
complete -c tokensense -n "__fish_tokensense_using_subcommand tap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand completions" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokensense -n "__fish_tokensense_using_subcommand man" -l color -d 'Colours: on a terminal, always, or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokensense -n "__fish_tokensense_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
