
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
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise summarize" -l by -x -a "(__fish_tokensense_list @keys@)"
complete -c tokensense -n "__fish_tokensense_using_subcommand summarise summarize" -l sort -x -a "@sorts@"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap run" -l columns -x -a "(__fish_tokensense_list @columns@)"
complete -c tokensense -n "__fish_tokensense_using_subcommand tap run prices" -l model -x -a "(__fish_tokensense_models)"
