package emulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/internal/transcript"
)

// A scenario says before which exchange of a golden transcript the event is
// sent, and which outcome it must have.
type scenario struct {
	at    int // -1: none is sent
	event Event
	idle  time.Duration
	want  Outcome // except its times
}

// The golden transcripts hold the emulator to the vendors' documents: it must
// answer their requests as documented.
var scenarios = map[string]scenario{
	"scf: a result": {
		at:    1,
		event: Event{ID: "5a0bd2a7-ab8c-4d2f-b2bd-2b0d3d9d1f11", Body: []byte(`{"key1":"value1","key2":"value2"}`)},
		want:  Outcome{Kind: Result, Body: []byte(`Echoing request: '{"key1":"value1","key2":"value2"}'`)},
	},
	"scf: an error": {
		at:    0,
		event: Event{ID: "0c1d0b4e-5a3c-4f0e-9d3f-6f3d8a1b2c3d", Body: []byte(`{}`)},
		want:  Outcome{Kind: Failure, Body: []byte(`parse event error`)},
	},
	"scf: the same event again, and the first answer counts": {
		at:    1,
		event: Event{ID: "7e9f5c1a-1111-4222-8333-944445555666", Body: []byte(`"again"`)},
		want:  Outcome{Kind: Result, Body: []byte(`first`)},
	},
	"scf: a result that is too large": {
		at:    1,
		event: Event{ID: "2f6f1f0e-0000-4000-8000-00000000413a", Body: []byte(`{}`)},
		want:  Outcome{Kind: Failure, Body: []byte(`too large`)},
	},

	"functiongraph: a result": {
		event: Event{ID: "9d4b0f6e-3d5c-4f39-8a55-0d7e1c9a1b42", Body: []byte(`{"key": "value1"}`)},
		want:  Outcome{Kind: Result, Body: []byte(`{"result": "succeeded"}`)},
	},
	"functiongraph: an error": {
		event: Event{ID: "41a0f6f5-54f6-4c0b-9c1a-8e1f6d7a2b33", Body: []byte(`{}`)},
		want: Outcome{Kind: Failure, ErrorType: "Function.ExitError",
			Body: []byte(`{"errorType": "Function.ExitError", "errorMessage": "exit status 3", "stackTrace": ["a line"]}`)},
	},
	"functiongraph: no event yet": {
		at:    1,
		event: Event{ID: "6c2d7f10-9b8a-4c7d-8e6f-5a4b3c2d1e0f", Body: []byte(`event`)},
		idle:  time.Millisecond,
		want:  Outcome{Kind: Result, Body: []byte(`result`)},
	},
	"functiongraph: a result that is too large": {
		event: Event{ID: "2f6f1f0e-0000-4000-8000-00000000413b", Body: []byte(`{}`)},
		want:  Outcome{Kind: Failure, Body: []byte(`too large`)},
	},

	"lambda: a result": {
		event: Event{ID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", Body: []byte(`{"name":"test"}`)},
		want:  Outcome{Kind: Result, Body: []byte(`SUCCESS`)},
	},
	"lambda: an error": {
		event: Event{ID: "156cb537-e2d4-11e8-9b34-d36013741fb9", Body: []byte(`{"name":"test"}`)},
		want: Outcome{Kind: Failure, ErrorType: "Runtime.UnknownReason",
			Body: []byte(`{"errorMessage" : "Error parsing event data.", "errorType" : "Runtime.UnknownReason", "stackTrace": [ ] }`)},
	},
	"lambda: an error of the initialisation": {
		event: Event{ID: "156cb537-e2d4-11e8-9b34-d36013741fb9", Body: []byte(`{}`)},
		want: Outcome{Kind: InitFailed, ErrorType: "Runtime.NoSuchHandler",
			Body: []byte(`{"errorMessage" : "Failed to load function.", "errorType" : "Runtime.NoSuchHandler", "stackTrace": []}`)},
	},
	"lambda: a second answer": {
		event: Event{ID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", Body: []byte(`{}`)},
		want:  Outcome{Kind: Result, Body: []byte(`first`)},
	},
	"lambda: a wrong id": {
		event: Event{ID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", Body: []byte(`{}`)},
		want:  Outcome{Kind: Result, Body: []byte(`right`)},
	},
	"lambda: a result that is too large": {
		event: Event{ID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", Body: []byte(`{}`)},
		want: Outcome{Kind: Failure, ErrorType: "Function.ResponseSizeTooLarge", Reason: "the result was larger than 6291556 bytes",
			Body: []byte(`{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"the result was larger than 6291556 bytes","stackTrace":[]}`)},
	},
	"lambda: an extension, which the platform then does not know": {at: -1},
}

func TestTranscripts(t *testing.T) {
	played := 0
	for _, p := range protocol.Platforms {
		all, err := transcript.Read("../testdata/" + p.Name + ".http")
		if err != nil {
			t.Fatal(err)
		}
		for _, script := range all {
			name := p.Name + ": " + script.Name
			t.Run(name, func(t *testing.T) { replay(t, p, script, scenarios[name]) })
			played++
		}
	}
	if played != len(scenarios) {
		t.Errorf("got %d scenarios in the files, %d here", played, len(scenarios))
	}
}

// replay sends the requests of a transcript, and the event at its time.
func replay(t *testing.T, p *protocol.Platform, script transcript.Scenario, scene scenario) {
	f := newFixture(t, p, Function{Idle: scene.idle})
	f.s.Start()
	var inv *invocation
	for i, x := range script.Exchanges {
		if i == scene.at {
			inv = f.submit(scene.event)
		}
		if err := exchange(f, x); err != nil {
			t.Errorf("exchange %d: %v", i+1, err)
		}
	}
	if inv != nil {
		if p.AwaitsPoll {
			f.on()
		}
		scene.want.ID = scene.event.ID
		f.check(inv, scene.want)
	}
}

func exchange(f *fixture, x transcript.Exchange) error {
	start := strings.Fields(x.Request.Start)
	req, err := http.NewRequest(start[0], f.url(start[1]), strings.NewReader(x.Request.Body.Text))
	if err != nil {
		return err
	}
	for _, h := range x.Request.Header {
		req.Header.Set(h.Name, h.Value.Text)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := io.Copy(&body, resp.Body); err != nil {
		return err
	}
	if got := fmt.Sprintf("%s %s", resp.Proto, resp.Status); got != x.Response.Start {
		return fmt.Errorf("got %q, want %q: %s", got, x.Response.Start, body.Bytes())
	}
	return x.Response.Check(resp.Header.Get, body.Bytes())
}
