package sandbox

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol/emulator"
)

// A scenario is a test that holds in every sandbox.
type scenario struct {
	name  string
	test  func(t *testing.T, b box)
	unfit func(b box) bool // reports whether a box cannot have it
}

var scenarios = []scenario{
	{name: "functions", test: functions, unfit: never},
	{name: "timeout", test: timeout, unfit: never},
	{name: "leftovers", test: leftovers, unfit: never},
	{name: "fork bomb", test: forkBomb, unfit: never},
	{name: "several at a time", test: severalAtATime, unfit: never},
	{name: "no leak", test: noLeak, unfit: never},
	{name: "whole answers", test: wholeAnswers, unfit: never},
	{name: "large results", test: largeResults, unfit: never},
	{name: "large log", test: largeLog, unfit: never},
	{name: "stop", test: stop, unfit: never},
	{name: "stop during an event", test: stopWithEvent, unfit: never},
	{name: "sidecar", test: sidecar, unfit: never},
	// The death of process 1 kills the whole sandbox. Without /proc nothing
	// shows which bootstrap is dead.
	{name: "discarded", test: discarded, unfit: func(b box) bool { return b.outside }},
	{name: "successor", test: successor, unfit: func(b box) bool { return b.outside || b.noProc }},
	// All processes are descendants of process 1.
	{name: "neighbours", test: neighbours, unfit: func(b box) bool { return b.outside }},
}

func never(box) bool { return false }

// play runs a scenario beside two neighbours that must outlive it.
func (s scenario) play(t *testing.T, b box) {
	needs(t, []string{"bash", "python3", "node", "perl", "setsid"})
	if !b.outside {
		server, err := emulator.New(b.platform, emulator.Function{Handler: "index.main_handler"})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		meet(t, server.Environment())
	}
	s.test(t, b)
}

// meet starts two processes that do not belong to bootstrap, with an
// environment: a child of this program, and a process that has lost its parent.
// It checks that they still run at the end of the test.
func meet(t *testing.T, env []string) {
	t.Helper()
	m := newMark(t)
	child := exec.Command("sleep", string(m))
	child.Env = env
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command("setsid", "--fork", "sleep", string(m))
	orphan.Env = env
	if err := orphan.Run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if there := marked(m); len(there) != 2 {
			t.Errorf("got the neighbours %q at the end, want 2", there)
		}
		kill(m)
		_ = child.Wait() // it was killed
	})
}

// neighbours checks that processes with the environment of a function, but
// without a mark of bootstrap, are left alone.
func neighbours(t *testing.T, b box) {
	f := begin(t, b, named("program"), b.limit(time.Second)...)
	env := strings.Split(strings.TrimSuffix(f.does(t, "env -0"), "\x00"), "\x00")
	env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "FUNCTION_RUN=") })
	meet(t, env)
	m := newMark(t)
	f.does(t, leaves(m, "session", "twice", "background"))
	f.noneLeft(t, m, "beside neighbours")
	f.fails(t, leaves(m, "session", "twice", "background")+"sleep "+string(m), "Function.Timeout")
	f.noneLeft(t, m, "beside neighbours, after a timeout")
}
