package emulator

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

func TestIdleAnswer(t *testing.T) {
	f := start(t, protocol.FunctionGraph, Function{Idle: time.Millisecond})
	for range 3 {
		got := f.next()
		if got.id != "" || got.body != "" || len(got.header["X-Cff-Request-Id"]) > 0 {
			t.Errorf("got %+v, want no event", got)
		}
	}
	f.count("idle", func(s Stats) int { return s.Idle }, 3)
	inv := f.submit(Event{ID: "1"})
	if got := f.next(); got.id != "1" {
		t.Errorf("got %+v, want the event", got)
	}
	f.respond(200, "1", "")
	f.check(inv, Outcome{Kind: Result, ID: "1"})
}

// An event is not lost if it arrives while a poll is answered without one.
func TestIdleOrEvent(t *testing.T) {
	f := start(t, lambda, Function{Idle: time.Millisecond})
	for range 50 {
		invoked := make(chan *invocation)
		go func() { invoked <- f.submit(Event{ID: "1"}) }()
		for f.next().id == "" {
		}
		f.respond(202, "1", "")
		f.check(<-invoked, Outcome{Kind: Result, ID: "1"})
	}
}

func TestHeldPoll(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		got := make(chan httpAnswer)
		for range 5 {
			go func() { got <- f.call("GET", p.Next, "") }()
			inv := f.submit(Event{ID: "1", Body: []byte("event")})
			if a := <-got; a.id != "1" || a.body != "event" {
				t.Errorf("got %+v", a)
			}
			f.respond(p.Accepted, "1", "")
			f.check(inv, Outcome{Kind: Result, ID: "1"})
		}
		f.count("connections", func(s Stats) int { return s.Connections }, 1)
	})
}

// A poll that the runtime gives up does not take an event.
func TestPollGivenUp(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url(""), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", p.Next, conn.RemoteAddr())
		conn.Close()
		for f.s.Stats().Idle == 0 {
			f.call("GET", "/", "")
		}
		inv := f.submit(Event{ID: "1"})
		f.next()
		f.respond(p.Accepted, "1", "")
		f.check(inv, Outcome{Kind: Result, ID: "1"})
		f.count("redeliveries", func(s Stats) int { return s.Redeliveries }, 0)
	})
}
