package main

import (
	"os"
	"strings"
	"testing"
)

// The start is compared with that of AWS's library for Go.
func TestStartInGo(t *testing.T) {
	tools := built(t)
	if tools.buildInGo(t.TempDir()); tools.lambdaGoMissing != nil {
		t.Skip("NOT TESTED: ", tools.lambdaGoMissing)
	}
	all := compare([]row{{"", 1, tools.run("cat", []string{"cat"}), tools.inGo(), 0, 0, 5}}, effort{rounds: 1, part: 1}, func(string) {})
	if c := all[0]; c.failed != nil || c.mine[0] == 0 || c.other[0] == 0 {
		t.Errorf("got %v and %v, %v", c.mine, c.other, c.failed)
	}
}

// Among other processes, with and without adoption, events are served, and nothing is
// left of the sandbox.
func TestAmid(t *testing.T) {
	tools := built(t)
	for _, adopts := range []bool{true, false} {
		c := tools.amid(tools.function("bash function", tools.bash), 5, adopts)
		i, err := start(c)
		if err != nil {
			t.Skip("NOT TESTED: ", err) // no namespaces or filters here
		}
		log, err := os.ReadFile(i.log.Name())
		if lacks := strings.Contains(string(log), "adopting orphans"); err != nil || lacks == adopts {
			t.Errorf("%s: got the log %s, %v", c.way, log, err)
		}
		i.stop()
		if _, err := latencies(c, newEvent(small), 0, 5); err != nil {
			t.Error(err)
		}
	}
	if left := children(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
