package pack

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A zip is not broken because this machine lacks descriptors to unpack it.
func TestReadZipWithoutDescriptors(t *testing.T) {
	dir, empty := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "x.zip")
	if err := os.WriteFile(file, zipOf(t, entry{"x", 0o644, "text"}), 0o600); err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	next, err := os.Open(file) // has the next descriptor
	if err != nil {
		t.Fatal(err)
	}
	enough := uint64(next.Fd()) + 2 // for the zip and the folder
	next.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: enough, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	tree, err := ReadZip(file, empty)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if !IsShortage(err) {
		t.Errorf("got %v, %v, want an error that says what is missing", tree, err)
	}
}

// A full disk is a shortage.
func TestFullDisk(t *testing.T) {
	if err := os.WriteFile("/dev/full", []byte("x"), 0); !IsShortage(err) {
		t.Errorf("got %v, want that it is a shortage", err)
	}
}
