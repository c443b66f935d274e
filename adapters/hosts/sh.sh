# Does the same as bash.sh in any POSIX shell, for systems without bash. bootstrap
# runs it as
#
#     sh -c "$(cat sh.sh)" sh FILE FUNCTION DESCRIPTOR SHELLOPTS BASHOPTS
#
# with the same descriptors, except that the code on 5 also sets the event: a small
# shell reads only scripts in blocks, by their path. It reads everything else byte
# by byte, or through a program. Its descriptors may have only one digit.

__bootstrap_file=$1 __bootstrap_function=$2 __bootstrap_result=$3
[ -z "$4" ] || ! (SHELLOPTS=$4) 2>/dev/null || export SHELLOPTS="$4" # bash called as sh has its own
[ -z "$5" ] || ! (BASHOPTS=$5) 2>/dev/null || export BASHOPTS="$5"
shift 5
exec 9>&3 8<&4 7<&5 3>&- 4<&- 5<&-
__bootstrap_preamble=/proc/self/fd/7
[ -r "$__bootstrap_preamble" ] || __bootstrap_preamble=/dev/fd/7
[ -r "$__bootstrap_preamble" ] || __bootstrap_preamble= # a sandbox without /proc
{ # a block is parsed as a whole, before the script can define an alias
	. "$__bootstrap_file" </dev/null >&2 7<&- 8<&- 9>&-
	{
		__bootstrap_theirs=
		for __bootstrap_option in a e f u v x C; do
			case $- in *"$__bootstrap_option"*) __bootstrap_theirs=$__bootstrap_theirs$__bootstrap_option ;; esac
		done
		set +aefuvxC
		# set -a would export them to all commands.
		__bootstrap_line=$__bootstrap_theirs
		unset __bootstrap_theirs __bootstrap_option
		__bootstrap_theirs=$__bootstrap_line
		__bootstrap_traps=
		if [ -n "$__bootstrap_preamble" ]; then # $(trap) is empty in some shells
			command trap >"$__bootstrap_preamble"
			while command read -r __bootstrap_line; do
				__bootstrap_traps="$__bootstrap_traps$__bootstrap_line
"
			done <"$__bootstrap_preamble"
			: >"$__bootstrap_preamble"
		fi
		trap - EXIT
	} 2>/dev/null # hides the output of set -x

	case $(command type "$__bootstrap_function" 2>/dev/null) in
	"$__bootstrap_function is a shell function"* | "$__bootstrap_function is a function"*) ;;
	*)
		command echo missing >&9
		exit 1
		;;
	esac
	if [ "$__bootstrap_result" = 1 ]; then
		exec 6>&1 5>&2 >/dev/null 2>&1
	else
		exec 6>&2 5>&2 3>&1 >/dev/null 2>&1
	fi
	trap '' TERM # stops a subshell that serves an event, but not the host or a subshell that waits
	command echo ready >&9
	while :; do
		(
			exec >&6 2>&5 5>&- 6>&- 9>&-
			# Open them again: processes that share an open file can change its flags.
			{ command true </proc/self/fd/0; } 2>/dev/null && exec </proc/self/fd/0 # some sandboxes cannot
			[ ! -p /proc/self/fd/1 ] && [ ! -c /proc/self/fd/1 ] || exec >/proc/self/fd/1
			[ ! -p /proc/self/fd/2 ] && [ ! -c /proc/self/fd/2 ] || exec 2>/proc/self/fd/2
			[ "$__bootstrap_result" = 1 ] || [ ! -p /proc/self/fd/3 ] || exec 3>/proc/self/fd/3
			command read -r __bootstrap_request <&8 || exit
			trap - TERM
			if [ "$__bootstrap_request" = stop ]; then
				exec >&2 7<&- 8<&-
				trap : TERM # unless the script has a trap
				eval "$__bootstrap_traps"
				[ -z "$__bootstrap_theirs" ] || set "-$__bootstrap_theirs"
				{ command read -r __bootstrap_pid __bootstrap_line </proc/self/stat; } 2>/dev/null &&
					command kill -TERM "$__bootstrap_pid"
				exit
			fi
			if [ -n "$__bootstrap_preamble" ]; then
				. "$__bootstrap_preamble"
			else
				__bootstrap_code=$(command cat <&7) || exit
				eval "$__bootstrap_code"
				unset __bootstrap_code
			fi
			exec 7<&- 8<&-
			[ -z "$__bootstrap_theirs" ] || set "-$__bootstrap_theirs"
			"$__bootstrap_function" "$__bootstrap_event"
		)
		command echo "$?" >&9 || exit # bootstrap was killed, and the script ignores SIGPIPE
	done
}
