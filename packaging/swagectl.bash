# Completion of swagectl for bash. Names of zones are asked of the server.
_swagectl() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= socket= each i
  for ((i = 1; i < COMP_CWORD; i++)); do
    each=${COMP_WORDS[i]}
    case $each in
      -s | -socket | --socket) socket=${COMP_WORDS[++i]} ;;
      -wait | --wait) i=$((i + 1)) ;;
      -*) ;;
      *) [ -n "$command" ] || command=$each ;;
    esac
  done
  zones() {
    swagectl ${socket:+-s "$socket"} -wait 1s -json zones 2>/dev/null | sed -n 's/.*"name":"\([^"\\]*\)".*/\1/p' | head -1000
  }
  local words=
  case $before in
    -s | -socket | --socket)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    -wait | --wait | client | for) return ;;
    zone) words=$(zones) ;;
    *)
      case $command in
        "") words="status zones reload upgrade peers challenges certificates keys fleet top log-level query-log flush help version" ;;
        log-level) words="debug info warning error" ;;
        query-log) [ "$before" = query-log ] && words="on off" || words="client zone for" ;;
        zones | flush) words=$(zones) ;;
      esac
      ;;
  esac
  [[ $word != --* ]] || words="--socket --json --wait"
  [[ $word != -* || $word == --* ]] || words="-socket -json -wait"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _swagectl swagectl
