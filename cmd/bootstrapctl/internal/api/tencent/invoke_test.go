package tencent

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// A result is the answer of the function, with the types that the SDK for Go
// requires.
func TestResult(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	content := a.serve(post("Invoke", object{"FunctionName": "hello", "ClientContext": `{"a":1}`}))
	var answer struct {
		RequestId string
		Result    struct {
			Log, RetMsg, ErrMsg, FunctionRequestId string
			MemUsage, BillDuration, InvokeResult   int64
			Duration                               float64
		}
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		t.Fatalf("%v in %s", err, content)
	}
	r := answer.Result
	if r.RetMsg != `{"a":1}` || r.ErrMsg != "" || r.InvokeResult != 0 || r.Log != "" {
		t.Errorf("got %+v: expected the event as the result, and no log", r)
	}
	if r.FunctionRequestId != answer.RequestId || r.MemUsage <= 0 || r.Duration <= 0 || float64(r.BillDuration) < r.Duration {
		t.Errorf("got %+v for the request %s", r, answer.RequestId)
	}
	a.call("InvokeFunction", object{"FunctionName": "hello", "Event": `{"b":2}`, "Qualifier": "$DEFAULT"}, &answer)
	if got := answer.Result.RetMsg; got != `{"b":2}` {
		t.Errorf("InvokeFunction: got %s", got)
	}
	if got := a.invoke("").RetMsg; got != "{}" {
		t.Errorf("without an event the function got %q, expected {}", got)
	}
}

// A failure is in RetMsg and in ErrMsg. The call itself succeeds.
func TestFailures(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	for _, test := range []struct {
		event   string
		seconds int // the function's limit
		code    int
		status  int
		text    string
	}{
		{`{"fail":"no such city"}`, 60, 1, 430, "no such city"},
		{`{"exit":3}`, 60, -1, 439, "User process exit when running"},
		{`{"size":7000000}`, 60, -1, 407, "ResponseTooLarge"},
		{`{"forever":true}`, 1, -1, 433, "Invoking task timed out after 1 seconds"},
	} {
		a.call("UpdateFunctionConfiguration", object{"FunctionName": "hello", "Timeout": test.seconds}, nil)
		r := a.invoke(test.event)
		var failure struct {
			ErrorCode, StatusCode   int
			ErrorMessage, RequestId string
		}
		if err := json.Unmarshal([]byte(r.RetMsg), &failure); err != nil {
			t.Fatalf("%s: %v in %q", test.event, err, r.RetMsg)
		}
		if r.InvokeResult != test.code || failure.ErrorCode != test.code || failure.StatusCode != test.status || failure.ErrorMessage != test.text || failure.RequestId != r.FunctionRequestId {
			t.Errorf("%s: got %d %+v", test.event, r.InvokeResult, failure)
		}
		if r.ErrMsg != r.RetMsg || !strings.Contains(r.Log, "ERROR RequestId: "+r.FunctionRequestId+" Result:"+r.RetMsg+"\n") {
			t.Errorf("%s: got %+v", test.event, r)
		}
	}
}

// A package that the platform cannot start is accepted, and each event fails.
func TestBrokenPackage(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(object{"Code": object{"ZipFile": zipOf(t, "bootstrap", "#!/bin/sh\n", 0o644)}})
	r := a.invoke("{}")
	if r.InvokeResult != -1 || !strings.Contains(r.RetMsg, `ReloadFail: Bootstrap not executable\n`) || r.Duration != 0 || r.MemUsage != 0 {
		t.Errorf("got %+v", r)
	}
}

// The log has SCF's lines around the function's own, and at most 4 KB.
func TestTailLog(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	r := a.invoke(`{"log":"hello"}`)
	lines := strings.Split(r.Log, "\n")
	if len(lines) != 6 {
		t.Fatalf("got %d lines:\n%s", len(lines), r.Log)
	}
	id := " RequestId: " + r.FunctionRequestId
	for i, want := range []string{"START" + id, "Event" + id, "Init Report" + id + " Coldstart: ", "hello", "END" + id, "Report" + id + " Duration:"} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d: got %q, expected %q", i, lines[i], want)
		}
	}
	if !strings.Contains(lines[5], "ms Memory:128MB MemUsage:") {
		t.Errorf("got %q", lines[5])
	}
	r = a.invoke(`{"log":"` + strings.Repeat("城", 3000) + `"}`)
	if n := len(r.Log); n > 4096 || n < 4090 || !strings.HasPrefix(r.Log, "城") || !utf8.ValidString(r.Log) {
		t.Errorf("got %d bytes: %.20q", n, r.Log)
	}
	if !strings.Contains(r.Log, "END"+" RequestId: "+r.FunctionRequestId) || strings.Contains(r.Log, "Init Report") {
		t.Errorf("got the end %q", r.Log[len(r.Log)-200:])
	}
}

// Events that no function gets are errors of the API.
func TestRefusedEvents(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	large := `"` + strings.Repeat("a", 128<<10) + `"`
	for _, test := range []struct {
		others     object
		code, part string
	}{
		{object{"FunctionName": "other"}, "ResourceNotFound.Function", "[other]"},
		{object{"FunctionName": ""}, "MissingParameter", "FunctionName"},
		{object{"Namespace": "test"}, "ResourceNotFound.Namespace", "test"},
		{object{"Qualifier": "1"}, "ResourceNotFound.Qualifier", "$LATEST"},
		{object{"ClientContext": "hello"}, "InvalidParameterValue.Param", "not JSON"},
		{object{"ClientContext": large, "InvocationType": "Event"}, "InvalidParameter.RequestTooLarge", "131072"},
		{object{"ClientContext": object{}}, "InvalidParameter", "ClientContext"},
		{object{"InvocationType": "DryRun"}, "InvalidParameterValue.InvokeType", "DryRun"},
		{object{"LogType": "All"}, "InvalidParameterValue.Param", "LogType"},
	} {
		params := object{"FunctionName": "hello"}
		for name, value := range test.others {
			params[name] = value
		}
		a.refuses("Invoke", params, test.code, test.part)
	}
	if n := len(a.cloud.Functions(nil)[0].Invocations()); n != 0 {
		t.Errorf("the function has %d invocations", n)
	}
}

// An event may have 6 MB.
func TestLargeEvent(t *testing.T) {
	limit := local.LimitsOf(protocol.SCF).Event
	for size, want := range map[int]string{limit: "", limit + 1: "InvalidParameter.RequestTooLarge"} {
		_, err := eventOf("Event", strings.Repeat("1", size), limit)
		if err == nil && want != "" || err != nil && asAPI(err).Code != want {
			t.Errorf("%d bytes: got %v, expected %q", size, err, want)
		}
	}
}

// An event for which there is no instance fails with the platform's error.
func TestThrottled(t *testing.T) {
	a := newAPI(t, local.Options{Instances: 1, Queue: 1})
	a.create(nil)
	gate := filepath.Join(t.TempDir(), "gate")
	waiting, _ := json.Marshal(object{"wait": gate})
	var all sync.WaitGroup
	for range 2 { // one runs, and one is in the queue
		all.Go(func() {
			a.handler.ServeHTTP(httptest.NewRecorder(), post("Invoke", object{"FunctionName": "hello", "ClientContext": string(waiting)}))
		})
	}
	f := a.cloud.Functions(nil)[0]
	for d := f.Describe(); d.Busy < 1 || d.Waiting < 1; d = f.Describe() {
		time.Sleep(time.Millisecond)
	}
	r := a.invoke("{}")
	if r.InvokeResult != -1 || !strings.Contains(r.RetMsg, `"statusCode":432`) || r.ErrMsg != r.RetMsg {
		t.Errorf("got %+v", r)
	}
	open(t, gate)
	all.Wait()
}

func open(t *testing.T, gate string) {
	t.Helper()
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// An asynchronous event is accepted, sent again after a failure, and asked about.
func TestAsynchronous(t *testing.T) {
	over := make(chan *local.Invocation, 10)
	a := newAPI(t, local.Options{Retries: []time.Duration{time.Millisecond}, Done: func(_ *local.Function, inv *local.Invocation) { over <- inv }})
	a.create(nil)
	gate := filepath.Join(t.TempDir(), "gate")
	event, _ := json.Marshal(object{"wait": gate, "fail": "again"})
	var answer invoked
	a.call("Invoke", object{"FunctionName": "hello", "ClientContext": string(event), "InvocationType": "Event"}, &answer)
	id := answer.Result.FunctionRequestId
	if want := (result{FunctionRequestId: id}); len(id) != 36 || !reflect.DeepEqual(answer.Result, want) {
		t.Errorf("got %+v: expected an id and nothing else", answer.Result)
	}
	if status := a.status(id); status.RetCode != 1 || status.RequestId != id || status.FunctionName != "hello" {
		t.Errorf("got %+v: expected that it runs", status)
	}
	open(t, gate)
	<-over
	<-over
	if status := a.status(id); status.RetCode != -1 || status.RetryNum != 1 || !strings.Contains(status.RetMsg, "again") || status.MemUsage <= 0 || status.Duration <= 0 {
		t.Errorf("got %+v: expected the second failure", status)
	}
	if status := a.status(a.invoke(`{"a":1}`).FunctionRequestId); status.RetCode != 0 || status.RetMsg != `{"a":1}` {
		t.Errorf("got %+v: expected a result", status)
	}
	var none struct {
		TotalCount int
		Data       []requestStatus
	}
	a.call("GetRequestStatus", object{"FunctionName": "hello", "FunctionRequestId": "none"}, &none)
	if none.TotalCount != 0 || none.Data == nil || len(none.Data) != 0 {
		t.Errorf("got %+v: expected an empty list", none)
	}
	a.refuses("GetRequestStatus", object{"FunctionName": "hello"}, "MissingParameter", "FunctionRequestId")
}

// status returns the state of an invocation.
func (a *api) status(id string) requestStatus {
	a.Helper()
	var answer struct {
		TotalCount int
		Data       []requestStatus
	}
	a.call("GetRequestStatus", object{"FunctionName": "hello", "FunctionRequestId": id}, &answer)
	if answer.TotalCount != 1 || len(answer.Data) != 1 {
		a.Fatalf("got %+v: expected one", answer)
	}
	return answer.Data[0]
}

// Callers get their own answers.
func TestConcurrent(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			event := strings.Repeat("1", n+1)
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, post("Invoke", object{"FunctionName": "hello", "ClientContext": event}))
			if !strings.Contains(w.Body.String(), `"RetMsg":"`+event+`"`) {
				t.Errorf("%s: got %s", event, w.Body)
			}
		})
	}
	all.Wait()
}
