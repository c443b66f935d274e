package protocol

import (
	"math"
	"testing"
	"time"
)

// production returns the backoff of a real client.
func production(t *testing.T) Backoff {
	t.Helper()
	c, err := NewClient(Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "h:1"}.get)
	if err != nil {
		t.Fatal(err)
	}
	return c.backoff
}

func TestPause(t *testing.T) {
	b := production(t)
	tests := []struct {
		n           int
		least, most time.Duration
	}{
		{0, 35 * time.Millisecond, 70 * time.Millisecond},
		{1, 70 * time.Millisecond, 140 * time.Millisecond},
		{2, 140 * time.Millisecond, 280 * time.Millisecond},
		{3, 280 * time.Millisecond, 560 * time.Millisecond},
		{4, 500 * time.Millisecond, time.Second},
		{100, 500 * time.Millisecond, time.Second},
		{math.MaxInt, 500 * time.Millisecond, time.Second},
	}
	for _, test := range tests {
		seen := make(map[time.Duration]bool)
		for range 1000 {
			d := b.Pause(test.n)
			seen[d] = true
			if d < test.least || d > test.most {
				t.Fatalf("%d: got %v, want between %v and %v", test.n, d, test.least, test.most)
			}
		}
		if len(seen) < 500 {
			t.Errorf("%d: got %d different pauses in 1000, want jitter", test.n, len(seen))
		}
	}
}

// For any random pauses there are at most 20 attempts in 6 s, and not too few.
func TestPausesInAWindow(t *testing.T) {
	b := production(t)
	for range 1000 {
		attempts := 0
		for at := time.Duration(0); at < 6*time.Second; at += b.Pause(attempts - 1) {
			attempts++
		}
		if attempts < 8 || attempts > 20 {
			t.Fatalf("got %d attempts in 6 s, want 8 to 20", attempts)
		}
	}
}

func TestPauseOfNothing(t *testing.T) {
	if got := (Backoff{}).Pause(3); got != 0 {
		t.Errorf("got %v, want 0", got)
	}
}
