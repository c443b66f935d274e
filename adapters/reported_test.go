package adapters

import (
	"strings"
	"testing"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

func TestOwnFailure(t *testing.T) {
	const own = `{"errorType":"Shop.NoStock","errorMessage":"no \"tea\"","stackTrace":["a","b"]}`
	tests := []struct {
		name, log, stdout string
		want              string // its type; "": none
	}{
		{"nothing", "", "", ""},
		{"the log", own + "\n", "", "Shop.NoStock"},
		{"the end of the log", "starting\nerror: x\n" + own + "\r\n\n", "", "Shop.NoStock"},
		{"not the end of the log", own + "\nbye\n", "", ""},
		{"stdout", "warning\n", " " + own + "\n", "Shop.NoStock"},
		{"stdout, on lines", "", "{\n \"errorType\": \"A\",\n \"errorMessage\": \"\"\n}\n", "A"},
		{"the log before stdout", `{"errorType":"B","errorMessage":"b"}`, own, "B"},
		{"more than it on stdout", "", "text\n" + own, ""},
		{"two on stdout", "", own + own, ""},
		{"no type", `{"errorMessage":"b"}`, "", ""},
		{"an empty type", `{"errorType":"","errorMessage":"b"}`, "", ""},
		{"no message", `{"errorType":"B"}`, "", ""},
		{"a number", `{"errorType":7,"errorMessage":"b"}`, "", ""},
		{"a stack that is none", `{"errorType":"B","errorMessage":"b","stackTrace":"c"}`, "", ""},
		{"half of it", own[:40], "", ""},
		{"a list", "[" + own + "]", "", ""},
		{"not UTF-8", "{\"errorType\":\"B\",\"errorMessage\":\"\xff\"}", "", "B"},
		{"too much", "", `{"errorType":"B","errorMessage":"` + strings.Repeat("x", maxReported) + `"}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := reportedFailure(lines(test.log), []byte(test.stdout))
			switch {
			case (got == nil) != (test.want == ""), got != nil && got.Type != test.want:
				t.Errorf("got %v, want %s", got, test.want)
			case got != nil:
				checkJSON(t, &protocol.Failure{Type: got.Type, Message: strings.ToValidUTF8(got.Message, "\ufffd"), Stack: got.Stack})
			}
		})
	}
}

// A failure that a command states counts only if the command fails.
func TestOwnFailureOfCommand(t *testing.T) {
	const say = `printf '%s' '{"errorType":"Shop.NoStock","errorMessage":"no tea","stackTrace":["a"]}'`
	program, fn := config(t, nil), script(t, evaluate)
	program.Command, program.Delivery = `eval "$1"`, Argv
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		a := start(t, c)
		for _, code := range []string{say + "; exit 3", say + " >&2; exit 3", "echo more; " + say + " >&2; exit 255"} {
			a.(supervisor.Settler).Settle()
			_, err := a.Invoke(t.Context(), newEvent(code))
			f, ok := err.(*protocol.Failure)
			if !ok || f.Type != "Shop.NoStock" || f.Message != "no tea" || len(f.Stack) != 1 {
				t.Errorf("%s, %s: got %v", kind, code, err)
			}
		}
		succeeds(t, a, say, `{"errorType":"Shop.NoStock","errorMessage":"no tea","stackTrace":["a"]}`)
		succeeds(t, a, say+" >&2; echo ok >&1; printf .", "ok\n.")
	}
}
