module completions {

  def "nu-complete tokensense color" [] {
    [ "auto" "always" "never" ]
  }

  # See what LLM API calls use and cost: put it into the pipe, it passes every byte on unchanged
  export extern tokensense [
    --color: string@"nu-complete tokensense color" # When to use colours: auto (on a terminal), always or never
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete tokensense tap color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense tap format" [] {
    [ "json" "csv" "tsv" "line" "otlp" ]
  }

  def "nu-complete tokensense tap emit" [] {
    [ "raw" "data" "text" "none" ]
  }

  # Meter a stream that passes through a pipe
  export extern "tokensense tap" [
    --color: string@"nu-complete tokensense tap color" # When to use colours: auto (on a terminal), always or never
    --output(-o): path        # Append records to FILE instead of writing them to stderr
    --format: string@"nu-complete tokensense tap format" # The format of records [default: line on a terminal, json elsewhere]
    --columns: string         # Choose, order and rename the columns of records
    --label: string           # Add the label KEY=VALUE to the record; repeatable
    --model: string           # The model, if the stream does not name it or names it wrongly, as Azure does for some deployments
    --provider: string        # The provider, if the stream does not name it or names it wrongly
    --request: path           # The JSON body of the request, so that the input of an interrupted stream can be estimated
    --prices: path            # Look for prices in FILE before the built-in table; repeatable
    --service-tier: string    # The service tier, if the response does not report it: batch, flex, priority, ...
    --region: string          # The region that is billed, if the host does not show it; some regions cost more
    --discount: string        # Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%
    --emit: string@"nu-complete tokensense tap emit" # What to write to standard output
    --drain                   # If the reader goes away, read the stream to its end anyway, to know its exact usage
    --max-output-tokens: string # Stop the stream when it exceeds N output tokens; exit status 4
    --max-cost: string        # Stop the stream when it costs more than USD; exit status 4
    --budget: string          # Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable
    --progress                # Show tokens, speed and cost on the terminal while the stream is running
    --strict                  # Exit with status 3 if any response was partial, failed or not recognised
    --quiet(-q)               # Write no record to stderr
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete tokensense run color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense run format" [] {
    [ "json" "csv" "tsv" "line" "otlp" ]
  }

  def "nu-complete tokensense run emit" [] {
    [ "raw" "data" "text" "none" ]
  }

  def "nu-complete tokensense run inject" [] {
    [ "always" "auto" "never" ]
  }

  # Start a command such as curl, request usage for it, and meter its output
  export extern "tokensense run" [
    --color: string@"nu-complete tokensense run color" # When to use colours: auto (on a terminal), always or never
    --output(-o): path        # Append records to FILE instead of writing them to stderr
    --format: string@"nu-complete tokensense run format" # The format of records [default: line on a terminal, json elsewhere]
    --columns: string         # Choose, order and rename the columns of records
    --label: string           # Add the label KEY=VALUE to the record; repeatable
    --model: string           # The model, if the stream does not name it or names it wrongly, as Azure does for some deployments
    --provider: string        # The provider, if the stream does not name it or names it wrongly
    --request: path           # The JSON body of the request, so that the input of an interrupted stream can be estimated
    --prices: path            # Look for prices in FILE before the built-in table; repeatable
    --service-tier: string    # The service tier, if the response does not report it: batch, flex, priority, ...
    --region: string          # The region that is billed, if the host does not show it; some regions cost more
    --discount: string        # Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%
    --emit: string@"nu-complete tokensense run emit" # What to write to standard output
    --drain                   # If the reader goes away, read the stream to its end anyway, to know its exact usage
    --max-output-tokens: string # Stop the stream when it exceeds N output tokens; exit status 4
    --max-cost: string        # Stop the stream when it costs more than USD; exit status 4
    --budget: string          # Spend no more than USD per PERIOD, such as 5/day or 100/month:label.team=web; repeatable
    --progress                # Show tokens, speed and cost on the terminal while the stream is running
    --strict                  # Exit with status 3 if any response was partial, failed or not recognised
    --quiet(-q)               # Write no record to stderr
    --inject: string@"nu-complete tokensense run inject" # When to add the request for usage (stream_options.include_usage) to curl's request
    --no-wait                 # End when the command ends, even if it left something running in the background
    --dry-run                 # Print the command that would run, without keys and prompts, and do not run it
    --help(-h)                # Print help (see more with '--help')
    ...command: string        # The command to run and its arguments, after --
  ]

  def "nu-complete tokensense summarise color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense summarise format" [] {
    [ "table" "json" "csv" "html" "prometheus" ]
  }

  # Add up what saved streams and records cost
  export extern "tokensense summarise" [
    --color: string@"nu-complete tokensense summarise color" # When to use colours: auto (on a terminal), always or never
    --files-from: path        # Read more paths from FILE, separated by newlines or NULs; - is standard input
    --by: string              # Group by these keys, separated by commas
    --agents: string          # Also read the logs of coding agents on this machine: of all agents, or of those in LIST
    --no-project              # Leave out the names of agents' projects, and the files and folders of their logs
    --format: string@"nu-complete tokensense summarise format" # The output format
    --chart                   # Draw bars beside the table's costs
    --records: path           # Also write the record of each response to FILE
    --sort: string            # Sort the groups by a key (first to last) or by a column (largest first)
    --reverse                 # Reverse the order of the groups
    --top: string             # Show only the first N groups; the total still includes all
    --since: string           # Count only responses made at TIME or later
    --until: string           # Count only responses made before TIME
    --timezone: string        # Time zone of --by, --since and --until, such as Europe/Paris or +02:00 [default: the system's]
    --filter: string          # Count only responses whose KEY matches GLOB; repeatable
    --currency: string        # Show costs in another currency; EUR=0.92 means that a US dollar is 0.92 euros
    --reprice                 # Compute the costs of records again with today's prices
    --prices: path            # Look for prices in FILE before the built-in table; repeatable
    --service-tier: string    # The service tier, if the response does not report it: batch, flex, priority, ...
    --region: string          # The region that is billed, if the host does not show it; some regions cost more
    --discount: string        # Take PERCENT off computed costs, or a list by provider: openai=12%,anthropic=5%
    --reconcile: path         # Compare with the provider's own usage or cost report, by day and model
    --no-dedup                # Count a response each time it is found, not once per id
    --mtime                   # Use the time of the file for responses that carry no time
    --threads(-j): string     # How many files to read at the same time [default: number of cores]
    --no-progress             # Show no progress bar
    --quiet(-q)               # Write nothing but errors to stderr
    --help(-h)                # Print help (see more with '--help')
    ...paths: path            # Files, folders (with everything in them), or - for standard input
  ]

  def "nu-complete tokensense prices color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense prices format" [] {
    [ "table" "json" "csv" ]
  }

  # Show what models cost, and which price is used for a model
  export extern "tokensense prices" [
    --color: string@"nu-complete tokensense prices color" # When to use colours: auto (on a terminal), always or never
    --model: string           # Show which price is used for a model's name, and why
    --provider: string        # The provider of --model, if its name is not enough
    --update: string          # Fetch today's prices with curl, check them, and use them from now on
    --prices: path            # Look for prices in FILE before the built-in table; repeatable
    --format: string@"nu-complete tokensense prices format" # The output format
    --help(-h)                # Print help (see more with '--help')
    pattern?: string          # Show only models whose name contains PATTERN, or matches it if it has * or ?
  ]

  def "nu-complete tokensense count color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense count format" [] {
    [ "text" "json" ]
  }

  # Count the tokens of text, as wc counts words
  export extern "tokensense count" [
    --color: string@"nu-complete tokensense count color" # When to use colours: auto (on a terminal), always or never
    --model: string           # The model to count for
    --request                 # The files are JSON bodies of requests: count their prompts, for the model that each names
    --prices: path            # Look for prices in FILE before the built-in table; repeatable
    --format: string@"nu-complete tokensense count format" # How counts are written
    --help(-h)                # Print help (see more with '--help')
    ...files: path            # Files of text; - or none for standard input
  ]

  def "nu-complete tokensense redact color" [] {
    [ "auto" "always" "never" ]
  }

  # Replace the texts of a saved stream, so that it can be shown to others
  export extern "tokensense redact" [
    --color: string@"nu-complete tokensense redact color" # When to use colours: auto (on a terminal), always or never
    --help(-h)                # Print help (see more with '--help')
    file?: path               # A saved API response; - or none for standard input
  ]

  def "nu-complete tokensense completions color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete tokensense completions shell" [] {
    [ "bash" "elvish" "fish" "nushell" "powershell" "zsh" ]
  }

  # Print a completion script for a shell
  export extern "tokensense completions" [
    --color: string@"nu-complete tokensense completions color" # When to use colours: auto (on a terminal), always or never
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete tokensense completions shell" # The shell to complete in
  ]

  def "nu-complete tokensense man color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the manual page
  export extern "tokensense man" [
    --color: string@"nu-complete tokensense man color" # When to use colours: auto (on a terminal), always or never
    --help(-h)                # Print help (see more with '--help')
    command?: string          # Print only the page of this command
  ]

  def "nu-complete tokensense help color" [] {
    [ "auto" "always" "never" ]
  }

  # Show the help of a command
  export extern "tokensense help" [
    --color: string@"nu-complete tokensense help color" # When to use colours: auto (on a terminal), always or never
    --help(-h)                # Print help (see more with '--help')
    command?: string          # The command to explain
  ]

}

export use completions *
