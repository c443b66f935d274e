package integration

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// stalls sends the beginning of an answer and then nothing. It reports that to
// begun.
func stalls(text string, begun chan<- bool) fault {
	return func(x *exchange) bool {
		says(text)(x)
		begun <- true
		_, _ = x.client.Read(make([]byte, 1)) // until the runtime hangs up
		return false
	}
}

// Whichever answer of the platform stalls, the stop takes no longer than
// BOOTSTRAP_STOP_TIMEOUT, and the stop command runs.
func TestT17StalledAnswer(t *testing.T) {
	const limit = 2 * time.Second
	for call, p := range map[string]*protocol.Platform{
		"next": protocol.SCF, "ready": protocol.SCF, "response": protocol.SCF, "error": protocol.SCF,
		"extension": protocol.Lambda,
	} {
		for name, text := range map[string]string{
			"status":  "HTTP/1.1 20",
			"headers": "HTTP/1.1 200 OK\r\n",
			"body":    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
		} {
			t.Run(call+" "+name, func(t *testing.T) {
				t.Parallel()
				begun := make(chan bool, 1)
				var once once
				once.set(call, stalls(text, begun))
				fn := recorder(t)
				fn.Env = []string{"BOOTSTRAP_STOP_TIMEOUT=" + limit.String(), "BOOTSTRAP_STOP_COMMAND=echo stop >stopped"}
				log := &locked.Buffer{}
				_, runner, _ := startBehind(t, p, fn, log, once.choose)
				go func() { // ends with the runtime
					event := map[string]string{"error": "fail"}[call]
					_, _ = runner.Invoke(context.Background(), emulator.Event{Body: []byte(event)}) // it may be lost
				}()
				<-begun
				pid, began := pidOf(runner), time.Now()
				tellToStop(runner)
				until(t, "the runtime exits", func() bool { return gone(pid) })
				if took := time.Since(began); took > limit+time.Second {
					t.Errorf("the stop took %v, want %v at most", took, limit)
				}
				until(t, "it says that it has stopped", func() bool { return strings.HasSuffix(log.String(), ": stopped\n") })
				if _, err := os.Stat(filepath.Join(fn.Dir, "stopped")); err != nil {
					t.Errorf("the stop command did not run: %v", err)
				}
			})
		}
	}
}
