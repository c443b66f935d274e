# Loaded once, when the function starts. stdout is the result, stderr the log.

main_handler() {
	echo "event: $1" >&2
	printf '%s' "$1"
}
