package adapters

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bootstrap/internal/cgroup"
)

// Only kills that the cgroup counts mean that memory ran out.
func TestOutOfMemory(t *testing.T) {
	for _, kind := range []string{"program", "function"} {
		t.Run(kind, func(t *testing.T) {
			c := script(t, evaluate)
			if kind == "program" {
				c.Command, c.Delivery = `eval "$1"`, Argv
			}
			a := start(t, c)
			dir := folder(t, files{"memory.events": "oom_kill 0\n", "memory.max": "1048576"})
			a.(*adapter).fn.memory = cgroup.At(dir)
			count := "echo words >&2; echo oom_kill $RANDOM$$ >" + dir + "/memory.events; "
			fails(t, a, "kill -9 $$; sleep 1000", "Function.Signal", "killed by signal 9")
			fails(t, a, count+"kill -9 $$; sleep 1000", "Function.OutOfMemory", "out of memory: killed by the kernel: the limit is 1 MB, the peak was unknown: words")
			fails(t, a, "echo oom_kill 99999999999 >"+dir+"/memory.events; exit 1", "Function.ExitError", "exit status 1")
		})
	}
}

// The kernel kills for real, if this process may make a cgroup.
func TestOutOfMemoryForReal(t *testing.T) {
	dir := ownGroup(t)
	c := config(t, nil)
	c.Command = "echo $$ >" + dir + "/cgroup.procs && exec tail /dev/zero"
	a := start(t, c)
	a.(*adapter).fn.memory = cgroup.At(dir)
	for range 2 {
		got, failure := invoke(t, a, "")
		if failure == nil || failure.Type != "Function.OutOfMemory" || !strings.Contains(failure.Message, "the limit is 20 MB, the peak was 20 MB") {
			t.Errorf("got %q, %v", got, failure)
		}
	}
}

// ownGroup makes a control group that allows 20 MB, below the one of this process.
func ownGroup(t *testing.T) (dir string) {
	t.Helper()
	var m cgroup.Memory
	defer m.Close()
	if m.Open(); m.Dir() == "" {
		t.Skip("no control group for memory")
	}
	dir = filepath.Join(m.Dir(), "bootstrap-test")
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		t.Skip("no control group can be made: ", err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) }) // empty by then
	for _, limit := range []string{"memory.max", "memory.limit_in_bytes"} {
		if os.WriteFile(filepath.Join(dir, limit), []byte("20971520"), 0) == nil {
			return dir
		}
	}
	t.Skip("no limit can be set")
	return ""
}
