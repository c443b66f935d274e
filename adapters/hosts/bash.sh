# Calls a function of a bash script for each event. bootstrap runs it as
#
#     bash -c "$(< bash.sh)" bash FILE FUNCTION DESCRIPTOR SHELLOPTS BASHOPTS
#
# with the event on 0, the result on 1, the log on 2, our answers to bootstrap
# on 3, its requests on 4, and on 5 code that exports the event's variables, a
# NUL, and the event again. The function writes its result to DESCRIPTOR, 1 or
# 3. FILE is loaded once; each event gets a subshell, and open files of its own,
# so that nothing it does reaches the next. SHELLOPTS and BASHOPTS apply to FILE:
# the host must not start with them. Works from bash 4.2 on.
# Nothing that the script sets or defines may affect the host. Therefore the names
# are long, the descriptors are high, and the script's shell options and ERR trap
# apply only in the subshells.

__bootstrap_file=$1 __bootstrap_function=$2 __bootstrap_result=$3
__bootstrap_set=${4//noexec/} __bootstrap_shopt=$5 # no function runs with noexec
set --
if ! { exec 107>&3 103>&3 104<&4 105<&5; } 2>/dev/null; then
	builtin echo "descriptors $(builtin ulimit -n)" >&3
	exit 1
fi
exec 107>&- 3>&- 4<&- 5<&-
__bootstrap_ours="builtin shopt -s ${BASHOPTS//:/ }; builtin shopt -so ${SHELLOPTS//:/ }"
if [[ -n $__bootstrap_shopt ]]; then
	export BASHOPTS
	builtin shopt -s ${__bootstrap_shopt//:/ } 2>/dev/null
fi
if [[ -n $__bootstrap_set ]]; then
	export SHELLOPTS
	builtin shopt -so ${__bootstrap_set//:/ } 2>/dev/null
fi
source "$__bootstrap_file" </dev/null >&2 103>&- 104<&- 105<&-
{
	__bootstrap_status=$?
	__bootstrap_theirs="builtin shopt -s ${BASHOPTS//:/ }; builtin shopt -so ${SHELLOPTS//:/ }"
	builtin eval "${__bootstrap_theirs//-s/-u}; $__bootstrap_ours"
	builtin export -n __bootstrap_status __bootstrap_theirs # which set -a has exported
	if [[ $__bootstrap_theirs == "$__bootstrap_ours" ]]; then
		__bootstrap_theirs=
	else
		__bootstrap_theirs="${__bootstrap_ours//-s/-u}; $__bootstrap_theirs; "
	fi
	__bootstrap_theirs+=$(builtin trap -p ERR)
	__bootstrap_term=$(builtin trap -p TERM) __bootstrap_exit=$(builtin trap -p EXIT)
	builtin trap - ERR DEBUG RETURN EXIT
} 2>/dev/null # hides the output of set -x

# A script whose last command failed is fine; one that does not parse is not.
if [[ $__bootstrap_status != 0 ]] && ! "$BASH" -O extglob -n "$__bootstrap_file" 2>/dev/null; then
	builtin echo syntax >&103
	exit 1
fi
if ! builtin declare -F -- "$__bootstrap_function" >/dev/null; then
	__bootstrap_functions=$(builtin compgen -A function)
	__bootstrap_functions=${__bootstrap_functions//$'\n'/ }
	builtin echo "missing ${__bootstrap_functions:-none}" >&103
	exit 1
fi

# The host's own output is dropped: bash reports subshells that were killed.
[[ $__bootstrap_result == 1 ]] || exec 3>&1 >&2
exec 106>&1 107>&2 >/dev/null 2>&1
builtin trap '' TERM # stops a subshell that serves an event, but not the host or a subshell that waits
builtin echo ready >&103
while :; do
	( # forked before there is an event
		exec >&106 2>&107 103>&- 106>&- 107>&-
		# Open them again: processes that share an open file can change its flags.
		{ builtin true </proc/self/fd/0; } 2>/dev/null && exec </proc/self/fd/0 # some sandboxes cannot
		[[ ! -p /proc/self/fd/1 && ! -c /proc/self/fd/1 ]] || exec >/proc/self/fd/1
		[[ ! -p /proc/self/fd/2 && ! -c /proc/self/fd/2 ]] || exec 2>/proc/self/fd/2
		[[ $__bootstrap_result == 1 || ! -p /proc/self/fd/3 ]] || exec 3>/proc/self/fd/3
		builtin read -r -u 104 __bootstrap_request || exit
		builtin trap - TERM
		if [[ $__bootstrap_request == stop ]]; then
			exec >&2 104<&- 105<&-
			builtin eval "$__bootstrap_exit"
			builtin eval "$__bootstrap_theirs"
			[[ -z $__bootstrap_term ]] || { builtin eval "$__bootstrap_term"; builtin kill -TERM "$BASHPID"; }
			exit
		fi
		if ! builtin mapfile -d '' -n 1 -u 105 __bootstrap_exports 2>/dev/null; then # before bash 4.4
			builtin read -r -d '' -u 105 __bootstrap_exports
			if [[ -r /proc/self/fd/0 ]]; then # loses newlines at the end
				__bootstrap_event=$(</proc/self/fd/0)
			else # without /proc: byte by byte
				IFS= builtin read -r -d '' -u 105 __bootstrap_event
			fi
		else
			builtin mapfile -d '' -n 1 -u 105 __bootstrap_event
		fi
		exec 104<&- 105<&-
		builtin eval "$__bootstrap_exports"
		builtin eval "$__bootstrap_theirs"
		"$__bootstrap_function" "${__bootstrap_event-}"
	)
	builtin echo "$?" >&103 || exit # bootstrap was killed, and the script ignores SIGPIPE
done
