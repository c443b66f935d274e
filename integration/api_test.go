package integration

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// script injects its faults one by one into the first polls, and none after
// that. It records when each poll came.
type script struct {
	mu     sync.Mutex
	faults []fault
	times  []time.Time
}

func (s *script) choose(call string) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if call != "next" || len(s.faults) == 0 {
		return pass
	}
	s.times = append(s.times, time.Now())
	next := s.faults[0]
	s.faults = s.faults[1:]
	return next
}

// After each of ten different polls in a row that bring no event (A04),
// bootstrap pauses and runs no code (A02, A03). Then the event is served.
func TestA01BadPolls(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	var running sync.WaitGroup
	for i, row := range []struct{ name, answer string }{
		{"500 with an event", "HTTP/1.1 500 Oops\r\nID: bad\r\nContent-Length: 2\r\n\r\n{}"},
		{"no id", head + "\r\n{}"},
		{"an empty id", head + "ID:\r\n\r\n{}"},
		{"two ids", head + "ID: a\r\nID: b\r\n\r\n{}"},
		{"204", "HTTP/1.1 204 No Content\r\nID: bad\r\n\r\n"},
		{"HTML", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"},
		{"nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"reset", ""},
		{"502", status(502)}, // 500 is final on Lambda
	} {
		p := protocol.Platforms[i%len(protocol.Platforms)]
		bad := says(strings.ReplaceAll(row.answer, "ID:", p.RequestID+":"))
		if row.answer == "" {
			bad = before(0, reset)
		}
		s := &script{faults: slices.Repeat([]fault{bad}, 10)}
		fn := recorder(t)
		server, runner, _ := startBehind(t, p, fn, nil, s.choose)
		running.Go(func() {
			c := &tally{server: server, runner: runner, dir: fn.Dir}
			c.invoke(t, "good", false)
			c.check(t)
			if took := s.times[9].Sub(s.times[0]); took < 3*time.Second { // 20 in 6 s
				t.Errorf("%s: got 10 polls in %v", row.name, took)
			}
		})
	}
	running.Wait()
}

// Results are tested around the platform's limit.
func TestA08ResultSizes(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		for _, w := range []way{named("stdin"), named("function"), named("worker")} {
			_, runner := start(t, p, w.function(t, "head -c $(cat) /dev/zero"), nil)
			for _, more := range []int{-1, 0} {
				if got := succeeds(t, runner, fmt.Sprint(p.MaxResult+more)); len(got) != p.MaxResult+more {
					t.Errorf("got %d bytes, want %d", len(got), p.MaxResult+more)
				}
			}
			fails(t, runner, fmt.Sprint(p.MaxResult+1), "Function.ResponseSizeTooLarge")
		}
	})
}

// Many events use one connection, and no other resource grows (A10).
func TestA09ThousandEvents(t *testing.T) {
	fn := emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, "echo $1"), Timeout: time.Minute}
	server, runner := start(t, protocol.Lambda, fn, nil)
	succeeds(t, runner, "first")
	events := effort.Repeats(1000)
	for i := range events {
		out, err := server.Invoke(context.Background(), emulator.Event{Body: []byte(fmt.Sprint(i))})
		if err != nil || out.Kind != emulator.Result || string(out.Body) != fmt.Sprint(i) {
			t.Fatalf("got %v %s, %v, want %d", out.Kind, out.Body, err, i)
		}
	}
	unharmed(t, named("function"), protocol.Lambda, server, runner, 1+events)
}

// bootstrap passes on any event: its content is for the code to judge.
func TestA14OddEvents(t *testing.T) {
	events := []string{"", " ", "\n", "\r\n\r\n", "\xef\xbb\xbf{}", "\x00", "a\x00b", "\xff\xfe", "null", "{", "'", `"`, "$(exit 3)", "`exit 3`",
		"-n", "--", "\\", "%s", "@file", "*", "~", "HTTP/1.1 200 OK\r\n\r\n", "0\r\n\r\n", strings.Repeat("[", 100_000), strings.Repeat("世界", 50_000)}
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			_, runner := start(t, protocol.FunctionGraph, w.function(t, map[string]string{
				"argv": `printf %s "$1"`, "file": `cat "$1"`}[w.name]+map[bool]string{false: "cat"}[w.name == "argv" || w.name == "file"]), nil)
			for _, event := range events {
				want := []byte(event)
				if w.trims {
					want = bytes.TrimRight(want, "\n")
				}
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: w.event(event)})
				refused := w.name == "argv" && (strings.Contains(event, "\x00") || len(event) > 131_071)
				if err != nil || !refused && !bytes.Equal(out.Body, want) || (out.Kind == emulator.Failure) != refused {
					t.Errorf("%.20q: got %v %.200q, %v", event, out.Kind, out.Body, err)
				}
			}
		})
	}
}

// Proxy variables of the function do not apply to the runtime API.
func TestA15Proxies(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		fn := emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, "echo $http_proxy")}
		for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
			fn.Env = append(fn.Env, name+"=http://127.0.0.1:1")
		}
		_, runner := start(t, p, fn, nil)
		if got := succeeds(t, runner, "{}"); got != "http://127.0.0.1:1" {
			t.Errorf("got %q, want the variable passed on", got)
		}
	})
}

// Without any one of the platform's variables bootstrap works, or names the
// missing variable.
func TestA16MissingVariables(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		dir := shellFunction(t, "echo ok")
		for _, pattern := range p.Environment {
			name, _, _ := strings.Cut(pattern, "=")
			var log bytes.Buffer
			_, runner := start(t, p, emulator.Function{Handler: "index.main_handler", Dir: dir}, &log, "env", "-u", name)
			out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte("{}")})
			runner.Stop()
			said := string(out.Body) + log.String()
			if err != nil || out.Kind != emulator.Result && !strings.Contains(said, name) && !strings.Contains(said, "handler") {
				t.Errorf("without %s: got %v, %v, and the log does not name it:\n%s", name, out.Kind, err, said)
			}
		}
	})
}
