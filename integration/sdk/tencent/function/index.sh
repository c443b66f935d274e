# The function of the tests: it does what the function on the page of SCF's custom
# runtime does, or fails.

main_handler() {
	echo "event: $1" >&2
	case $1 in
	*fail*) return 3 ;;
	esac
	echo Echoing request: "'"$1"'"
}
