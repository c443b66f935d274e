package integration

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
)

// TestSandboxes checks that in every sandbox the runtime starts and serves
// events in each way. It kills their leftovers and no other process.
func TestSandboxes(t *testing.T) {
	turn := 0
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		t.Run(name, func(t *testing.T) {
			p := profiles[name]
			if text := p.untested(); text != "" {
				t.Log(text)
			}
			for _, w := range p.ways() {
				if turn++; !effort.HasTurn(turn, 3) {
					continue
				}
				platform := protocol.Platforms[turn%len(protocol.Platforms)]
				t.Run(w.name+" "+platform.Name, func(t *testing.T) {
					t.Parallel()
					if w.needs != "" {
						possible(t, os.Args[0], filteredFlag, name, w.needs) // with an empty program
					}
					servesAndClearsUp(t, w, platform, os.Args[0], underFlag, name)
				})
			}
		})
	}
}

// servesAndClearsUp sends events that succeed, fail, and leave processes
// behind.
func servesAndClearsUp(t *testing.T, w way, platform *protocol.Platform, wrapper ...string) {
	t.Helper()
	f := begin(t, w.name, platform, does, nil, wrapper...)
	f.succeeds(t, "echo one", "one\n")
	f.fails(t, "echo no >&2; exit 3", "Function.ExitError", "exit status 3", "no")
	hide := strings.Join(profileIn(wrapper).finds("escape session", "escape twice", "escape bare"), "; ")
	f.succeeds(t, escapes+hide+"; (until [ -e go ]; do sleep 0.01; done; echo leak) & echo two", "two\n")
	write(t, f.dir, "go", "", 0o644)
	f.succeeds(t, "sleep 0.1; echo three", "three\n") // and nothing of the event before
	f.leavesNothing(t)
	f.logged(t) // wants status 0
}

// ways returns the ways that work under the profile. If nothing can be written,
// some of the tests' own programs cannot run.
func (p profile) ways() []way {
	if p.around.readOnly && !p.around.writable {
		return []way{named("stdin"), named("argv"), named("shell line"), named("function"), named("sh")}
	}
	return ways
}
