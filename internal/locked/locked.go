// Package locked has a buffer for the logs of tests, which read them while others
// write.
package locked

import (
	"bytes"
	"sync"
)

// A Buffer collects bytes. Its methods may be called from several goroutines.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns everything written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
