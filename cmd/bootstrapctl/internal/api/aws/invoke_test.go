package aws

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
)

const invocations = functions + "/hello/invocations"

// An answer has the result, and the log of a cold or a warm start.
func TestInvoke(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	cold := f.expect(200, "", "POST", invocations, `{"log":"one\ntwo"}`, "X-Amz-Log-Type: Tail", "Content-Type: application/octet-stream")
	warm := f.expect(200, "", "POST", invocations, `{"log":"three\n"}`, "X-Amz-Log-Type: Tail", "X-Amz-Invocation-Type: RequestResponse")
	if cold.body != `{"log":"one\ntwo"}` || cold.header.Get("X-Amz-Executed-Version") != "$LATEST" || cold.header.Get("X-Amz-Function-Error") != "" ||
		cold.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(cold.header.Get("X-Amzn-Trace-Id"), "Root=1-") {
		t.Errorf("got %v %s", cold.header, cold.body)
	}
	report := `\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t`
	for _, test := range []struct {
		answer
		log, end string
	}{{cold, "one\ntwo\n", `Init Duration: \d+\.\d\d ms\t`}, {warm, "three\n", ""}} {
		id := test.header.Get("X-Amzn-Requestid")
		want := regexp.MustCompile("^START RequestId: " + id + ` Version: \$LATEST` + "\n" + test.log + "END RequestId: " + id + "\nREPORT RequestId: " + id + report + test.end + "\n$")
		if got := logOf(t, test.answer); !want.MatchString(got) {
			t.Errorf("got %q, want %s", got, want)
		}
	}
	if a := f.expect(200, "", "POST", invocations, "{}"); a.header.Get("X-Amz-Log-Result") != "" {
		t.Error("there is a log that nobody asked for")
	}
}

// The log in an answer has at most 4 KB.
func TestTailIsShort(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	a := f.expect(200, "", "POST", invocations, object{"log": strings.Repeat("0123456789\n", 1000)}, "X-Amz-Log-Type: Tail")
	if got := logOf(t, a); len(got) != 4096 || !strings.Contains(got, "REPORT") {
		t.Errorf("got %d bytes, %q", len(got), got[max(0, len(got)-200):])
	}
}

// A failure of the function is a result with a header.
func TestInvokeFails(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	f.create(local.Settings{Name: "brief", Timeout: time.Second})
	for _, test := range []struct{ function, event, body, log string }{
		{"hello", `{"fail":"no luck"}`, `^{"errorMessage":"no luck","errorType":"Test"}$`, `Version: \$LATEST\nEND`},
		{"hello", `{"exit":3}`, `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}$`,
			`RequestId: ID Error: Runtime exited with error: exit status 3\nRuntime.ExitError\nEND RequestId: ID\n.*\tStatus: error\tError Type: Runtime.ExitError\n$`},
		{"brief", `{"forever":true}`, `^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}$`,
			`\d\dZ ID Task timed out after 1.00 seconds\n\nEND RequestId: ID\nREPORT RequestId: ID\tDuration: 1\d\d\d\.\d\d ms\t.*\tStatus: timeout\n$`},
		{"hello", fmt.Sprintf(`{"size":%d}`, 7<<20), `^{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size \(6291556 bytes\)."}$`, ""},
	} {
		a := f.expect(200, "", "POST", functions+"/"+test.function+"/invocations", test.event, "X-Amz-Log-Type: Tail")
		id := a.header.Get("X-Amzn-Requestid")
		body, log := strings.ReplaceAll(a.body, id, "ID"), strings.ReplaceAll(logOf(t, a), id, "ID")
		if !regexp.MustCompile(test.body).MatchString(body) || a.header.Get("X-Amz-Function-Error") != "Unhandled" || !regexp.MustCompile(test.log).MatchString(log) {
			t.Errorf("%s: got %v %s, and the log %q", test.event, a.header, body, log)
		}
	}
}

// A package that Lambda accepts and cannot start fails in the same way as
// there.
func TestInvokeBroken(t *testing.T) {
	f := newFixture(t, local.Options{})
	zip := localtest.ZipOf(t, "bootstrap", "#!/bin/sh\n", 0o644)
	f.expect(201, "", "POST", functions, with(input(t, "hello"), "Code.ZipFile", zip))
	a := f.expect(200, "", "POST", invocations, "{}")
	if a.field("errorType") != "Runtime.InvalidEntrypoint" || a.header.Get("X-Amz-Function-Error") != "Unhandled" {
		t.Errorf("got %s", a.body)
	}
}

// The runtime gets the event's ids, trace, ARN and client context.
func TestInvokeHeaders(t *testing.T) {
	f := newFixture(t, local.Options{Runtime: mirrorRuntime})
	f.create(local.Settings{Name: "hello"})
	context := base64.StdEncoding.EncodeToString([]byte("{\n\"custom\": {\"a\": \"é\"}}"))
	a := f.expect(200, "", "POST", functions+"/hello:live/invocations", "{}", "X-Amz-Client-Context: "+context, "X-Amzn-Trace-Id: Root=1-2-3;Sampled=1")
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       a.header.Get("X-Amzn-Requestid"),
		"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:hello:live",
		"Lambda-Runtime-Trace-Id":             "Root=1-2-3;Sampled=1",
		"Lambda-Runtime-Client-Context":       `{"custom":{"a":"é"}}`,
	} {
		if got := fmt.Sprint(a.field(name)); got != "["+want+"]" {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	a = f.expect(200, "", "POST", invocations, "{}")
	if got := fmt.Sprint(a.field("Lambda-Runtime-Trace-Id")); got != "["+a.header.Get("X-Amzn-Trace-Id")+"]" || a.field("Lambda-Runtime-Client-Context") != nil {
		t.Errorf("got %s", a.body)
	}
}

// Requests that Lambda refuses are refused.
func TestInvokeRefused(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	long := base64.StdEncoding.EncodeToString([]byte(`"` + strings.Repeat("x", 2700) + `"`))
	for _, test := range []struct {
		body, header string
		status       int
		kind, text   string
	}{
		{"no JSON", "", 400, "InvalidRequestContentException", "Could not parse request body into json: "},
		{"no JSON", "X-Amz-Invocation-Type: Event", 400, "InvalidRequestContentException", "Could not parse request body into json: "},
		{"no JSON", "X-Amz-Invocation-Type: DryRun", 400, "InvalidRequestContentException", "Could not parse request body into json: "},
		{"{}", "X-Amz-Invocation-Type: Later", 400, "ValidationException", "invocationType"},
		{"{}", "X-Amz-Log-Type: Head", 400, "ValidationException", "logType"},
		{"{}", "X-Amz-Client-Context: {}", 400, "InvalidRequestContentException", "valid Base64-encoded JSON"},
		{"{}", "X-Amz-Client-Context: eA==", 400, "InvalidRequestContentException", "valid Base64-encoded JSON"},
		{"{}", "X-Amz-Client-Context: " + long, 400, "InvalidRequestContentException", "3583"},
		{"{}", "Content-Type: text/plain", 415, "UnsupportedMediaTypeException", "application/json"},
		{`"` + strings.Repeat("x", 6<<20) + `"`, "", 413, "RequestTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{`"` + strings.Repeat("x", 1<<20) + `"`, "X-Amz-Invocation-Type: Event", 413, "RequestTooLargeException", "Request must be smaller than 1048576 bytes"},
	} {
		a := f.expect(test.status, test.kind, "POST", invocations, test.body, test.header)
		if message, _ := a.field("message").(string); !strings.Contains(message, test.text) {
			t.Errorf("%s: got %s", test.header, a.body)
		}
	}
	for _, path := range []string{functions + "/other/invocations", "/2021-11-15/functions/other/response-streaming-invocations"} {
		f.expect(404, "ResourceNotFoundException", "POST", path, "{}")
	}
	f.expect(400, "InvalidParameterValueException", "POST", "/2021-11-15/functions/hello/response-streaming-invocations", "{}")
	f.expect(204, "", "POST", invocations, "", "X-Amz-Invocation-Type: DryRun")
}

// An event without a body is an empty object, and one from curl is an event.
func TestInvokeEmpty(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	if a := f.expect(200, "", "POST", invocations, ""); a.body != "{}" {
		t.Errorf("got %s", a.body)
	}
	if a := f.expect(200, "", "POST", invocations, `[1]`, "Content-Type: application/x-www-form-urlencoded"); a.body != "[1]" {
		t.Errorf("got %s", a.body)
	}
}

// The only function can be invoked by the name that AWS's emulator has.
func TestInvokeFunction(t *testing.T) {
	f := newFixture(t, local.Options{})
	path := functions + "/function/invocations"
	f.expect(404, "ResourceNotFoundException", "POST", path, "{}")
	f.create(local.Settings{Name: "hello"})
	f.expect(200, "", "POST", path, "{}")
	f.create(local.Settings{Name: "other"})
	f.expect(404, "ResourceNotFoundException", "POST", path, "{}")
}

// An asynchronous event is accepted at once, and sent again after a failure.
func TestInvokeLater(t *testing.T) {
	done := make(chan *local.Invocation, 10)
	f := newFixture(t, local.Options{Retries: []time.Duration{time.Millisecond, time.Millisecond},
		Done: func(_ *local.Function, inv *local.Invocation) { copied := *inv; done <- &copied }})
	f.create(local.Settings{Name: "hello"})
	a := f.expect(202, "", "POST", invocations, `{"fail":"x"}`, "X-Amz-Invocation-Type: Event", "X-Amz-Log-Type: Tail")
	if a.body != "" || a.header.Get("X-Amz-Log-Result") != "" {
		t.Errorf("got %v %s", a.header, a.body)
	}
	for attempt := range 3 {
		if inv := <-done; inv.ID != a.header.Get("X-Amzn-Requestid") || inv.Attempt != attempt || inv.Fault == nil || inv.Via != "Lambda API" {
			t.Errorf("attempt %d: got %+v", attempt, inv)
		}
	}
}

// A call that finds all instances busy and the queue full gets 429, and one whose
// caller hangs up leaves the queue.
func TestThrottled(t *testing.T) {
	f := newFixture(t, local.Options{Instances: 1, Queue: 1})
	fn := f.create(local.Settings{Name: "hello", Timeout: time.Minute})
	file := filepath.Join(t.TempDir(), "go")
	event := fmt.Sprintf(`{"wait":%q}`, file)
	running := make(chan answer, 1)
	go func() { running <- f.call("POST", invocations, event) }()
	localtest.Until(t, func() bool { return fn.Describe().Busy == 1 })
	ctx, hangUp := context.WithCancel(context.Background())
	left := make(chan answer, 1)
	go func() {
		left <- f.send(httptest.NewRequest("POST", invocations, strings.NewReader(event)).WithContext(ctx))
	}()
	localtest.Until(t, func() bool { return fn.Describe().Waiting == 1 })
	a := f.expect(429, "TooManyRequestsException", "POST", invocations, "{}")
	if a.body != `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}` {
		t.Errorf("got %s", a.body)
	}
	hangUp()
	if a := <-left; a.body != "" {
		t.Errorf("the caller that hung up: got %d %s", a.status, a.body)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a := <-running; a.status != 200 {
		t.Errorf("the call that ran: got %d %s", a.status, a.body)
	}
}

// Many callers get their own answers.
func TestInvokeConcurrently(t *testing.T) {
	f := newFixture(t, local.Options{Instances: 4})
	f.create(local.Settings{Name: "hello"})
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			event := fmt.Sprintf(`{"number":%d}`, n)
			if a := f.call("POST", invocations, event); a.status != 200 || a.body != event {
				t.Errorf("%s: got %d %s", event, a.status, a.body)
			}
		})
	}
	all.Wait()
}
