package local_test

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
)

// An asynchronous event is sent again if this machine had no descriptor for an
// instance.
func TestAsyncWithoutDescriptors(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	allow := func(n uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: limit.Max}); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { allow(limit.Cur) })
	listener, err := net.Listen("tcp", "127.0.0.1:0") // makes Go's runtime open its poller, which it needs
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	first := make(chan *local.Invocation, 1)
	f := create(t, localtest.New(t, local.Options{Retries: []time.Duration{time.Millisecond}, Done: func(_ *local.Function, inv *local.Invocation) {
		if inv.Attempt == 0 {
			allow(limit.Cur)
			first <- inv
		}
	}}), local.Settings{})
	allow(1)
	id, err := f.Enqueue(local.Call{Body: []byte(`{"a":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	got := <-first
	if got.Status != local.Queued {
		t.Errorf("after the first attempt: got %v, want that it is sent again", got.Status)
	}
	if body := string(got.Fault.Body(id)); !strings.Contains(body, syscall.EMFILE.Error()) || got.Fault.Text != got.Fault.Message {
		t.Errorf("got the fault %+v with the body %s, want why", got.Fault, body)
	}
	localtest.Until(t, func() bool {
		inv, err := f.Invocation(id)
		return err == nil && inv.Status == local.Succeeded && inv.Attempt == 1
	})
}
