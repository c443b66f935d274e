package supervisor

import (
	"os"
	"slices"
	"testing"
)

func TestParentOf(t *testing.T) {
	for name, row := range map[string]struct {
		stat string
		want int
	}{
		"usual":              {"42 (sh) S 17 42 1 0 -1", 17},
		"spaces in name":     {"42 (tmux: server) S 17 42 1", 17},
		"brackets in name":   {"42 (a) R 99 (b)) S 17 42 1", 17},
		"newline in name":    {"42 (a\nb) S 17 42 1", 17},
		"nothing":            {"", -1},
		"cut after the name": {"42 (sh)", -1},
		"cut after state":    {"42 (sh) S", -1},
		"not a number":       {"42 (sh) S x", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parentOf([]byte(row.stat)); got != row.want {
				t.Errorf("got %d, want %d", got, row.want)
			}
		})
	}
}

// Both ways to list our children agree: on live ones, on one that is stopped,
// on a zombie, and on an orphan that became ours.
func TestPidsOfChildren(t *testing.T) {
	tidy(t)
	live := start(t, shell("sleep 60 & sleep 60"))
	defer live.End(0)
	dead := start(t, shell(":"))
	defer dead.End(0)
	orphaning := start(t, shell("setsid sleep 60 &"))
	defer orphaning.End(0)
	within(t, "two have exited", func() bool { return dead.Exited() && orphaning.Exited() })
	defer children.endOrphans(Anybody, bound)

	var got []int
	within(t, "both ways agree", func() bool {
		got = pidsOfChildren()
		want := pidsByParent(os.Getpid())
		slices.Sort(got)
		slices.Sort(want)
		return slices.Equal(got, want)
	})
	for _, p := range []*Process{live, dead, orphaning} {
		if !slices.Contains(got, p.pid) {
			t.Errorf("got %v, want %d among them", got, p.pid)
		}
	}
	if len(got) != 4 {
		t.Errorf("got %v, want three of our own and an orphan", got)
	}
}

func TestPidsByParentOfNobody(t *testing.T) {
	if got := pidsByParent(-2); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

func TestNameOf(t *testing.T) {
	tidy(t)
	p := start(t, shell("exec sleep 60"))
	within(t, "it is sleep", func() bool { return nameOf(p.pid) == "sleep" })
	if got := nameOf(-1); got != "" {
		t.Errorf("of no process: got %q, want none", got)
	}
}
