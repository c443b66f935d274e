package failure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

func TestStatus(t *testing.T) {
	for code := range 256 {
		kind, message := "Function.ExitError", fmt.Sprintf("exit status %d", code)
		switch code {
		case 126:
			kind, message = "Function.NotExecutable", "exit status 126 (command not executable)"
		case 127:
			kind, message = "Function.NotFound", "exit status 127 (command not found)"
		}
		got := Of(syscall.WaitStatus(code<<8), "")
		if code == 0 {
			if got != nil {
				t.Errorf("status 0: got %v", got)
			}
			continue
		}
		if got == nil || got.Type != kind || got.Message != message {
			t.Errorf("status %d: got %v, want %s: %s", code, got, kind, message)
		}
	}
}

func TestSignal(t *testing.T) {
	for signal := 1; signal <= 64; signal++ {
		for _, core := range []int{0, 0x80} {
			got := Of(syscall.WaitStatus(signal|core), "")
			want := fmt.Sprintf("killed by signal %d (", signal)
			if got == nil || got.Type != "Function.Signal" || !strings.HasPrefix(got.Message, want) {
				t.Errorf("signal %d: got %v, want %s", signal, got, want)
			}
		}
	}
	if got := Of(9, "").Message; got != "killed by signal 9 (killed)" {
		t.Errorf("got %q", got)
	}
}

func TestQuotesTheLog(t *testing.T) {
	got := Of(3<<8, "starting\nerror: no disk\r\nbye\n")
	if got.Message != "exit status 3: error: no disk" {
		t.Errorf("message: got %q", got.Message)
	}
	if stack := strings.Join(got.Stack, "|"); stack != "starting|error: no disk|bye" {
		t.Errorf("stack: got %q", stack)
	}
}

func TestStopped(t *testing.T) {
	ev := &protocol.Event{Received: time.Now().Add(-2 * time.Second)}
	ev.Deadline = ev.Received.Add(3 * time.Second)
	tests := []struct {
		name       string
		cause      error
		kind, want string
	}{
		{"time", context.DeadlineExceeded, "Function.Timeout", "timed out: still running 2"},
		{"time, with its limit", context.DeadlineExceeded, "Function.Timeout", "(the limit is 3s)"},
		{"stop", supervisor.ErrStopping, "Function.Stopped", "stopped before it finished: the runtime is stopping"},
		{"other", errors.New("moon"), "Function.Stopped", "moon"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Stopped(test.cause, ev, "last words\n")
			if got.Type != test.kind || !strings.Contains(got.Message, test.want) {
				t.Errorf("got %v, want %s: …%s…", got, test.kind, test.want)
			}
			if len(got.Stack) != 1 || got.Stack[0] != "last words" {
				t.Errorf("stack: got %q", got.Stack)
			}
		})
	}
}

// bash -c also exits with 127 for an unset variable, which is not a missing
// command.
func TestUnboundVariable(t *testing.T) {
	f := Of(syscall.WaitStatus(127<<8), "environment: line 1: name: unbound variable\n")
	if f == nil || f.Type != "Function.ExitError" || f.Message != "exit status 127: environment: line 1: name: unbound variable" {
		t.Errorf("got %+v, want Function.ExitError with the line of bash", f)
	}
}
