#!/bin/bash
LC_ALL=C # so that lengths are of bytes

handle() { # the event is $1; sets result or failure
	result=$1
	[ -n "$1" ] || failure='the event is empty'
}

echo '{"ready":true}' >&3
while IFS= read -r header; do
	id=${header#*'"id":"'} length=${header#*'"length":'} result='' failure=''
	id=${id%%'"'*} length=${length%%[!0-9]*}
	event=$(head -c "$length"; echo .) # without the dot, newlines at the end are lost
	handle "${event%.}" </dev/null 3>&-
	if [ -n "$failure" ]; then
		printf '{"id":"%s","length":0,"error":{"type":"Function.Failed","message":"%s"}}\n' "$id" "$failure" >&3
	else
		printf '{"id":"%s","length":%d}\n%s' "$id" "${#result}" "$result" >&3
	fi
done
