package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// This program is also the one that runs contenders without adoption.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == orphanMode {
		main()
	}
	os.Exit(m.Run())
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []time.Duration
		want   time.Duration
	}{
		{[]time.Duration{7}, 7},
		{[]time.Duration{9, 1, 5}, 5},
		{[]time.Duration{4, 3, 2, 1}, 3},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v): got %v, want %v", test.values, got, test.want)
		}
	}
}

// The ratio is the median of the ratios of rounds, not the ratio of medians.
func TestMiddle(t *testing.T) {
	c := comparison{mine: []time.Duration{10, 400, 30}, other: []time.Duration{10, 200, 10}}
	if ratio, mine, other := c.middle(); ratio != 2 || mine != 400 || other != 200 {
		t.Errorf("got %v, %v to %v, want the second round", ratio, mine, other)
	}
}

func TestEvent(t *testing.T) {
	for _, size := range []int{small, medium, large} {
		ev := newEvent(size)
		if len(ev.body) != size || !json.Valid(ev.body) {
			t.Errorf("got %d bytes, want %d, and valid JSON: %s", len(ev.body), size, short(ev.body))
		}
	}
	ev := newEvent(small)
	for range 10 {
		ev.renew()
	}
	if got, want := string(ev.id), "000000000010"; got != want {
		t.Errorf("got id …%s, want …%s", got, want)
	}
	if spaced := strings.ReplaceAll(string(ev.body), ":", ": "); !ev.echoed([]byte(spaced)) || ev.echoed([]byte("{}")) {
		t.Error("only spaces may differ in an echo")
	}
}

// A client may use one connection for all calls or one for each, and may wait
// for 100 Continue before it sends a body.
func TestPlatform(t *testing.T) {
	p, err := newPlatform()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.alive = func() bool { return true }
	ev := newEvent(medium)
	done := make(chan error, 1)
	go func() { done <- client(p.port, string(ev.body)) }() // ends with the test
	i := &instance{platform: p, on: scf}
	for _, err := range []error{
		i.expect("/runtime/init/ready"), p.acknowledge(), i.expect("/runtime/invocation/next"),
		second(i.invoke(ev, echo)), second(i.invoke(ev, echo)), p.acknowledge(), <-done,
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func second(_ time.Duration, err error) error { return err }

// client answers two events as a runtime does, on two connections.
func client(port int, body string) error {
	const next = "GET /runtime/invocation/next HTTP/1.1\r\n\r\n"
	post := fmt.Sprintf("POST /runtime/invocation/response HTTP/1.1\r\ncontent-length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	for _, calls := range [][]string{
		{"POST /runtime/init/ready HTTP/1.1\r\nContent-Length: 1\r\n\r\n ", next, post + body, next},
		{post + body, next},
	} {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		r := bufio.NewReader(conn)
		for _, call := range calls {
			if err := exchange(conn, r, call); err != nil {
				return fmt.Errorf("%.40s: %w", call, err)
			}
		}
		conn.Close()
	}
	return nil
}

func exchange(conn net.Conn, r *bufio.Reader, call string) error {
	if _, err := conn.Write([]byte(call)); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r, nil)
	if err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// A program that does not become ready says why, and is not waited for.
func TestFailure(t *testing.T) {
	_, err := start(contender{command: []string{"/bin/sh", "-c", "echo no such thing; exit 1"}, code: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "it exited; log: no such thing") {
		t.Errorf("got %v, want the log", err)
	}
}

// The floor programs answer events of all sizes with the event, and leave
// nothing behind.
func TestFloor(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	t.Chdir("../..")
	self, err := os.Executable() // in the place of bootstrap, which is not run
	if err != nil {
		t.Fatal(err)
	}
	tools, err := prepare(programs{self, self}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []contender{
		tools.inC("no child", "ready"), tools.inC("stdin", "stdin", tools.child),
		tools.inC("cat", "stdin", tools.cat), tools.inC("worker", "worker", tools.worker),
	} {
		for _, size := range []int{small, medium, large} {
			if _, err := latencies(c, newEvent(size), 0, 3); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
	}
	if _, err := latencies(tools.inC("argv", "argv", tools.printf, "%s"), newEvent(medium), 0, 3); err != nil {
		t.Error(err)
	}
	if left := children(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A token is new with each event, or always the same, and the rest of the event
// is unchanged.
func TestTokenEvent(t *testing.T) {
	for _, isNew := range []bool{true, false} {
		ev := newTokenEvent(isNew)
		header := func() http.Header {
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(ev.message))), nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || !ev.echoed(body) {
				t.Errorf("got the body %q, %v", body, err)
			}
			return resp.Header
		}
		first := header()
		ev.renew()
		second := header()
		if token := first.Get("X-Cff-Security-Token"); len(token) != 1024 || (token != second.Get("X-Cff-Security-Token")) != isNew {
			t.Errorf("got a token of %d bytes, want 1024, and another in the next event: %v", len(token), isNew)
		}
		if first.Get("X-Cff-Request-Id") == second.Get("X-Cff-Request-Id") {
			t.Error("got the same id twice")
		}
	}
}

// The runtime's own processor time is measured on FunctionGraph, too.
func TestCost(t *testing.T) {
	if processorTime(os.Getpid()) < 0 || processorTime(-1) != 0 {
		t.Error("got an odd processor time")
	}
}
