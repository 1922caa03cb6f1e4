
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
            [CompletionResult]::new('tap', 'tap', [CompletionResultType]::ParameterValue, 'Meter a stream that passes through a pipe')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual')
            break
        }
        'tokensense;tap' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Append records to FILE instead of stderr')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Append records to FILE instead of stderr')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How records are written')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Choose, order and rename columns')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Carry KEY=VALUE into the record; repeatable')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model, where the stream does not say or says it wrongly')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, where the stream does not say or says it wrongly')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'The JSON request body, so that an interrupted stream''s prompt can be estimated')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'What goes to standard output')
            [CompletionResult]::new('--max-output-tokens', '--max-output-tokens', [CompletionResultType]::ParameterName, 'Stop the stream once more than N output tokens have come; exit 4')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop the stream once it has cost more than USD; exit 4')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours: on a terminal, always, or never')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'When the reader goes away, read on to the end of the stream for exact usage')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show tokens, speed and cost on stderr while the stream goes by')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit 3 if any response was partial, failed or unrecognised')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No record on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No record on stderr')
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
