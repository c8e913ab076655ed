# Completion of ssmx for bash 3.2 and newer, as `ssmx completions bash` prints it.
# The words are found by ssmx itself: bash takes them apart at `:`, `=` and `@`, which stand in targets and flags.

_ssmx() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(
        SSMX_COMPLETE=bash SSMX_COMPLETE_BREAKS=$COMP_WORDBREAKS SSMX_COMPLETE_LINE=${COMP_LINE:0:COMP_POINT} \
            command ssmx 2>/dev/null
    )
    # A folder, the host of a file and a flag with a value go on.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:=] ]] && type compopt >/dev/null 2>&1; then
        compopt -o nospace
    fi
}

# Older ones cannot leave the order to ssmx.
complete -o nosort -F _ssmx ssmx 2>/dev/null || complete -F _ssmx ssmx
