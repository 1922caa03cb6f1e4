
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
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('tap', 'tap', [CompletionResultType]::ParameterValue, 'What tap and run have in common')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'What tap and run have in common')
            [CompletionResult]::new('summarise', 'summarise', [CompletionResultType]::ParameterValue, 'What the user knows of the bill')
            [CompletionResult]::new('summarize', 'summarize', [CompletionResultType]::ParameterValue, 'What the user knows of the bill')
            [CompletionResult]::new('prices', 'prices', [CompletionResultType]::ParameterValue, 'Where prices come from beside the built-in table')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual')
            break
        }
        'tokensense;tap' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Append records to FILE instead of stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Append records to FILE instead of stderr')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How records are written')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Choose, order and rename columns')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Carry KEY=VALUE into the record; repeatable')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model, where the stream does not say or says it wrongly, as for a deployment of Azure''s')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, where the stream does not say or says it wrongly')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'The JSON request body, so that an interrupted stream''s prompt can be estimated')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Ask FILE for prices before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier of responses that do not say theirs: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, where no host tells it; some cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'What goes to standard output')
            [CompletionResult]::new('--max-output-tokens', '--max-output-tokens', [CompletionResultType]::ParameterName, 'Stop the stream once more than N output tokens have come; exit 4')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop the stream once it has cost more than USD; exit 4')
            [CompletionResult]::new('--budget', '--budget', [CompletionResultType]::ParameterName, 'Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'When the reader goes away, read on to the end of the stream for exact usage')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show tokens, speed and cost on stderr while the stream goes by')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit 3 if any response was partial, failed or unrecognised')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No record on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No record on stderr')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;run' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Append records to FILE instead of stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Append records to FILE instead of stderr')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How records are written')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Choose, order and rename columns')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Carry KEY=VALUE into the record; repeatable')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model, where the stream does not say or says it wrongly, as for a deployment of Azure''s')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, where the stream does not say or says it wrongly')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'The JSON request body, so that an interrupted stream''s prompt can be estimated')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Ask FILE for prices before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier of responses that do not say theirs: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, where no host tells it; some cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'What goes to standard output')
            [CompletionResult]::new('--max-output-tokens', '--max-output-tokens', [CompletionResultType]::ParameterName, 'Stop the stream once more than N output tokens have come; exit 4')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop the stream once it has cost more than USD; exit 4')
            [CompletionResult]::new('--budget', '--budget', [CompletionResultType]::ParameterName, 'Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4')
            [CompletionResult]::new('--inject', '--inject', [CompletionResultType]::ParameterName, 'When to add stream_options.include_usage to a curl''s request')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'When the reader goes away, read on to the end of the stream for exact usage')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show tokens, speed and cost on stderr while the stream goes by')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit 3 if any response was partial, failed or unrecognised')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No record on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No record on stderr')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the command that would run, secrets and prompts left out, and run nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;summarise' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('--files-from', '--files-from', [CompletionResultType]::ParameterName, 'Read further paths from FILE, separated by line ends or NULs; - is standard input')
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'Group by these keys')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How the summary is written')
            [CompletionResult]::new('--records', '--records', [CompletionResultType]::ParameterName, 'Also write each response''s record to FILE, as JSON lines or, if it ends in .csv, as CSV')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Order the groups by a key, or by a column of the summary: its greatest first')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'Show only the first N groups; the totals are of all')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only responses made at TIME or later')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only responses made before TIME')
            [CompletionResult]::new('--timezone', '--timezone', [CompletionResultType]::ParameterName, 'Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system''s]')
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Only responses whose KEY fits GLOB; repeatable')
            [CompletionResult]::new('--currency', '--currency', [CompletionResultType]::ParameterName, 'Show costs in another currency, as EUR=0.92: so much of it is worth a US dollar')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Ask FILE for prices before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier of responses that do not say theirs: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, where no host tells it; some cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Files read at once [default: one for each core]')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Files read at once [default: one for each core]')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'Turn the order round')
            [CompletionResult]::new('--reprice', '--reprice', [CompletionResultType]::ParameterName, 'Compute the costs of records anew with today''s prices')
            [CompletionResult]::new('--no-dedup', '--no-dedup', [CompletionResultType]::ParameterName, 'Count a response as often as it is met, not once for each id')
            [CompletionResult]::new('--mtime', '--mtime', [CompletionResultType]::ParameterName, 'Let a response that tells no time have its file''s')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'No progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Nothing on stderr but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Nothing on stderr but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;summarize' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('--files-from', '--files-from', [CompletionResultType]::ParameterName, 'Read further paths from FILE, separated by line ends or NULs; - is standard input')
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'Group by these keys')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How the summary is written')
            [CompletionResult]::new('--records', '--records', [CompletionResultType]::ParameterName, 'Also write each response''s record to FILE, as JSON lines or, if it ends in .csv, as CSV')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Order the groups by a key, or by a column of the summary: its greatest first')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'Show only the first N groups; the totals are of all')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only responses made at TIME or later')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only responses made before TIME')
            [CompletionResult]::new('--timezone', '--timezone', [CompletionResultType]::ParameterName, 'Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system''s]')
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Only responses whose KEY fits GLOB; repeatable')
            [CompletionResult]::new('--currency', '--currency', [CompletionResultType]::ParameterName, 'Show costs in another currency, as EUR=0.92: so much of it is worth a US dollar')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Ask FILE for prices before the built-in table; repeatable')
            [CompletionResult]::new('--service-tier', '--service-tier', [CompletionResultType]::ParameterName, 'The service tier of responses that do not say theirs: batch, flex, priority, ...')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The region that is billed, where no host tells it; some cost more')
            [CompletionResult]::new('--discount', '--discount', [CompletionResultType]::ParameterName, 'Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Files read at once [default: one for each core]')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Files read at once [default: one for each core]')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'Turn the order round')
            [CompletionResult]::new('--reprice', '--reprice', [CompletionResultType]::ParameterName, 'Compute the costs of records anew with today''s prices')
            [CompletionResult]::new('--no-dedup', '--no-dedup', [CompletionResultType]::ParameterName, 'Count a response as often as it is met, not once for each id')
            [CompletionResult]::new('--mtime', '--mtime', [CompletionResultType]::ParameterName, 'Let a response that tells no time have its file''s')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'No progress bar')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Nothing on stderr but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Nothing on stderr but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;prices' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Show the entry that answers for a model''s name as it comes on the wire or from a URL, and why; exit 1 for none')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider of --model, where its name does not tell')
            [CompletionResult]::new('--update', '--update', [CompletionResultType]::ParameterName, 'Fetch today''s prices with curl, check them, and use them from now on')
            [CompletionResult]::new('--prices', '--prices', [CompletionResultType]::ParameterName, 'Ask FILE for prices before the built-in table; repeatable')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How prices are written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokensense;man' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
