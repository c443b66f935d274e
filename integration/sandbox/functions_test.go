package sandbox

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// functions checks that a function of each kind serves events, also after an
// event that failed.
func functions(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		f := begin(t, b, w)
		for range 3 {
			if got := f.does(t, `echo "hello, Ada"`); strings.TrimSpace(got) != "hello, Ada" {
				t.Errorf("got %q, want hello, Ada", got)
			}
			out, err := f.runner.Invoke(context.Background(), w.event("echo 'no such customer' >&2; exit 3"))
			if err != nil || out.Kind != emulator.Failure || !strings.Contains(string(out.Body), "no such customer") {
				t.Errorf("got %v %s, %v, want a failure that tells why", out.Kind, out.Body, err)
			}
		}
		if got := f.server.Stats(); got.Instances != 1 || got.Refused != 0 {
			t.Errorf("got %+v, want one instance and no refused call", got)
		}
	})
}

// severalAtATime checks that the end of one event leaves the processes of
// another alone that still runs.
func severalAtATime(t *testing.T, b box) {
	b.platform = protocol.Lambda
	for _, name := range []string{"bash", "program", "python"} {
		t.Run(name, func(t *testing.T) {
			w := named(name)
			fn := w.install(t)
			fn.Concurrency = 4
			fn.Env = append(fn.Env, "DIR="+t.TempDir())
			f := run(t, b, w, fn)
			m := newMark(t)
			var others sync.WaitGroup
			others.Go(func() {
				script := fmt.Sprintf(`setsid sleep %s & touch $DIR/begun; until [ -e $DIR/go ]; do sleep 0.02; done; kill -0 $! && echo alive`, m)
				out, err := f.runner.Invoke(context.Background(), w.event(script))
				if err != nil || strings.TrimSpace(string(out.Body)) != "alive" {
					t.Errorf("got %v %s, %v, want the process of an event alive for as long as that runs", out.Kind, out.Body, err)
				}
			})
			for range 5 {
				f.does(t, `until [ -e $DIR/begun ]; do sleep 0.02; done; setsid sleep `+string(newMark(t))+` & echo ok`)
			}
			f.does(t, "touch $DIR/go")
			others.Wait()
			f.noneThere(t, m, "when its event is over")
		})
	}
}
