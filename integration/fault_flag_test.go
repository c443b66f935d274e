package integration

import (
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
)

// Bootstrap answers every event, whatever fault the platform injects.
func TestFaultsOnPurpose(t *testing.T) {
	dir := shellFunction(t, "cat")
	for i, fault := range []string{
		"next-500=2", "next-reset=2", "next-slow=1", "next-empty=2", "next-garbage=2", "ready-500=1", "post-500=1", "post-reset-before=1", "post-reset-after=1",
		"post-garbage=1", "slow-body", "slow-headers", "split-writes", "early-close", "next-500=1/2,post-500=1/3,early-close=1/2",
	} {
		for j, p := range protocol.Platforms {
			if !effort.HasTurn(i+j, len(protocol.Platforms)) {
				continue
			}
			if p == protocol.Lambda && strings.Contains(fault, "next-500") {
				continue // a runtime must exit then: see below
			}
			t.Run(fault+" on "+p.Name, func(t *testing.T) {
				t.Parallel()
				stdout, stderr, status := ctl(t, nil, "invoke", "-dir", dir, "-platform", p.Name, "-timeout", "30s", "-repeat", "3", "-event", `"hello"`, "-fault", fault)
				if got := strings.ReplaceAll(stdout, "\n", ""); got != strings.Repeat(`"hello"`, 3) || status != 0 {
					t.Errorf("got %q, status %d: %s", stdout, status, stderr)
				}
			})
		}
	}
}

// A result that the platform refuses as too large becomes a failure, and the next event
// is served.
func TestRefusedOnPurpose(t *testing.T) {
	dir := shellFunction(t, "cat")
	for _, p := range protocol.Platforms {
		stdout, stderr, status := ctl(t, nil, "invoke", "-dir", dir, "-platform", p.Name, "-repeat", "2", "-event", `"hello"`, "-fault", "post-413=1")
		if strings.TrimSpace(stdout) != `"hello"` || status != 1 || !strings.Contains(stderr, "ResponseSizeTooLarge") {
			t.Errorf("%s: got %q, status %d: %s", p.Name, stdout, status, stderr)
		}
	}
}

// AWS documents that status 500 of a poll stops the runtime. The next event is
// served by a new one.
func TestLambdaEndsOnPurpose(t *testing.T) {
	dir := shellFunction(t, "cat")
	stdout, stderr, status := ctl(t, nil, "invoke", "-dir", dir, "-platform", "lambda", "-repeat", "3", "-event", `"hello"`, "-fault", "next-500=1")
	if strings.Count(stdout, `"hello"`) != 2 || status != 1 || !strings.Contains(stderr, "gives this instance no more events: next: status 500") {
		t.Errorf("got %q, status %d: %s", stdout, status, stderr)
	}
}

func TestFaultFlag(t *testing.T) {
	stdout, _, status := ctl(t, nil, "invoke", "-fault", "help")
	if status != 0 || !strings.Contains(stdout, "\n  post-reset-after   An answer reaches the platform, but then the connection is reset.\n") {
		t.Errorf("got %q, status %d", stdout, status)
	}
	_, stderr, status := ctl(t, nil, "invoke", "-fault", "next-50")
	if status != 2 || !strings.Contains(stderr, `-fault: unknown fault "next-50": did you mean next-500?`) {
		t.Errorf("got %q, status %d", stderr, status)
	}
}
