package libraries

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A cloud answers every request of an SDK, and keeps its header.
type cloud struct {
	*httptest.Server
	requests chan http.Header
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{requests: make(chan http.Header, 16)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests <- r.Header
		if r.Header.Get("X-TC-Action") != "" {
			fmt.Fprint(w, `{"Response":{"TotalCount":7,"Functions":[],"RequestId":"r"}}`)
			return
		}
		fmt.Fprint(w, "the object "+r.URL.Path)
	}))
	t.Cleanup(c.Close)
	return c
}

// pythonWithBoto returns a Python that has boto3: the first one in PATH, or the
// system's own Python, for which distributions package boto3.
func pythonWithBoto(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import boto3").Run() == nil {
			return python
		}
	}
	t.Skip("NOT TESTED: no python3 has boto3")
	return ""
}

// The vendors' own SDKs find what their platforms give them: credentials, region
// and trace in the environment and in the context.
func TestSDKs(t *testing.T) {
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	tests := []struct {
		handler  string
		platform *protocol.Platform
		env      []string
		header   http.Header
		event    string
		result   string
		sent     map[string]string // parts of the header of the SDK's request
		log      []string          // parts of the log
	}{
		{"s3.handler", protocol.Lambda, nil, http.Header{"Lambda-Runtime-Trace-Id": {trace}}, `{"key":"a b"}`, `"the object /bucket/a b"`,
			map[string]string{"Authorization": "Credential=local-access-key-id/", "X-Amz-Security-Token": "local-session-token", "X-Amzn-Trace-Id": trace}, nil},
		{"boto.handler", protocol.Lambda, nil, http.Header{"Lambda-Runtime-Trace-Id": {trace}}, `{"key":"a b"}`, `"the object /bucket/a b"`,
			map[string]string{"Authorization": "Credential=local-access-key-id/", "X-Amz-Security-Token": "local-session-token", "X-Amzn-Trace-Id": trace},
			[]string{"\tgot 22 bytes\n"}},
		{"powertools.handler", protocol.Lambda, []string{"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=WARN"}, http.Header{"Lambda-Runtime-Trace-Id": {trace}}, `{"order":7}`, `7`, nil,
			[]string{`"level":"WARN","message":"late"`, `"service":"orders"`, `"cold_start":true`, `"cold_start":false`, `"function_arn":"arn:aws:lambda:local:000000000000:function:function"`,
				`"function_memory_size":"128"`, `"function_name":"function"`, `"function_request_id":"`, `"xray_trace_id":"1-5759e988-bd862e3fe1be46a994272793"`, `"order":7`}},
		{"scf.handler", protocol.SCF, []string{"TENCENTCLOUD_SECRETID=id", "TENCENTCLOUD_SECRETKEY=key", "TENCENTCLOUD_SESSIONTOKEN=token"}, nil, `{}`, `7`,
			map[string]string{"Authorization": "Credential=id/", "X-TC-Token": "token", "X-TC-Action": "ListFunctions", "X-TC-Region": "local"}, nil},
		{"obs.handler", protocol.FunctionGraph, []string{"BOOTSTRAP_PASS_CREDENTIALS=true"},
			http.Header{"X-Cff-Security-Access-Key": {"id"}, "X-Cff-Security-Secret-Key": {"key"}, "X-Cff-Security-Token": {"token"}}, `{"key":"a"}`, `"the object /bucket/a"`,
			map[string]string{"Authorization": "AWS id:", "X-Amz-Security-Token": "token"}, []string{"got status 200\n"}},
	}
	for _, test := range tests {
		t.Run(test.handler, func(t *testing.T) {
			c := newCloud(t)
			env := append(test.env, "ENDPOINT="+c.URL, "AWS_ENDPOINT_URL="+c.URL)
			if test.handler == "boto.handler" {
				env = append(env, "BOOTSTRAP_PYTHON="+pythonWithBoto(t))
			}
			runner, log := startOn(t, test.platform, test.handler, env...)
			for range 2 {
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte(test.event), Header: test.header})
				if err != nil || out.Kind != emulator.Result || string(out.Body) != test.result {
					t.Fatalf("got %v %s, %v, want %s", out.Kind, out.Body, err, test.result)
				}
				if test.sent == nil {
					continue
				}
				request := <-c.requests
				for name, want := range test.sent {
					if got := request.Get(name); !strings.Contains(got, want) {
						t.Errorf("got the header %s: %q, want %q in it", name, got, want)
					}
				}
			}
			runner.Stop()
			for _, want := range test.log {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log lacks %s", want)
				}
			}
		})
	}
}

// X-Ray's SDK sends each segment with the trace of its own event.
func TestXRay(t *testing.T) {
	daemon, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
	if _, err := os.Stat("/tmp/.aws-xray"); err != nil { // the SDK makes it
		defer os.RemoveAll("/tmp/.aws-xray")
	}
	runner, _ := startOn(t, protocol.Lambda, "xray.handler", "AWS_XRAY_DAEMON_ADDRESS="+daemon.LocalAddr().String())
	for i := range 3 {
		id := fmt.Sprintf("1-5759e988-bd862e3fe1be46a99427279%d", i)
		out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte(`{"order":7}`), Header: http.Header{
			"Lambda-Runtime-Trace-Id": {"Root=" + id + ";Parent=53995c3f42cd8ad8;Sampled=1"}}})
		if err != nil || string(out.Body) != `"`+id+`"` {
			t.Fatalf("got %v %s, %v, want the trace %s", out.Kind, out.Body, err, id)
		}
		segment := make([]byte, 64<<10)
		n, _, err := daemon.ReadFrom(segment)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"trace_id":"` + id + `"`, `"parent_id":"53995c3f42cd8ad8"`, `"annotations":{"order":7}`} {
			if !strings.Contains(string(segment[:n]), want) {
				t.Errorf("got the segment %s, want %s in it", segment[:n], want)
			}
		}
	}
}
