
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'tokensense' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'tokensense'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'tokensense' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('tap', 'tap', [CompletionResultType]::ParameterValue, 'Meter a stream that passes through a pipe')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Start a command such as curl, request usage for it, and meter its output')
            [CompletionResult]::new('summarise', 'summarise', [CompletionResultType]::ParameterValue, 'Add up what saved streams and records cost')
            [CompletionResult]::new('summarize', 'summarize', [CompletionResultType]::ParameterValue, 'Add up what saved streams and records cost')
            [CompletionResult]::new('prices', 'prices', [CompletionResultType]::ParameterValue, 'Show what models cost, and which price is used for a model')
            [CompletionResult]::new('count', 'count', [CompletionResultType]::ParameterValue, 'Count the tokens of text, as wc counts words')
            [CompletionResult]::new('redact', 'redact', [CompletionResultType]::ParameterValue, 'Replace the texts of a saved stream, so that it can be shown to others')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Show the help of a command')
            break
        }
        'tokensense;tap' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Append records to FILE instead of writing them to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Append records to FILE instead of writing them to stderr')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The format of records [default: line on a terminal, json elsewhere]')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Choose, order and rename the columns of records')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Add the label KEY=VALUE to the record; repeatable')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model, if the stream does not name it or names it wrongly, as Azure does for some deployments')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, if the stream does not name it or names it wrongly')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'The JSON body of the request, so that the input of an interrupted stream can be estimated')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Look for prices in FILE before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier, if the response does not report it: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, if the host does not show it; some regions cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'What to write to standard output')
            [CompletionResult]::new('--max-output-tokens', '--max-output-tokens', [CompletionResultType]::ParameterName, 'Stop the stream when it exceeds N output tokens; exit status 4')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop the stream when it costs more than USD; exit status 4')
            [CompletionResult]::new('--budget', '--budget', [CompletionResultType]::ParameterName, 'Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'If the reader goes away, read the stream to its end anyway, to know its exact usage')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show tokens, speed and cost on the terminal while the stream is running')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit with status 3 if any response was partial, failed or not recognised')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Write no record to stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Write no record to stderr')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;run' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Append records to FILE instead of writing them to stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Append records to FILE instead of writing them to stderr')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The format of records [default: line on a terminal, json elsewhere]')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Choose, order and rename the columns of records')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Add the label KEY=VALUE to the record; repeatable')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model, if the stream does not name it or names it wrongly, as Azure does for some deployments')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, if the stream does not name it or names it wrongly')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'The JSON body of the request, so that the input of an interrupted stream can be estimated')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Look for prices in FILE before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier, if the response does not report it: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, if the host does not show it; some regions cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'What to write to standard output')
            [CompletionResult]::new('--max-output-tokens', '--max-output-tokens', [CompletionResultType]::ParameterName, 'Stop the stream when it exceeds N output tokens; exit status 4')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop the stream when it costs more than USD; exit status 4')
            [CompletionResult]::new('--budget', '--budget', [CompletionResultType]::ParameterName, 'Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable')
            [CompletionResult]::new('--inject', '--inject', [CompletionResultType]::ParameterName, 'When to add the request for usage (stream_options.include_usage) to curl''s request')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'If the reader goes away, read the stream to its end anyway, to know its exact usage')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show tokens, speed and cost on the terminal while the stream is running')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit with status 3 if any response was partial, failed or not recognised')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Write no record to stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Write no record to stderr')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'End when the command ends, even if it left something running in the background')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the command that would run, without keys and prompts, and do not run it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;summarise' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('--files-from', '--files-from', [CompletionResultType]::ParameterName, 'Read more paths from FILE, separated by newlines or NULs; - is standard input')
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'Group by these keys, separated by commas')
            [CompletionResult]::new('--agents', '--agents', [CompletionResultType]::ParameterName, 'Also read the logs of coding agents on this machine: of all agents, or of those in LIST')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The output format')
            [CompletionResult]::new('--records', '--records', [CompletionResultType]::ParameterName, 'Also write the record of each response to FILE')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort the groups by a key (first to last) or by a column (largest first)')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'Show only the first N groups; the total still includes all')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Count only responses made at TIME or later')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Count only responses made before TIME')
            [CompletionResult]::new('--timezone', '--timezone', [CompletionResultType]::ParameterName, 'Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system''s]')
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Count only responses whose KEY matches GLOB; repeatable')
            [CompletionResult]::new('--currency', '--currency', [CompletionResultType]::ParameterName, 'Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Look for prices in FILE before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier, if the response does not report it: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, if the host does not show it; some regions cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('--reconcile', '--reconcile', [CompletionResultType]::ParameterName, 'Compare with the provider''s own usage or cost report, by day and model')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many files to read at the same time [default: number of cores]')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'How many files to read at the same time [default: number of cores]')
            [CompletionResult]::new('--no-project', '--no-project', [CompletionResultType]::ParameterName, 'Leave out the names of agents'' projects, and the files and folders of their logs')
            [CompletionResult]::new('--chart', '--chart', [CompletionResultType]::ParameterName, 'Draw bars beside the table''s costs')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'Reverse the order of the groups')
            [CompletionResult]::new('--reprice', '--reprice', [CompletionResultType]::ParameterName, 'Compute the costs of records again with today''s prices')
            [CompletionResult]::new('--no-dedup', '--no-dedup', [CompletionResultType]::ParameterName, 'Count a response each time it is found, not once per id')
            [CompletionResult]::new('--mtime', '--mtime', [CompletionResultType]::ParameterName, 'Use the time of the file for responses that carry no time')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Write nothing but errors to stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Write nothing but errors to stderr')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;summarize' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('--files-from', '--files-from', [CompletionResultType]::ParameterName, 'Read more paths from FILE, separated by newlines or NULs; - is standard input')
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'Group by these keys, separated by commas')
            [CompletionResult]::new('--agents', '--agents', [CompletionResultType]::ParameterName, 'Also read the logs of coding agents on this machine: of all agents, or of those in LIST')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The output format')
            [CompletionResult]::new('--records', '--records', [CompletionResultType]::ParameterName, 'Also write the record of each response to FILE')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort the groups by a key (first to last) or by a column (largest first)')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'Show only the first N groups; the total still includes all')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Count only responses made at TIME or later')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Count only responses made before TIME')
            [CompletionResult]::new('--timezone', '--timezone', [CompletionResultType]::ParameterName, 'Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system''s]')
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Count only responses whose KEY matches GLOB; repeatable')
            [CompletionResult]::new('--currency', '--currency', [CompletionResultType]::ParameterName, 'Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Look for prices in FILE before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier, if the response does not report it: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, if the host does not show it; some regions cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('--reconcile', '--reconcile', [CompletionResultType]::ParameterName, 'Compare with the provider''s own usage or cost report, by day and model')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many files to read at the same time [default: number of cores]')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'How many files to read at the same time [default: number of cores]')
            [CompletionResult]::new('--no-project', '--no-project', [CompletionResultType]::ParameterName, 'Leave out the names of agents'' projects, and the files and folders of their logs')
            [CompletionResult]::new('--chart', '--chart', [CompletionResultType]::ParameterName, 'Draw bars beside the table''s costs')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'Reverse the order of the groups')
            [CompletionResult]::new('--reprice', '--reprice', [CompletionResultType]::ParameterName, 'Compute the costs of records again with today''s prices')
            [CompletionResult]::new('--no-dedup', '--no-dedup', [CompletionResultType]::ParameterName, 'Count a response each time it is found, not once per id')
            [CompletionResult]::new('--mtime', '--mtime', [CompletionResultType]::ParameterName, 'Use the time of the file for responses that carry no time')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Write nothing but errors to stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Write nothing but errors to stderr')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;prices' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Show which price is used for a model''s name, and why')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider of --model, if its name is not enough')
            [CompletionResult]::new('--update', '--update', [CompletionResultType]::ParameterName, 'Fetch today''s prices with curl, check them, and use them from now on')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Look for prices in FILE before the built-in table; repeatable')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The output format')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;count' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model to count for')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Look for prices in FILE before the built-in table; repeatable')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How counts are written')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'The files are JSON bodies of requests: count their prompts, for the model that each names')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;redact' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;man' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;help' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto (on a terminal), always or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
