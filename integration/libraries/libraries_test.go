// Package libraries runs functions that are made with others' libraries. npm
// must have installed these: see the target libraries of the Makefile.
package libraries

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

var bootstrap string // built by TestMain

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "libraries-")
	if err == nil {
		bootstrap = filepath.Join(folder, "bootstrap")
		build := exec.Command("go", "build", "-o", bootstrap, "./cmd/bootstrap")
		build.Dir, build.Stderr = "../..", os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot run the tests:", err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(status)
}

// request is an event of a gateway.
const request = `{"httpMethod":"%s","path":"%s","headers":{"Content-Type":"application/json","x-id":"7"},"queryStringParameters":{"q":"a b"},` +
	`"requestContext":{"identity":{}},"body":"{\"x\":[1]}","isBase64Encoded":false}`

func TestLibraries(t *testing.T) {
	hello := fmt.Sprintf(request, "POST", "/hello/Ada")
	picture := fmt.Sprintf(request, "GET", "/bytes")
	const body = `{"name":"Ada","query":"a b","body":{"x":[1]}}`
	tests := []struct {
		handler, event string
		status         int
		body           string
		base64         bool
	}{
		{"http.handler", hello, 201, body, false},
		{"http.handler", picture, 200, "/wAK", true},
		{"aws.handler", hello, 201, body, false},
		{"aws.handler", picture, 200, "/wAK", true},
		{"aws.promise", hello, 201, body, false},
		{"aws.callback", hello, 201, body, false},
		{"middy.handler", "{}", 200, "number true false", false},
		{"middy.handler", `{"fail":true}`, 500, "no luck", false},
	}
	for _, test := range tests {
		t.Run(test.handler+" "+test.body, func(t *testing.T) {
			runner := start(t, test.handler)
			for range 2 {
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte(test.event)})
				var got struct {
					StatusCode      int
					Body            string
					IsBase64Encoded bool
				}
				if err != nil || out.Kind != emulator.Result || json.Unmarshal(out.Body, &got) != nil {
					t.Fatalf("got %v %s, %v", out.Kind, out.Body, err)
				}
				if got.StatusCode != test.status || got.Body != test.body || got.IsBase64Encoded != test.base64 {
					t.Errorf("got %+v, want %+v", got, test)
				}
			}
		})
	}
}

// start runs a function of the folder code on Lambda.
func start(t *testing.T, handler string) *emulator.Runner {
	t.Helper()
	runner, _ := startOn(t, protocol.Lambda, handler)
	return runner
}

// startOn runs a function of the folder code. The runtime is stopped at the end of
// the test; its log is complete after a Stop.
func startOn(t *testing.T, platform *protocol.Platform, handler string, env ...string) (*emulator.Runner, *strings.Builder) {
	t.Helper()
	dir, err := filepath.Abs("code")
	if err != nil {
		t.Fatal(err)
	}
	server, err := emulator.New(platform, emulator.Function{Handler: handler, Dir: dir, Timeout: 20 * time.Second, Env: append(env, "PATH="+os.Getenv("PATH"))})
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	runner := emulator.NewRunner(server, []string{bootstrap}, log, log)
	t.Cleanup(func() {
		runner.Stop()
		server.Close()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return runner, log
}
