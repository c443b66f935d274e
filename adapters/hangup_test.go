package adapters

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A shell whose script ignores SIGPIPE exits when bootstrap was killed.
func TestShellAlone(t *testing.T) {
	for name, source := range map[string]string{"bash": languageOf("index.sh").host, "sh": shHost} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, files{"index.sh": "trap '' PIPE\nmain() { cat; }\n", "given": ""})
			answers, theirAnswers := pipe(t)
			theirRequests, requests := pipe(t)
			given, err := os.OpenFile(filepath.Join(dir, "given"), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer given.Close()
			cmd := exec.Command(name, "-c", source, name, filepath.Join(dir, "index.sh"), "main", "1", "", "")
			cmd.ExtraFiles = []*os.File{theirAnswers, theirRequests, given}
			if err := cmd.Start(); err != nil {
				t.Skipf("NOT TESTED: %v", err)
			}
			theirAnswers.Close()
			theirRequests.Close()
			if line, err := bufio.NewReader(answers).ReadString('\n'); line != "ready\n" {
				t.Errorf("got %q, %v, want ready", line, err)
			}
			answers.Close()
			requests.Close()
			spins := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			if _ = cmd.Wait(); !spins.Stop() {
				t.Error("it did not exit")
			}
		})
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}
