module completions {

  def "nu-complete tokensense color" [] {
    [ "auto" "always" "never" ]
  }

  # Meter LLM API streams in a pipe: every byte forwarded unchanged, usage and cost written when the stream ends
  export extern tokensense [
    --color: string@"nu-complete tokensense color" # Colours: on a terminal, always, or never
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete tokensense tap color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense tap format" [] {
    [ "json" "csv" "line" ]
  }

  def "nu-complete tokensense tap emit" [] {
    [ "raw" "data" "text" "none" ]
  }

  # What tap and run have in common
  export extern "tokensense tap" [
    --color: string@"nu-complete tokensense tap color" # Colours: on a terminal, always, or never
    --output(-o): path        # Append records to FILE instead of stderr
    --format: string@"nu-complete tokensense tap format" # How records are written
    --columns: string         # Choose, order and rename columns
    --label: string           # Carry KEY=VALUE into the record; repeatable
    --model: string           # The model, where the stream does not say or says it wrongly, as for a deployment of Azure's
    --provider: string        # The provider, where the stream does not say or says it wrongly
    --request: path           # The JSON request body, so that an interrupted stream's prompt can be estimated
    --prices: path            # Ask FILE for prices before the built-in table; repeatable
    --service-tier: string    # The service tier of responses that do not say theirs: batch, flex, priority, ...
    --region: string          # The region that is billed, where no host tells it; some cost more
    --discount: string        # Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%
    --emit: string@"nu-complete tokensense tap emit" # What goes to standard output
    --drain                   # When the reader goes away, read on to the end of the stream for exact usage
    --max-output-tokens: string # Stop the stream once more than N output tokens have come; exit 4
    --max-cost: string        # Stop the stream once it has cost more than USD; exit 4
    --budget: string          # Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4
    --progress                # Show tokens, speed and cost on stderr while the stream goes by
    --strict                  # Exit 3 if any response was partial, failed or unrecognised
    --quiet(-q)               # No record on stderr
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete tokensense run color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense run format" [] {
    [ "json" "csv" "line" ]
  }

  def "nu-complete tokensense run emit" [] {
    [ "raw" "data" "text" "none" ]
  }

  def "nu-complete tokensense run inject" [] {
    [ "always" "auto" "never" ]
  }

  # What tap and run have in common
  export extern "tokensense run" [
    --color: string@"nu-complete tokensense run color" # Colours: on a terminal, always, or never
    --output(-o): path        # Append records to FILE instead of stderr
    --format: string@"nu-complete tokensense run format" # How records are written
    --columns: string         # Choose, order and rename columns
    --label: string           # Carry KEY=VALUE into the record; repeatable
    --model: string           # The model, where the stream does not say or says it wrongly, as for a deployment of Azure's
    --provider: string        # The provider, where the stream does not say or says it wrongly
    --request: path           # The JSON request body, so that an interrupted stream's prompt can be estimated
    --prices: path            # Ask FILE for prices before the built-in table; repeatable
    --service-tier: string    # The service tier of responses that do not say theirs: batch, flex, priority, ...
    --region: string          # The region that is billed, where no host tells it; some cost more
    --discount: string        # Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%
    --emit: string@"nu-complete tokensense run emit" # What goes to standard output
    --drain                   # When the reader goes away, read on to the end of the stream for exact usage
    --max-output-tokens: string # Stop the stream once more than N output tokens have come; exit 4
    --max-cost: string        # Stop the stream once it has cost more than USD; exit 4
    --budget: string          # Spend no more than USD/PERIOD, as 5/day or 100/month:label.team=web; repeatable; exit 4
    --progress                # Show tokens, speed and cost on stderr while the stream goes by
    --strict                  # Exit 3 if any response was partial, failed or unrecognised
    --quiet(-q)               # No record on stderr
    --inject: string@"nu-complete tokensense run inject" # When to add stream_options.include_usage to a curl's request
    --dry-run                 # Print the command that would run, secrets and prompts left out, and run nothing
    --help(-h)                # Print help (see more with '--help')
    ...command: string        # The command and its arguments, best after --
  ]

  def "nu-complete tokensense summarise color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense summarise format" [] {
    [ "table" "json" "csv" ]
  }

  # What the user knows of the bill
  export extern "tokensense summarise" [
    --color: string@"nu-complete tokensense summarise color" # Colours: on a terminal, always, or never
    --files-from: path        # Read further paths from FILE, separated by line ends or NULs; - is standard input
    --by: string              # Group by these keys
    --format: string@"nu-complete tokensense summarise format" # How the summary is written
    --records: path           # Also write each response's record to FILE, as JSON lines or, if it ends in .csv, as CSV
    --sort: string            # Order the groups by a key, or by a column of the summary: its greatest first
    --reverse                 # Turn the order round
    --top: string             # Show only the first N groups; the totals are of all
    --since: string           # Only responses made at TIME or later
    --until: string           # Only responses made before TIME
    --timezone: string        # Time zone of --by, --since and --until, as Europe/Paris or +02:00 [default: the system's]
    --filter: string          # Only responses whose KEY fits GLOB; repeatable
    --currency: string        # Show costs in another currency, as EUR=0.92: so much of it is worth a US dollar
    --reprice                 # Compute the costs of records anew with today's prices
    --prices: path            # Ask FILE for prices before the built-in table; repeatable
    --service-tier: string    # The service tier of responses that do not say theirs: batch, flex, priority, ...
    --region: string          # The region that is billed, where no host tells it; some cost more
    --discount: string        # Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%
    --no-dedup                # Count a response as often as it is met, not once for each id
    --mtime                   # Let a response that tells no time have its file's
    --threads(-j): string     # Files read at once [default: one for each core]
    --no-progress             # No progress bar
    --quiet(-q)               # Nothing on stderr but errors
    --help(-h)                # Print help (see more with '--help')
    ...paths: path            # Files, folders with all that is in them, or - for standard input
  ]

  def "nu-complete tokensense prices color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense prices format" [] {
    [ "table" "json" "csv" ]
  }

  # Where prices come from beside the built-in table
  export extern "tokensense prices" [
    --color: string@"nu-complete tokensense prices color" # Colours: on a terminal, always, or never
    --model: string           # Show the entry that answers for a model's name as it comes on the wire or from a URL, and why; exit 1 for none
    --provider: string        # The provider of --model, where its name does not tell
    --update: string          # Fetch today's prices with curl, check them, and use them from now on
    --prices: path            # Ask FILE for prices before the built-in table; repeatable
    --format: string@"nu-complete tokensense prices format" # How prices are written
    --help(-h)                # Print help (see more with '--help')
    pattern?: string          # Models whose provider/name contains PATTERN, or matches it where it has * or ?
  ]

  def "nu-complete tokensense completions color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense completions shell" [] {
    [ "bash" "elvish" "fish" "nushell" "powershell" "zsh" ]
  }

  # Print a completion script
  export extern "tokensense completions" [
    --color: string@"nu-complete tokensense completions color" # Colours: on a terminal, always, or never
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete tokensense completions shell" # The shell to complete in
  ]

  def "nu-complete tokensense man color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the manual
  export extern "tokensense man" [
    --color: string@"nu-complete tokensense man color" # Colours: on a terminal, always, or never
    --help(-h)                # Print help (see more with '--help')
    command?: string          # The command whose page is wanted; without it, all pages
  ]

}

export use completions *
