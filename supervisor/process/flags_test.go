package process

import (
	"bytes"
	"context"
	"io"
	"syscall"
	"testing"
)

// A child of the process changes the flags that both share.
func TestFlags(t *testing.T) {
	checkLeaks(t)
	var out bytes.Buffer
	c := shell(`read line; python3 -c 'import fcntl, os
for fd in 1, 2: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | (os.O_ASYNC if fd == 2 else 0))'; echo done; read line`)
	c.Open, c.Outputs = true, []io.Writer{&out, &out}
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(0)
	if got := p.Flags(); got != (Flags{}) {
		t.Errorf("got %v, want none", got)
	}
	p.Give([]byte("go\n"))
	if err := p.Pump(context.Background(), func() bool { return out.String() == "done\n" }); err != nil {
		t.Fatal(err, out.String())
	}
	if got, want := p.Flags(), (Flags{2: syscall.O_ASYNC}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// BenchmarkFlags measures the check after an event of a Node function.
func BenchmarkFlags(b *testing.B) {
	p, err := Start(shell("exec sleep 600"))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Stop(0)
	for b.Loop() {
		p.Flags()
	}
}
