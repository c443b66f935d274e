package adapters

import (
	"strings"
	"testing"

	"bootstrap/internal/effort"
)

// setFlags is a Python program that sets flags on descriptors that it shares.
const setFlags = `import fcntl, os
for fd in 0, 1, 2, 3, 4, 5, 6:
    try: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND | os.O_ASYNC)
    except OSError: pass
`

// flagsOf is a shell command that prints the flags that setFlags sets, of 0, 1
// and 2, and of 3 where that is open.
const flagsOf = `python3 -c "
import fcntl, os
for fd in 0, 1, 2, 3:
    try: print(fd, fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_ASYNC | os.O_APPEND))
    except OSError: pass
" `

// The flags of an event's descriptors do not reach the next event.
func TestShellFlags(t *testing.T) {
	module(t, "python3", nil)
	const much = "seq 200000; seq 200000 >&2"
	shells(t, func(t *testing.T, d dialect) {
		for i, fd3 := range []bool{false, true} {
			if !effort.HasTurn(i+d.number(), 2) {
				continue
			}
			c, log := d.script(t, evaluate), &hook{}
			c.Stdout, c.Stderr, c.ResultFD3 = log, log, fd3
			out, want := "", "0 0\n1 0\n2 0"
			if fd3 {
				out, want = " >&3", want+"\n3 0"
			}
			a := start(t, c)
			for range effort.Repeats(2) {
				succeeds(t, a, "python3 -c '"+setFlags+"'", "")
				succeeds(t, a, "{ "+flagsOf+"; }"+out, want)
				log.Reset()
				got, failure := invoke(t, a, "{ "+much+"; }"+out)
				if failure != nil || !strings.HasSuffix(got, "200000") || !strings.HasSuffix(log.String(), "200000\n") {
					t.Errorf("got %s, %v, log %s", short(got), failure, short(log.String()))
				}
			}
		}
	})
}
