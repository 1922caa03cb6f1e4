
# Values of options, and the command that run starts.
_tokensense_models() {
    local name rest
    tokensense prices --format csv 2>/dev/null | tail -n +2 | while IFS=, read -r name rest; do
        printf '%s\n%s\n' "$name" "${name#*/}"
    done
}

# Completes the last of several words separated by commas.
_tokensense_list() {
    local before=""
    [[ $cur == *,* ]] && before="${cur%,*},"
    COMPREPLY=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
}

_tokensense_more() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" at run="" spec
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
            run) run=1 ;;
            --) break ;;
        esac
    done
    if [[ -n $run ]] && ((at < COMP_CWORD)); then
        ((at++))
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "$at"
        elif declare -F _command_offset >/dev/null; then
            _command_offset "$at"
        elif ((COMP_CWORD == at)); then
            COMPREPLY=($(compgen -c -- "$cur"))
        else
            spec=$(complete -p -- "${COMP_WORDS[at]}" 2>/dev/null)
            if [[ $spec =~ -F\ ([^ ]+) ]]; then
                COMP_WORDS=("${COMP_WORDS[@]:at}")
                COMP_CWORD=$((COMP_CWORD - at))
                COMP_LINE="${COMP_WORDS[*]}"
                COMP_POINT=${#COMP_LINE}
                "${BASH_REMATCH[1]}" "${COMP_WORDS[0]}" "$cur" "$prev"
            else
                COMPREPLY=($(compgen -f -- "$cur"))
            fi
        fi
        return
    fi
    [[ $cur == "=" ]] && cur=""
    [[ $prev == "=" ]] && prev="${COMP_WORDS[COMP_CWORD-2]}"
    case $prev in
        --by) _tokensense_list "@keys@" ;;
        --columns) _tokensense_list "@columns@" ;;
        --sort) COMPREPLY=($(compgen -W "@sorts@" -- "$cur")) ;;
        --model) COMPREPLY=($(compgen -W "$(_tokensense_models)" -- "$cur")) ;;
        *) _tokensense "$@" ;;
    esac
}
complete -F _tokensense_more -o bashdefault -o default tokensense
