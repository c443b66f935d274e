package protocol

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFailureJSON(t *testing.T) {
	tests := []struct {
		name string
		f    Failure
		want string
	}{
		{"empty", Failure{}, `{"errorType":"","errorMessage":"","stackTrace":[]}`},
		{"whole", Failure{"Function.ExitError", "exit status 1", []string{"a", "b"}},
			`{"errorType":"Function.ExitError","errorMessage":"exit status 1","stackTrace":["a","b"]}`},
		{"quotes", Failure{Message: `say "no" \ 'yes'`}, `{"errorType":"","errorMessage":"say \"no\" \\ 'yes'","stackTrace":[]}`},
		{"markup stays readable", Failure{Message: "<b> & </b>"}, `{"errorType":"","errorMessage":"<b> & </b>","stackTrace":[]}`},
		{"newlines and controls", Failure{Message: "a\r\nb\tc\x00\x1b[0m\n"},
			`{"errorType":"","errorMessage":"a\r\nb\tc\u0000\u001b[0m\n","stackTrace":[]}`},
		{"line separators", Failure{Message: "\u2028\u2029"}, `{"errorType":"","errorMessage":"\u2028\u2029","stackTrace":[]}`},
		{"not UTF-8", Failure{Stack: []string{"\xff\xfeok\xc3"}}, `{"errorType":"","errorMessage":"","stackTrace":["��ok�"]}`},
	}
	for _, test := range tests {
		if got := string(test.f.JSON()); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// The JSON of a failure keeps any text, with invalid UTF-8 replaced.
func TestFailureJSONOfRandomBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		b := make([]byte, random.IntN(50))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return string(b)
	}
	for range 1000 {
		f := &Failure{Type: text(), Message: text(), Stack: []string{text(), text()}}
		b := f.JSON()
		var got struct {
			ErrorMessage string
			StackTrace   []string
		}
		if err := json.Unmarshal(b, &got); err != nil || !utf8.Valid(b) {
			t.Fatalf("%q: got %q, error %v, want valid JSON", f, b, err)
		}
		if want := replaced(f.Message); got.ErrorMessage != want {
			t.Fatalf("message: got %q, want %q", got.ErrorMessage, want)
		}
		if want := replaced(f.Stack[1]); got.StackTrace[1] != want {
			t.Fatalf("stack: got %q, want %q", got.StackTrace[1], want)
		}
	}
}

// replaced returns s with U+FFFD for each invalid byte.
func replaced(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func TestFailureIsAnError(t *testing.T) {
	var err error = &Failure{Type: "Function.ExitError", Message: "exit status 1"}
	if got, want := err.Error(), "Function.ExitError: exit status 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEventLimit(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name string
		ev   Event
		want time.Duration
	}{
		{"none", Event{Received: now}, 0},
		{"some", Event{Received: now, Deadline: now.Add(time.Second)}, time.Second},
		{"over", Event{Received: now, Deadline: now.Add(-time.Second)}, -time.Second},
	}
	for _, test := range tests {
		if got := test.ev.Limit(); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}
