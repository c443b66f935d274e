package huawei

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
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

// Version v0, the default, answers with the bare result.
func TestInvokeV0(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	for _, version := range []string{"", "v0"} {
		r := a.call(t, "POST", helloPath+"/invocations", `{"a":"<>"}`, "X-CFF-Request-Version", version)
		got := bodyOf(t, r)
		if r.StatusCode != 200 || got != `{"a":"<>"}` || r.Header.Get("X-Cff-Response-Version") != "v0" || r.Header.Get("X-Cff-Function-Log") != "" {
			t.Errorf("status %d, %s, %v", r.StatusCode, got, r.Header)
		}
	}
}

// Version v1 answers with JSON, in which the result is a string, and with headers.
func TestInvokeV1(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	r := a.call(t, "POST", helloPath+"/invocations", `{"log":"a line\n"}`, "X-CFF-Request-Version", "v1", "X-Cff-Log-Type", "tail")
	var got outcome
	text := bodyOf(t, r)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if r.StatusCode != 200 || got.Result != `{"log":"a line\n"}` || got.Status != 200 || got.Code != 0 || got.ID == "" {
		t.Errorf("status %d, %s", r.StatusCode, text)
	}
	logged := regexp.MustCompile(`^\S+Z Start invoke request '` + got.ID + `', version: latest\na line\n\n` +
		`\S+Z Finish invoke request '` + got.ID + `', duration: [0-9.]+ms, billing duration: [0-9]+ms, memory used: [0-9.]+MB, billing memory: 128MB\n$`)
	header, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Cff-Function-Log"))
	if err != nil || string(header) != got.Log || !logged.MatchString(got.Log) {
		t.Errorf("the log is %q\nin the header %q, %v", got.Log, header, err)
	}
	var s summary
	if err := json.Unmarshal([]byte(r.Header.Get("X-Cff-Invoke-Summary")), &s); err != nil || s.Duration <= 0 || s.MemorySize != 128 {
		t.Errorf("the summary is %s", r.Header.Get("X-Cff-Invoke-Summary"))
	}
	for name, want := range map[string]string{
		"X-Cff-Request-Id": got.ID, "X-Func-Err-Code": "0", "X-Is-Func-Err": "false", "X-Cff-Response-Version": "v1",
		"X-Cff-Billing-Duration": fmt.Sprint(s.BillingDuration), "Content-Type": "application/json",
	} {
		if r.Header.Get(name) != want {
			t.Errorf("%s is %q, expected %q", name, r.Header.Get(name), want)
		}
	}
}

// The log has at most 4 KB of the end, and comes only if the caller asks.
func TestTailLog(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	event := fmt.Sprintf(`{"log":"%sthe end\n"}`, strings.Repeat("a line\\n", 1000))
	var got outcome
	a.get(t, 200, &got, "POST", helloPath+"/invocations", event, "X-CFF-Request-Version", "v1", "X-Cff-Log-Type", "tail")
	if len(got.Log) != 4<<10 || !strings.Contains(got.Log, "the end") {
		t.Errorf("the log has %d bytes: …%s", len(got.Log), got.Log[max(0, len(got.Log)-300):])
	}
	r := a.call(t, "POST", helloPath+"/invocations", event, "X-CFF-Request-Version", "v1")
	if text := bodyOf(t, r); !strings.Contains(text, `"log":""`) || r.Header.Get("X-Cff-Function-Log") != "" {
		t.Errorf("there is a log that nobody has asked for: %s", text)
	}
}

// A failure has the status 200, and says that it is one.
func TestInvokeFails(t *testing.T) {
	for _, test := range []struct {
		event   string
		timeout time.Duration
		result  string
		code    int
	}{
		{`{"fail":"no luck"}`, time.Minute, `{"errorMessage":"no luck","errorType":"Test"}`, 4002},
		{`{"exit":3}`, time.Minute, "runtime process is exited", 4204},
		{`{"forever":true}`, time.Second, "call invoke timeout 1s", 4010},
		{`{"size":6291457}`, time.Minute, "response body size exceeds the limit of 6291456", 4004},
	} {
		a, _ := newAPI(t, local.Options{}, func(s *local.Settings) { s.Timeout = test.timeout })
		for _, version := range []string{"v0", "v1"} {
			r := a.call(t, "POST", helloPath+"/invocations", test.event, "X-CFF-Request-Version", version)
			got := outcome{Result: bodyOf(t, r), Status: 500, Code: test.code}
			if version == "v1" {
				text := got.Result
				got = outcome{}
				if err := json.Unmarshal([]byte(text), &got); err != nil {
					t.Fatalf("%v: %s", err, text)
				}
			}
			if r.StatusCode != 200 || got.Result != test.result || got.Status != 500 || got.Code != test.code {
				t.Errorf("%s, %s: status %d, %+v", test.event, version, r.StatusCode, got)
			}
			if r.Header.Get("X-Is-Func-Err") != "true" || r.Header.Get("X-Func-Err-Code") != fmt.Sprint(test.code) {
				t.Errorf("%s, %s: %v", test.event, version, r.Header)
			}
		}
	}
}

// The event must be JSON, and the memory is the function's.
func TestInvokeRefused(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	for _, path := range []string{"/invocations", "/invocations-async"} {
		for _, event := range []string{"", "hello", `{"a":1} {`} {
			a.refused(t, errNotJSON, "JSON", "POST", helloPath+path, event)
		}
	}
	a.refused(t, errParameter, "memory", "POST", helloPath+"/invocations", "{}", "X-Cff-Instance-Memory", "256")
	if r := a.call(t, "POST", helloPath+"/invocations", "{}", "X-Cff-Instance-Memory", "128"); r.StatusCode != 200 {
		t.Errorf("with the function's memory: status %d", r.StatusCode)
	}
	a.refused(t, errNoFunction, "", "POST", functionsPath+"/urn:fss:r:p:function:default:missing/invocations", "{}")
}

// A call that finds the queue full is refused with 429, and after the end with 503.
func TestThrottled(t *testing.T) {
	a, f := newAPI(t, local.Options{Instances: 1, Queue: 1}, func(s *local.Settings) { s.Timeout = time.Minute })
	file := filepath.Join(t.TempDir(), "go")
	event := fmt.Sprintf(`{"wait":%q}`, file)
	served := make(chan int, 2)
	for range 2 {
		go func() { served <- a.call(t, "POST", helloPath+"/invocations", event).StatusCode }()
	}
	localtest.Until(t, func() bool { d := f.Describe(); return d.Busy == 1 && d.Waiting == 1 })
	a.refused(t, errThrottled, "busy", "POST", helloPath+"/invocations", "{}")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if status := <-served; status != 200 {
			t.Errorf("status %d", status)
		}
	}
	a.cloud.Close()
	a.refused(t, errNoFunction, "", "POST", helloPath+"/invocations", "{}")
	a.refused(t, errUnavailable, "", "POST", functionsPath, body(t, nil))
}

// An error of this machine, which is not in the table of the platform's, counts as a failure.
func TestReported(t *testing.T) {
	inv := &local.Invocation{Status: local.Failed, Fault: &local.Fault{Message: "no memory"}}
	if ev := asyncEventOf(inv); ev.Status != "FAIL" || ev.Code != 500 || ev.Message != "no memory" {
		t.Errorf("got %+v", ev)
	}
	if o := outcomeOf(inv, 128); o.Status != 500 || o.Code != 500 || o.Result != "no memory" {
		t.Errorf("got %+v", o)
	}
}

// A runtime that cannot start fails the event.
func TestNoRuntime(t *testing.T) {
	a, _ := newAPI(t, local.Options{Runtime: func(string) ([]string, error) { return []string{"/does/not/exist"}, nil }})
	var got outcome
	a.get(t, 200, &got, "POST", helloPath+"/invocations", "{}", "X-CFF-Request-Version", "v1")
	if got.Code != 4201 || got.Result != "function initialization failed" {
		t.Errorf("got %+v", got)
	}
}

// Callers at the same time get their own answers, while functions change.
func TestConcurrent(t *testing.T) {
	a, _ := newAPI(t, local.Options{}, func(s *local.Settings) { s.Timeout = time.Minute })
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			event := fmt.Sprintf(`{"number":%d}`, i)
			r := a.call(t, "POST", helloPath+"/invocations", event)
			if got := bodyOf(t, r); got != event {
				t.Errorf("%s: status %d, %s", event, r.StatusCode, got)
			}
			trigger := fmt.Sprintf(`{"trigger_type_code":"APIG","event_data":{"name":"t%d"}}`, i)
			if r := a.call(t, "POST", triggersPath, trigger); r.StatusCode != 201 {
				t.Errorf("%s: status %d", trigger, r.StatusCode)
			}
			created := body(t, fields{"func_name": fmt.Sprint("f", i)})
			if r := a.call(t, "POST", functionsPath, created); r.StatusCode != 200 {
				t.Errorf("f%d: status %d", i, r.StatusCode)
			}
		})
	}
	all.Wait()
	var list struct{ Count int }
	var triggers []trigger
	a.get(t, 200, &list, "GET", functionsPath, "")
	a.get(t, 200, &triggers, "GET", triggersPath, "")
	if list.Count != 21 || len(triggers) != 20 {
		t.Errorf("there are %d functions and %d triggers, expected 21 and 20", list.Count, len(triggers))
	}
}
