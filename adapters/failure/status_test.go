package failure

import "testing"

// A shell reports a signal as 128 plus its number.
func TestShellStatus(t *testing.T) {
	for code := range 256 {
		got := ShellStatus(code)
		if signal := code - 128; signal >= 1 && signal <= 64 {
			if !got.Signaled() || int(got.Signal()) != signal {
				t.Errorf("%d: got %v, want signal %d", code, got, signal)
			}
		} else if !got.Exited() || got.ExitStatus() != code {
			t.Errorf("%d: got %v, want the exit status", code, got)
		}
	}
}
