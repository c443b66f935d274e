package failure

import (
	"strings"
	"testing"
)

func TestReported(t *testing.T) {
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
			got := Reported(Lines(test.log), []byte(test.stdout))
			if (got == nil) != (test.want == "") || got != nil && got.Type != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}
