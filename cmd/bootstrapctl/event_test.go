//go:build linux

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A signal ends an invoke that waits for its event.
func TestSignalWhileReading(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, end := io.Pipe()
	giveUp := func() {
		end.Close()
		if file, err := os.OpenFile(fifo, os.O_RDWR, 0); err == nil {
			file.Close()
		}
	}
	defer giveUp()
	defer time.AfterFunc(20*time.Second, giveUp).Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"-"}, {"-event-file", fifo}} {
		if status := invoke(ctx, args, stdin, io.Discard, io.Discard); status != exitInterrupted {
			t.Errorf("%q: got status %d, want %d", args, status, exitInterrupted)
		}
	}
}
