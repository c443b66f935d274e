package command

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"bootstrap/internal/elftest"
)

func TestLoader(t *testing.T) {
	change := func(at int, value uint64, size int) []byte {
		b := elftest.Program(elftest.This, "/lib/ld.so")
		var all [8]byte
		binary.LittleEndian.PutUint64(all[:], value)
		copy(b[at:], all[:size])
		return b
	}
	tests := []struct {
		name string
		head []byte
		want string
	}{
		{"a loader", elftest.Program(elftest.This, "/lib/ld.so"), "/lib/ld.so"},
		{"none", elftest.Program(elftest.This, ""), ""},
		{"nothing", nil, ""},
		{"only the magic", []byte("\x7fELF"), ""},
		{"half a header", elftest.Program(elftest.This, "/lib/ld.so")[:40], ""},
		{"half a program header", elftest.Program(elftest.This, "/lib/ld.so")[:100], ""},
		{"no name", elftest.Program(elftest.This, "/lib/ld.so")[:120], ""},
		{"a name that does not end", elftest.Program(elftest.This, "/lib/ld.so")[:125], ""},
		{"32 bits", change(4, 1, 1), ""},
		{"big endian", change(5, 2, 1), ""},
		{"program headers past the end", change(32, 1<<20, 8), ""},
		{"program headers at the end of all", change(32, 1<<64-1, 8), ""},
		{"program headers near the end of all", change(32, 1<<64-56, 8), ""},
		{"no size", change(54, 0, 2), ""},
		{"a small size", change(54, 8, 2), ""},
		{"a large size", change(54, 1<<16-1, 2), ""},
		{"many", change(56, 1<<16-1, 2), "/lib/ld.so"},
		{"a name past the end", change(72, 1<<20, 8), ""},
		{"a name at the end of all", change(72, 1<<64-1, 8), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := loaderIn(test.head); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// No file makes the reader of its head panic.
func FuzzHead(f *testing.F) {
	f.Add(elftest.Program(elftest.This, "/lib/ld.so"))
	f.Add(elftest.Program(elftest.Other, ""))
	f.Add([]byte("#!/bin/sh -e\r\n"))
	f.Add([]byte("#!"))
	f.Add([]byte("\x7fELF"))
	f.Add([]byte{})
	self, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(head(self)[:512])
	f.Fuzz(func(t *testing.T, head []byte) {
		if loader := loaderIn(head); len(loader) > len(head) {
			t.Errorf("a loader of %d bytes in %d", len(loader), len(head))
		}
		if failure := inspectHead("tool", head, IsMissing); failure != nil {
			if failure.Type == "" || strings.Contains(failure.Message, "\n") {
				t.Errorf("got %+v, want a type and one line", failure)
			}
		}
	})
}
