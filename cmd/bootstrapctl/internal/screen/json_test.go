package screen

import (
	"regexp"
	"strings"
	"testing"
)

var escapes = regexp.MustCompile("\x1b\\[\\d+m")

// Colours do not change the text, and a text that is not JSON gets none.
func TestColorJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": -1.5e+3, "b\\\"": "x: \\\\", "c" : [true, null, "\\u0041"]}`: `{<36>"a"<0>: <33>-1.5e+3<0>, <36>"b\\\""<0>: <32>"x: \\\\"<0>, <36>"c"<0> : [<2>true<0>, <2>null<0>, <32>"\\u0041"<0>]}`,
		` "one" `:       ` <32>"one"<0> `,
		`{"a": true} x`: `{"a": true} x`,
		``:              ``,
		"\xff":          "\xff",
	} {
		got := string(palette(true).colorJSON([]byte(text)))
		if plain := escapes.ReplaceAllString(got, ""); plain != text {
			t.Errorf("%q became %q", text, plain)
		}
		got = strings.NewReplacer("\x1b[", "<", "m", ">").Replace(got)
		if got != strings.ReplaceAll(want, "m", ">") {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzColorJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, "b", null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "\x1b") {
			return
		}
		if got := palette(true).colorJSON(text); escapes.ReplaceAllString(string(got), "") != string(text) {
			t.Errorf("%q became %q", text, got)
		}
		if got := palette(false).colorJSON(text); string(got) != string(text) {
			t.Errorf("%q became %q without colours", text, got)
		}
	})
}
