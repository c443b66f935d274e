# Calls a function of a bash script for each event. bootstrap runs it as
#
#     bash -c "$(< bash.sh)" bash FILE FUNCTION
#
# with the event on 0, the result on 1, the log on 2, our answers to bootstrap
# on 3, its requests on 4, and the event's variables on 5. FILE is loaded once;
# each event gets a subshell, so that nothing it does reaches the next. Works
# from bash 4.2 on. Whatever the script sets or defines must not touch us:
# hence the long names, and its shell options are in force only in subshells.

__bootstrap_file=$1 __bootstrap_function=$2
set --
__bootstrap_ours=$(set +o; shopt -p)
source "$__bootstrap_file" <&- >&2 3>&- 4<&- 5<&-
__bootstrap_status=$?
__bootstrap_theirs=$(set +o; shopt -p)
eval "$__bootstrap_ours"
[ "$__bootstrap_theirs" != "$__bootstrap_ours" ] || __bootstrap_theirs=

# A script whose last command failed is fine; one that does not parse is not.
if [ "$__bootstrap_status" != 0 ] && ! "$BASH" -O extglob -n "$__bootstrap_file" 2>/dev/null; then
	builtin echo syntax >&3
	exit 1
fi
if ! declare -F "$__bootstrap_function" >/dev/null; then
	builtin echo missing $(compgen -A function) >&3
	exit 1
fi

# The subshells keep the log; what bash says of their deaths is said by us.
exec 6>&2 2>/dev/null
trap : TERM # ends the subshell, where it is reset, but not us
builtin echo ready >&3
while IFS= builtin read -r -u 4 _; do
	(
		builtin source /proc/self/fd/5
		exec 5<&-
		if [[ $BASH_VERSION == [5-9]* || $BASH_VERSION == 4.[4-9]* ]]; then
			builtin mapfile -d '' -n 1 __bootstrap_event </proc/self/fd/0
		else
			__bootstrap_event=$(</proc/self/fd/0) # drops newlines at the end
		fi
		eval "$__bootstrap_theirs"
		"$__bootstrap_function" "${__bootstrap_event-}"
	) 2>&6 3>&- 4<&- 6>&-
	builtin echo "$?" >&3
done
