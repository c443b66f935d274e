package sandbox

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// noLeak checks that no process of one event writes into the result of another.
func noLeak(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		f := begin(t, b, w)
		for range 5 {
			f.does(t, "(sleep 0.15; echo LEAK) & (setsid sh -c 'sleep 0.1; echo LEAK' &) ; echo ok")
			if got := f.does(t, "sleep 0.3; echo ok"); strings.TrimSpace(got) != "ok" {
				t.Errorf("got %q, want nothing of the event before", got)
			}
		}
	})
}

// wholeAnswers checks that an answer is complete if it comes through a process
// that outlives the command.
func wholeAnswers(t *testing.T, b box) {
	const through = `
if [ -e /dev/fd/0 ]; then
	exec > >(cat)
else
	pipe=$(mktemp -u) && mkfifo "$pipe" && { cat <"$pipe" & exec >"$pipe"; rm "$pipe"; }
fi
seq 2000
`
	var want strings.Builder
	for i := range 2000 {
		fmt.Fprintln(&want, i+1)
	}
	for _, name := range []string{"bash", "program"} {
		t.Run(name, func(t *testing.T) {
			w := named(name)
			w.code = strings.Replace(w.code, "#!/bin/sh", "#!/bin/bash", 1)
			f := begin(t, b, w)
			for range 20 {
				if got := f.does(t, through); strings.TrimSpace(got) != strings.TrimSpace(want.String()) {
					t.Errorf("got %d bytes that end with %q, want %d", len(got), got[max(0, len(got)-20):], want.Len())
				}
			}
		})
	}
}

// largeResults checks that a result of the maximum size arrives complete.
func largeResults(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		size := b.platform.MaxResult - 1000
		f := begin(t, b, w)
		got := f.does(t, fmt.Sprintf(`head -c %d /dev/zero | tr '\0' x`, size))
		if len(got) != size || strings.Trim(got, "x") != "" {
			t.Errorf("got %d bytes, want %d times x", len(got), size)
		}
	})
}

// largeLog checks that the log is complete, or says how much is missing.
func largeLog(t *testing.T, b box) {
	const size = 50 << 20
	dropped := regexp.MustCompile(`dropped (\d+) bytes`)
	for _, name := range []string{"bash", "program", "node"} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, b, named(name))
			if got := f.does(t, fmt.Sprintf(`yes 0123456789abcde | head -c %d >&2; echo ok`, size)); strings.TrimSpace(got) != "ok" {
				t.Errorf("got %q, want ok", got)
			}
			f.runner.Stop()
			log := []byte(f.log.String())
			total := 16 * bytes.Count(log, []byte("0123456789abcde\n"))
			gaps := dropped.FindAllSubmatch(log, -1)
			for _, gap := range gaps {
				n, _ := strconv.Atoi(string(gap[1])) // digits
				total += n
			}
			if torn := 2 * 16 * len(gaps); total > size || total < size-torn { // a line before and one behind each gap
				t.Errorf("got %d bytes with those that were dropped, want %d", total, size)
			}
		})
	}
}
