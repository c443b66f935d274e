# The function of the tests: it echoes its event, or fails.

main_handler() {
	echo "event: $1" >&2
	case $1 in
	*fail*) return 3 ;;
	esac
	printf '%s' "$1"
}
