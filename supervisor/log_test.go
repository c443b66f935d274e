package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// Our own lines are on lines of their own, whatever the command leaves open,
// and its bytes are as they were.
func TestLogLines(t *testing.T) {
	var got bytes.Buffer
	log := NewLog(&got)
	for _, text := range []string{"one\n", "tw", "", "o", "\n", "no end"} {
		fmt.Fprint(log, text)
	}
	fmt.Fprint(log.Own(), "ours\n")
	fmt.Fprint(log.Own(), "ours too\n")
	fmt.Fprint(log, "last\n")
	if want := "one\ntwo\nno end\nours\nours too\nlast\n"; got.String() != want {
		t.Errorf("got %q, want %q", &got, want)
	}
}

// L11: what nobody takes is dropped after a while, not again after another,
// and counted once somebody does.
func TestLogStalled(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	log, much := NewLog(w), strings.Repeat("x", 3*bigPipe)
	for range 20 { // 20 stalls in a row would take 20 s
		if n, err := io.WriteString(log, much); n != len(much) || err != nil {
			t.Fatalf("got %d, %v, want %d", n, err, len(much))
		}
	}
	dropped := log.dropped
	taken := make(chan string)
	go func() { // ends when w is closed
		text, _ := io.ReadAll(r)
		taken <- string(text)
	}()
	for log.dropped > 0 { // until it sees that somebody reads
		fmt.Fprint(log.Own(), "")
		fmt.Fprint(log.Own(), "o\n")
	}
	w.Close()
	text := <-taken
	notice := strings.Index(text, "\nbootstrap: dropped ")
	if notice < 0 || notice+dropped < 20*len(much) {
		t.Errorf("got %d bytes and the notice %d, want it after those that passed, with %d dropped", len(text), notice, dropped)
	}
}

// A log that nobody reads any more takes everything.
func TestLogGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	log := NewLog(w)
	for range 3 {
		if n, err := io.WriteString(log, "text\n"); n != 5 || err != nil {
			t.Errorf("got %d, %v, want 5", n, err)
		}
	}
}
