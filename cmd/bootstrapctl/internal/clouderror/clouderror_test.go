package clouderror

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"bootstrap/protocol"
)

var all = []Cause{NoBootstrap, NotExecutable, NoSuchFile, ExecFormat, InitFailed, InitTimedOut, Failed, TimedOut,
	OutOfMemory, Exited, ResultTooLarge, EventTooLarge, NotJSON, Throttled}

// Every platform has one row for each cause, and SCF's and FunctionGraph's codes are
// numbers.
func TestTable(t *testing.T) {
	seen := map[string]int{}
	for _, e := range Table() {
		seen[e.Platform+" "+string(e.Cause)]++
		if _, err := strconv.Atoi(e.Code); err != nil && e.Platform != "lambda" {
			t.Errorf("%s, %s: the code is %q, expected a number", e.Platform, e.Cause, e.Code)
		}
		if e.Text == "" || e.Confidence == "" {
			t.Errorf("%s, %s: a field is empty", e.Platform, e.Cause)
		}
	}
	for _, p := range protocol.Platforms {
		for _, cause := range all {
			if n := seen[p.Name+" "+string(cause)]; n != 1 {
				t.Errorf("%s has %d rows for %q, expected 1", p.Name, n, cause)
			}
		}
	}
	if len(seen) != len(protocol.Platforms)*len(all) {
		t.Errorf("the table has %d rows, expected %d", len(seen), len(protocol.Platforms)*len(all))
	}
}

// The bodies are those that users report.
func TestBody(t *testing.T) {
	for _, test := range []struct {
		err  Error
		want string
	}{
		{Of("scf", NotExecutable), `{"errorCode":-1,"errorMessage":"ReloadFail: Bootstrap not executable\n","requestId":"1","statusCode":443}`},
		{Of("scf", TimedOut).Fill("seconds", "3"), `{"errorCode":-1,"errorMessage":"Invoking task timed out after 3 seconds","requestId":"1","statusCode":433}`},
		{Of("scf", Exited), `{"errorCode":-1,"errorMessage":"User process exit when running","requestId":"1","statusCode":439}`},
		{Of("functiongraph", Exited), `runtime process is exited`},
		{Of("functiongraph", TimedOut).Fill("seconds", "3"), `call invoke timeout 3s`},
		{Of("lambda", TimedOut).Fill("seconds", "3"), `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`},
		{Of("lambda", Exited).Fill("reason", "with error: exit status 1"), `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 1"}`},
	} {
		if got := string(test.err.Body("1")); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	for _, e := range Table() {
		if body := e.Body("1"); e.Platform != "functiongraph" && !json.Valid(body) {
			t.Errorf("%s, %s: %s is not JSON", e.Platform, e.Cause, body)
		}
		if text := e.String(); !strings.Contains(text, e.Code) {
			t.Errorf("%s, %s: %q does not have the code %s", e.Platform, e.Cause, text, e.Code)
		}
	}
}
