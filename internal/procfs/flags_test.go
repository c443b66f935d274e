package procfs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFlagsFile(t *testing.T) {
	const some = syscall.O_WRONLY | syscall.O_APPEND
	file, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), some|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(file.Fd())
	flags := OpenFlags(os.Getpid(), fd)
	defer flags.Close()
	if got := flags.Read(); got&(syscall.O_ACCMODE|syscall.O_APPEND|syscall.O_ASYNC) != some {
		t.Errorf("got the flags %#o, want %#o", got, some)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if got := flags.Read(); got != -1 {
		t.Errorf("got the flags %#o of a closed descriptor, want -1", got)
	}
	if got := OpenFlags(os.Getpid(), fd).Read(); got != 0 {
		t.Errorf("got the flags %#o where there is no file, want 0", got)
	}
}
