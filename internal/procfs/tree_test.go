package procfs

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A shell runs commands, one after the other.
type shell struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{Cmd: exec.Command("/bin/sh")}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	return s
}

// run runs a command, and returns when it has exited.
func (s *shell) run(t *testing.T, command string) {
	t.Helper()
	if _, err := fmt.Fprintf(s.in, "%s\necho done\n", command); err != nil {
		t.Fatal(err)
	}
	if line, err := s.out.ReadString('\n'); err != nil || line != "done\n" {
		t.Fatalf("%s: got %q, %v", command, line, err)
	}
}

func (s *shell) end() {
	_ = syscall.Kill(-s.Process.Pid, syscall.SIGKILL) // it may be over
	_ = s.Wait()                                      // it was killed
}

// A tree agrees with ResidentTree whatever its processes do, and keeps no file open
// after Close.
func TestTree(t *testing.T) {
	s := newShell(t)
	tree := NewTree(s.Process.Pid)
	for _, command := range []string{
		":", "sleep 300 & sleep 300 &", "kill $!; wait $! 2>/dev/null", "sh -c 'sleep 300 & wait' &",
		"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 300 & done", "kill $!; wait $! 2>/dev/null",
	} {
		s.run(t, command)
		within(t, "the tree agrees after "+command, func() bool {
			used := tree.Resident()
			return used > 0 && used == ResidentTree(s.Process.Pid)
		})
	}
	s.end()
	if got := tree.Resident(); got != 0 {
		t.Errorf("got %d bytes for processes that have exited, want 0", got)
	}
	if len(openBelowProc(t)) == 0 {
		t.Error("got no open files before Close")
	}
	tree.Close()
	if left := openBelowProc(t); len(left) > 0 || tree.Resident() != 0 {
		t.Errorf("got open files after Close: %v", left)
	}
}

// openBelowProc lists our open files of other processes.
func openBelowProc(t *testing.T) (names []string) {
	t.Helper()
	own := path(os.Getpid(), "")
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		name, _ := os.Readlink(link) // the descriptor that Glob used is closed
		if strings.HasPrefix(name, "/proc/") && !strings.HasPrefix(name, own) {
			names = append(names, name)
		}
	}
	return names
}

// The pid of a child that has exited may belong to another child.
func TestTreeReusedNumber(t *testing.T) {
	tree := NewTree(os.Getpid())
	defer tree.Close()
	tree.Resident()
	pid := sleeper(t, "A=1")
	tree.root.children[pid] = openMember(-1)
	within(t, "the tree has the memory of the other child", func() bool {
		used := tree.root.child(pid)
		return used > 0 && used == Resident(pid)
	})
}

// The children of threads that start later are found, too.
func TestTreeThreads(t *testing.T) {
	m := openMember(os.Getpid())
	defer m.close()
	m.childPids()
	m.threads = m.threads[1:] // as if one had started since
	pid := sleeper(t, "A=1")
	if got := m.childPids(); !slices.Contains(got, pid) {
		t.Errorf("got the children %v, want %d among them", got, pid)
	}
	if all, _ := listFrom(m.task); !slices.Equal(m.threads, all) {
		t.Errorf("got the threads %v, want %v", m.threads, all)
	}
}

func TestTreeOfNoProcess(t *testing.T) {
	tree := NewTree(-1)
	defer tree.Close()
	if got := tree.Resident(); got != 0 {
		t.Errorf("got %d bytes of a process that does not exist", got)
	}
}

// The emulator reads the memory of a runtime at least once for each event.
func BenchmarkResidentTree(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ResidentTree(os.Getpid())
	}
}

func BenchmarkTree(b *testing.B) {
	tree := NewTree(os.Getpid())
	defer tree.Close()
	b.ReportAllocs()
	for b.Loop() {
		tree.Resident()
	}
}
