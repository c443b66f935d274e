package rie

import (
	"os"
	"strings"
	"time"
)

const tooMuch = 6<<20 + 101 // bytes

// A scenario is the behaviour of a runtime, and the number of events that it
// gets, one after the other.
type scenario struct {
	name   string
	events int
	limit  string // of an event, in seconds
	play   func(p *probe)
}

var scenarios = []scenario{
	{"result", 2, "5", func(p *probe) {
		p.next()
		p.respond("ok")
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"error", 3, "5", func(p *probe) {
		p.next()
		p.fail(`{"errorMessage":"no","errorType":"Mine"}`)
		p.next()
		p.fail("not JSON", "Lambda-Runtime-Function-Error-Type", "Function.Mine")
		p.next()
		p.fail("", "Lambda-Runtime-Function-Error-Type", "mine")
		p.last()
	}},
	{"second poll", 1, "5", func(p *probe) {
		p.next()
		p.next()
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"second answer", 2, "5", func(p *probe) {
		p.next()
		p.respond("ok")
		p.respond("again")
		p.fail("again")
		p.next()
		p.fail("no")
		p.respond("again")
		p.fail("again")
		p.last()
	}},
	{"other id", 2, "5", func(p *probe) {
		p.next()
		first := p.id
		p.id = "00000000-0000-0000-0000-000000000000"
		p.respond("of another event")
		p.fail("of another event")
		p.id = first
		p.respond("ok")
		p.next()
		second := p.id
		p.id = first
		p.respond("too late")
		p.id = second
		p.respond("ok")
		p.last()
	}},
	{"before an event", 1, "5", func(p *probe) {
		p.id = "00000000-0000-0000-0000-000000000000"
		p.respond("early")
		p.fail("early")
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"too large", 2, "5", func(p *probe) {
		p.next()
		p.respond(strings.Repeat("x", tooMuch))
		p.fail(`{"errorType":"Mine"}`)
		p.respond("ok")
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"largest", 1, "5", func(p *probe) {
		p.next()
		p.respond(strings.Repeat("x", tooMuch-1))
		p.last()
	}},
	{"large error", 2, "5", func(p *probe) {
		p.next()
		p.fail(strings.Repeat("x", tooMuch))
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"truncated", 2, "5", func(p *probe) {
		p.next()
		p.truncate()
		p.respond("ok")
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"response mode", 2, "5", func(p *probe) {
		p.next()
		p.respond("ok", "Lambda-Runtime-Function-Response-Mode", "odd")
		p.respond("ok")
		p.next()
		p.respond("ok", "Lambda-Runtime-Function-Response-Mode", "streaming")
		p.last()
	}},
	{"start fails", 1, "5", func(p *probe) {
		p.call("init error", "POST", initError, `{"errorType":"Mine"}`, "Lambda-Runtime-Function-Error-Type", "Runtime.Mine")
		p.call("init error", "POST", initError, `{"errorType":"Mine"}`)
		os.Exit(1)
	}},
	{"start error too late", 1, "5", func(p *probe) {
		p.next()
		p.call("init error", "POST", initError, `{"errorType":"Mine"}`)
		p.respond("ok")
		p.last()
	}},
	{"start exits", 1, "5", func(p *probe) { os.Exit(3) }},
	{"exits with an event", 2, "5", func(p *probe) {
		p.next()
		os.Exit(3)
	}},
	{"late", 2, "1", func(p *probe) {
		p.next()
		hang()
	}},
	{"answers and hangs", 2, "1", func(p *probe) {
		p.next()
		p.respond("ok")
		hang()
	}},
	{"answers and exits", 2, "5", func(p *probe) {
		p.next()
		p.respond("ok")
		os.Exit(0)
	}},
	{"slow start", 1, "20", func(p *probe) {
		if _, err := os.Stat(os.Getenv(transcriptVariable) + ".started"); err != nil {
			_ = os.WriteFile(os.Getenv(transcriptVariable)+".started", nil, 0o644)
			p.note("started")
			hang()
		}
		p.note("started again")
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"start of 12 s", 1, "20", func(p *probe) {
		p.note("started")
		time.Sleep(12 * time.Second)
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"slower start", 1, "2", func(p *probe) {
		p.note("started")
		hang()
	}},
	{"ping", 1, "5", func(p *probe) {
		p.call("ping", "GET", api+"/ping", "")
		p.call("unknown path", "GET", api+"/nothing", "")
		p.call("unknown version", "GET", "/2017-01-01/runtime/invocation/next", "")
		p.call("other method", "PUT", next, "")
		p.call("restore", "GET", api+"/runtime/restore/next", "")
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"logs", 1, "5", func(p *probe) {
		id := p.register("a", `[]`)
		for _, api := range []string{"/2022-07-01/telemetry", "/2020-08-15/logs"} {
			p.call(api, "PUT", api, `{}`, "Lambda-Extension-Identifier", id)
			p.call(api+" without an id", "PUT", api, `{}`)
		}
		go ask("GET", extension+"/event/next", "", "Lambda-Extension-Identifier", id)
		time.Sleep(100 * time.Millisecond)
		p.next()
		p.respond("ok")
		p.last()
	}},
	{"extensions", 1, "5", func(p *probe) {
		p.call("no name", "POST", extension+"/register", `{"events":[]}`)
		p.call("no JSON", "POST", extension+"/register", `{`, "Lambda-Extension-Name", "x")
		p.call("no body", "POST", extension+"/register", ``, "Lambda-Extension-Name", "x")
		p.register("odd", `["ODD"]`)
		p.register("shutdown", `["SHUTDOWN"]`)
		id := p.register("a", `[]`)
		p.register("a", `[]`)
		p.call("no id", "GET", extension+"/event/next", "")
		p.call("odd id", "GET", extension+"/event/next", "", "Lambda-Extension-Identifier", "odd")
		p.call("unknown id", "GET", extension+"/event/next", "", "Lambda-Extension-Identifier", "00000000-0000-0000-0000-000000000000")
		for _, path := range []string{"/init/error", "/exit/error"} {
			p.call(path+" without an id", "POST", extension+path, "")
			p.call(path+" with an unknown id", "POST", extension+path, "", "Lambda-Extension-Identifier", "00000000-0000-0000-0000-000000000000", "Lambda-Extension-Function-Error-Type", "Extension.Mine")
			p.call(path+" without a type", "POST", extension+path, "", "Lambda-Extension-Identifier", id)
		}
		go ask("GET", extension+"/event/next", "", "Lambda-Extension-Identifier", id)
		time.Sleep(100 * time.Millisecond)
		p.next()
		p.register("late", `[]`)
		p.respond("ok")
		p.last()
	}},
	{"extension for INVOKE", 2, "5", func(p *probe) {
		events := event(p.register("a", `["INVOKE"]`))
		for range 2 {
			p.next()
			p.note("the extension's event: %s", <-events)
			p.respond("ok")
		}
		p.last()
	}},
	{"extension that does not come back", 1, "1", func(p *probe) {
		id := p.register("a", `["INVOKE"]`)
		got := make(chan string)
		go func() { // ends when there is an event
			answer, _ := ask("GET", extension+"/event/next", "", "Lambda-Extension-Identifier", id)
			got <- answer
		}()
		p.next()
		p.note("the extension's event: %s", <-got)
		p.respond("ok")
		p.last()
	}},
	{"extension whose start fails", 1, "5", func(p *probe) {
		id := p.register("a", `[]`)
		p.call("init error", "POST", extension+"/init/error", "", "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.Mine")
		p.call("init error", "POST", extension+"/init/error", "", "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.Mine")
		p.call("wait", "GET", extension+"/event/next", "", "Lambda-Extension-Identifier", id)
		os.Exit(1)
	}},
	{"extension that exits", 1, "5", func(p *probe) {
		id := p.register("a", `[]`)
		go ask("GET", extension+"/event/next", "", "Lambda-Extension-Identifier", id)
		time.Sleep(100 * time.Millisecond)
		p.next()
		p.call("exit error", "POST", extension+"/exit/error", "", "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.Mine")
		p.respond("ok")
		os.Exit(1)
	}},
}
