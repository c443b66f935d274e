// Package rie compares our platform with AWS's own emulator: the same runtime
// plays the same scenarios on both.
package rie

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

var rie string // AWS's emulator, built by TestMain

func TestMain(m *testing.M) {
	if name := os.Getenv(scenarioVariable); name != "" {
		play(name)
	}
	folder, err := os.MkdirTemp("", "rie-")
	if err == nil {
		rie = filepath.Join(folder, "aws-lambda-rie")
		cmd := exec.Command("go", "build", "-o", rie, "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie")
		cmd.Stderr = os.Stderr
		err = cmd.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build AWS's emulator:", err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(status)
}

// TestParity fails for each difference that README.md does not list, and for
// each listed difference that no longer exists.
func TestParity(t *testing.T) {
	expected := listed(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			theirs, ours := onTheirs(t, s), onOurs(t, s)
			want := expected[s.name]
			if theirs == ours && want != [2]string{} {
				t.Errorf("README.md lists a difference that is gone; both say\n%s", ours)
			}
			if theirs != ours && want != [2]string{oneLine(theirs), oneLine(ours)} {
				t.Errorf("got a difference that README.md does not list:\n| %s | %s | %s | why |", s.name, oneLine(theirs), oneLine(ours))
			}
		})
	}
}

func oneLine(transcript string) string {
	return strings.ReplaceAll(strings.TrimSpace(transcript), "\n", "; ")
}

var row = regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$`)

// listed returns the differences in README.md: AWS's transcript and ours of a
// scenario.
func listed(t *testing.T) map[string][2]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][2]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = [2]string{m[2], m[3]}
	}
	return found
}

// finished returns the transcript of a scenario, and the outcomes of its
// events.
func finished(t *testing.T, file string, outcomes []string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text) + strings.Join(outcomes, "\n")
}

func onOurs(t *testing.T, s scenario) string {
	t.Helper()
	limit, _ := strconv.Atoi(s.limit) // a number
	transcript := filepath.Join(t.TempDir(), "ours")
	server, err := emulator.New(protocol.Lambda, emulator.Function{Timeout: time.Duration(limit) * time.Second,
		Env: []string{scenarioVariable + "=" + s.name, transcriptVariable + "=" + transcript}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	runner := emulator.NewRunner(server, []string{os.Args[0]}, io.Discard, os.Stderr)
	var outcomes []string
	for range s.events {
		out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, outcomeOf(out))
	}
	runner.Stop()
	return finished(t, transcript, outcomes)
}

// outcomeOf returns an outcome in the words of AWS's emulator.
func outcomeOf(out emulator.Outcome) string {
	switch {
	case out.Kind == emulator.TimedOut || out.Kind == emulator.InitTimedOut:
		return "outcome: timed out"
	case len(out.Body) == 0 && (out.Kind == emulator.RuntimeExited || out.Kind == emulator.InitFailed):
		return "outcome: " + "Runtime.ExitError"
	}
	return "outcome: " + kindOf(out.Body)
}

func onTheirs(t *testing.T, s scenario) string {
	t.Helper()
	transcript := filepath.Join(t.TempDir(), "theirs")
	url, stop := startRIE(t, s, transcript)
	var outcomes []string
	for range s.events {
		outcomes = append(outcomes, invoke(t, url))
	}
	stop()
	return finished(t, transcript, outcomes)
}

// startRIE runs AWS's emulator in a process group of its own.
func startRIE(t *testing.T, s scenario, transcript string) (url string, stop func()) {
	t.Helper()
	api, front := freeAddress(t), freeAddress(t)
	cmd := exec.Command(rie, "--runtime-api-address", api, "--runtime-interface-emulator-address", front, "--log-level", "fatal", os.Args[0])
	cmd.Env = append(os.Environ(), scenarioVariable+"="+s.name, transcriptVariable+"="+transcript, "AWS_LAMBDA_FUNCTION_TIMEOUT="+s.limit)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be gone
		_ = cmd.Wait()                                      // killed
		emulator.Sweep(transcriptVariable + "=" + transcript)
	})
	t.Cleanup(stop) // also where the test fails
	for {
		conn, err := net.Dial("tcp", front)
		if err == nil {
			conn.Close()
			return "http://" + front + "/2015-03-31/functions/function/invocations", stop
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// patience bounds an event on AWS's emulator, which never answers some events.
const patience = 40 * time.Second

func invoke(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: patience}
	resp, err := client.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil {
		return "outcome: no answer"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "outcome: a broken answer"
	}
	if bytes.HasPrefix(body, []byte("Task timed out")) {
		return "outcome: timed out"
	}
	return "outcome: " + kindOf(body)
}
