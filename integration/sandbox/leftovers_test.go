package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// escapes are scripts that leave processes behind. MARK stands for their mark.
var escapes = map[string]string{
	"background": `sleep MARK &`,
	"session":    `setsid sleep MARK &`,
	"twice":      `(setsid sh -c 'sleep MARK & sleep MARK &' &)`,
	"bare":       `env -i sleep MARK &`,
	"bare far":   `(setsid env -i sleep MARK &)`,
	"closed":     `(setsid sleep MARK <&- >&- 2>&- &)`,
	"renamed":    `(setsid perl -e '$0 = "MARK"; sleep 300' &)`,
	"deaf":       `setsid sh -c "trap '' TERM HUP INT; while :; do sleep 1; done" MARK &`,
	"stopped":    `setsid sh -c 'kill -STOP $$' MARK &`,
	"fleeing":    `echo 'sh chain MARK &' >chain; setsid sh chain MARK &`,
}

// leaves returns a script that leaves processes of these kinds behind.
func leaves(m mark, kinds ...string) string {
	var script strings.Builder
	for _, kind := range kinds {
		script.WriteString(strings.ReplaceAll(escapes[kind], "MARK", string(m)) + "\n")
	}
	return script.String()
}

// leftovers checks that the leftovers of an event are gone when the next event
// looks for them.
func leftovers(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		f := begin(t, b, w)
		for kind := range escapes {
			m := newMark(t)
			f.does(t, leaves(m, kind)+"echo ok")
			f.noneLeft(t, m, kind)
		}
	})
}

// forkBomb checks the same for processes that fork until they are killed.
func forkBomb(t *testing.T, b box) {
	for _, name := range []string{"bash", "python"} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, b, named(name))
			m := newMark(t)
			f.does(t, fmt.Sprintf("bomb() { if [ $1 -gt 0 ]; then bomb $(($1-1)) & bomb $(($1-1)) & fi; exec sleep %s; }; bomb %d &", m, b.bomb))
			f.noneLeft(t, m, "a fork bomb")
		})
	}
}

// timeout checks that an event that takes too long is killed with all its
// processes, even if they ignore SIGTERM.
func timeout(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		f := begin(t, b, w, b.limit(time.Second)...)
		f.does(t, "echo ready")
		m := newMark(t)
		began := time.Now()
		f.fails(t, "trap '' TERM INT HUP\n"+leaves(m, "background", "session", "twice", "deaf", "stopped")+"sh -c 'sleep $0; sleep $0' "+string(m), "Function.Timeout")
		if took := time.Since(began); took > b.times(10*time.Second) {
			t.Errorf("the answer took %v", took)
		}
		f.noneLeft(t, m, "after a timeout")
	})
}
