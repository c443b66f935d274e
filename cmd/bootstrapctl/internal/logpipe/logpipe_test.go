package logpipe

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// After a Flush, all bytes that were written before it have arrived, complete
// and in order.
func TestFlush(t *testing.T) {
	var got bytes.Buffer
	p, err := New(func(text []byte) { got.Write(text) })
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for range 1000 {
		text := strings.Repeat("x", 40) + "\n"
		if _, err := p.File.WriteString(text); err != nil {
			t.Fatal(err)
		}
		want += text
		p.Flush()
		p.mu.Lock()
		if got.Len() != len(want) {
			t.Fatalf("got %d bytes, want %d", got.Len(), len(want))
		}
		p.mu.Unlock()
	}
	p.Close(time.Minute)
	if got.String() != want {
		t.Error("the bytes differ")
	}
	p.Flush() // has no effect
}

// Close does not wait longer than its limit for a process that holds the pipe.
func TestCloseWithWriter(t *testing.T) {
	var got bytes.Buffer
	p, err := New(func(text []byte) { got.Write(text) })
	if err != nil {
		t.Fatal(err)
	}
	held := dup(t, p.File)
	defer held.Close()
	if _, err := held.WriteString("last words"); err != nil {
		t.Fatal(err)
	}
	p.Close(time.Millisecond)
	if got.String() != "last words" {
		t.Errorf("got %q", got.String())
	}
}

// Neither Flush nor Close waits for a process that writes without a pause.
func TestWriterWithoutPause(t *testing.T) {
	p, err := New(func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	held := dup(t, p.File)
	defer held.Close()
	stopped := make(chan error, 1)
	go func() { // ends when the pipe has no reader
		line := bytes.Repeat([]byte("x"), 4096)
		for {
			if _, err := held.Write(line); err != nil {
				stopped <- err
				return
			}
		}
	}()
	p.Flush()
	p.Close(10 * time.Millisecond)
	if err := <-stopped; !errors.Is(err, unix.EPIPE) {
		t.Errorf("the writer got %v", err)
	}
}

// dup returns another descriptor of the file, like that of a process that
// inherits it.
func dup(t *testing.T, file *os.File) *os.File {
	t.Helper()
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	copied := -1
	err = errors.Join(raw.Control(func(fd uintptr) { copied, err = unix.Dup(int(fd)) }), err)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(copied), "copy")
}
