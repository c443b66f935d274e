package process

import (
	"slices"
	"testing"

	"bootstrap/internal/procfs"
)

func TestOwns(t *testing.T) {
	checkLeaks(t)
	for _, row := range []struct {
		name  string
		start Owner
		slot1 bool
		side  bool
	}{
		{"of the slot", SlotOwner(1), true, false},
		{"of another slot", SlotOwner(12), false, false},
		{"of the sidecar", SidecarOwner("db"), false, true},
		{"of another sidecar", SidecarOwner("db2"), false, false},
		{"nobody's", Anybody, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := shell("exec sleep 60")
			c.Env, c.Owner = []string{"PATH=/bin:/usr/bin", "A=1", "FUNCTION_SIDECAR=db"}, row.start
			if row.start == Anybody {
				c.Env = c.Env[:2]
			}
			p := start(t, c)
			within(t, "it runs", func() bool { return procfs.Name(p.pid) == "sleep" && len(procfs.Environ(p.pid)) > 0 })
			got := []bool{owns(Anybody, p), owns(SlotOwner(1), p), owns(SidecarOwner("db"), p)}
			if want := []bool{true, row.slot1, row.side}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			p.Stop(0)
		})
	}
}

// KillLeftovers kills the leftovers of one owner only, including those with a
// session and a group of their own.
func TestKillLeftoversOfOwner(t *testing.T) {
	checkLeaks(t)
	for _, owner := range []Owner{SlotOwner(1), SlotOwner(2), SidecarOwner("db")} {
		c := shell("setsid sleep 60 >/dev/null 2>&1 & exit 0")
		c.Owner, c.Keep = owner, true
		runToEnd(t, t.Context(), c, 0).check(t, 0)
	}
	alive := func(owner Owner) int { return len(processes.leftovers(owner)) }
	within(t, "all are orphans", func() bool { return alive(Anybody) == 3 })
	for _, owner := range []Owner{SlotOwner(2), SidecarOwner("db"), SlotOwner(1)} {
		before := alive(Anybody)
		if left := processes.killLeftovers(owner, bound); len(left) > 0 || alive(owner) > 0 || alive(Anybody) != before-1 {
			t.Errorf("%s: got %v left, %d of it alive and %d in all, want only one less", owner, left, alive(owner), alive(Anybody))
		}
	}
}

// A slot does not wait for the busy leftovers of a sidecar.
func TestLeftoversBusyOfOwner(t *testing.T) {
	checkLeaks(t)
	c := shell("(while :; do :; done) >/dev/null 2>&1 & exit 0")
	c.Owner, c.Keep = SidecarOwner("db"), true
	runToEnd(t, t.Context(), c, 0).check(t, 0)
	within(t, "the leftover is busy", func() bool { return leftoversBusy(SidecarOwner("db")) })
	if leftoversBusy(SlotOwner(1)) {
		t.Error("the slot has a busy leftover, want none")
	}
	processes.killLeftovers(Anybody, bound)
}

func owns(of Owner, p *Process) bool {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	return processes.owns(of, p.pid) == yes
}

func leftoversBusy(of Owner) bool {
	busy, _ := processes.leftoversBusy(of)
	return busy
}
